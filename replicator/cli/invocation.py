"""What every command is given: where its configuration is, its clock, and how to open what the configuration names."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigError

if TYPE_CHECKING:  # imported when needed: a command pays only for what it uses
    from replicator.config import Config
    from replicator.mailstore import Mailstore


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the command line. `clock` gives seconds since the epoch."""

    config_file: str | None
    environment: Mapping[str, str]
    directory: Path
    quiet: bool
    clock: Callable[[], float]

    def shows_progress(self) -> bool:
        """Whether someone is watching stderr."""
        return not self.quiet and os.isatty(2)

    def config(self) -> "Config":
        """The configuration. Raises ConfigError with all that is wrong in it."""
        from connectors.registry import connectors
        from replicator.config import find_config, load_config

        return load_config(find_config(self.config_file, self.environment, self.directory), connectors())

    def open_mailstore(self, config: "Config") -> "Mailstore":
        """The mailstore that the configuration names. Raises NoMailstore, KeyRefused, ConfigError, Tampered."""
        from replicator.engine.opening import open_mailstore

        return open_mailstore(config, self.clock)


def known_mailboxes(config: "Config", mailstore: "Mailstore") -> list[str]:
    """Those that are configured, in their order there, then those that only the mailstore still holds."""
    return list(dict.fromkeys([*config.mailboxes, *mailstore.names()]))


def chosen(requested: Sequence[str], known: Iterable[str]) -> list[str]:
    """The requested mailboxes, each once, or all known ones if none is. Raises ConfigError for an unknown one."""
    from replicator.config.problems import suggestion

    names = list(known)
    unknown = [name for name in dict.fromkeys(requested) if name not in set(names)]
    if unknown:
        message = "\n".join(f"there is no mailbox {name!r}{suggestion(name, names)}" for name in unknown)
        raise ConfigError(message, "`replicator status` lists the mailboxes")
    return list(dict.fromkeys(requested or names))
