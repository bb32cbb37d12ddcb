"""The configuration as values: what the engine and the commands are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.model import Role
from replicator.config.patterns import FolderRules


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The root secret is a file: `key = { file = "mailstore.key" }`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Passphrase:
    """The root secret is a passphrase: `key = { passphrase = { env = "REPLICATOR_PASSPHRASE" } }`."""

    secret: Callable[[], str]


REREAD = 64_000_000
"""Of unverified messages a run reads so many bytes again, unless the configuration says otherwise."""
COMPARE = 7 * 86400.0
"""So often ids are compared, in seconds, unless the configuration says otherwise."""


@dataclass(frozen=True, slots=True)
class MailstoreSettings:
    """Where the mailstore is, what opens it, and `reread`: bytes of unverified messages that a run may read again.

    `compare` is in seconds how often the ids of each folder are compared, where a mail system's changes may have gaps.
    """

    path: Path
    key: KeyFile | Passphrase
    reread: int = REREAD
    compare: float = COMPARE


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A mail system: the name of its connector, and that connector's own `source_settings`."""

    name: str
    connector: str
    settings: Any


@dataclass(frozen=True, slots=True)
class SideSettings:
    """Where one side of a mailbox lies: the name of a source, and its connector's own `mailbox_settings`."""

    source: str
    settings: Any


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """One mailbox. `rpo` is the objective in seconds, None where none is set; `standby` None where there is none."""

    id: str
    primary: SideSettings
    standby: SideSettings | None = None
    addresses: tuple[str, ...] = ()
    rpo: float | None = None
    folders: FolderRules = field(default_factory=FolderRules)

    def covers(self, path: tuple[str, ...], role: Role) -> bool:
        """Whether the folder is to be replicated."""
        return self.folders.covers(path, role)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a run needs to know; `file` is where it was read, `sources` and `mailboxes` are by name."""

    file: Path
    mailstore: MailstoreSettings
    sources: Mapping[str, SourceSettings]
    mailboxes: Mapping[str, MailboxSettings]
