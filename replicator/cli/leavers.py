"""Mailboxes of the configuration that `sync` leaves alone: retired ones, and those renamed in the mailstore only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.errors import ConfigError
from replicator.cli.display import print_note

if TYPE_CHECKING:
    from replicator.config import Config
    from replicator.engine.report import MailboxReport


@dataclass(frozen=True, slots=True)
class Leavers:
    """`retired` tells since when, in seconds since the epoch; `renamed` what each name was changed to."""

    retired: dict[str, float] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def staying(self, names: list[str], requested: tuple[str, ...], *, quiet: bool) -> list[str]:
        """Those that are replicated. Raises ConfigError if a retired one was `requested` by name."""
        for name in names:
            if name in self.retired and name in requested:
                since = datetime.fromtimestamp(self.retired[name]).astimezone().date()
                advice = f"`replicator mailbox retire --undo {name}` replicates it again"
                raise ConfigError(f"{name} is retired since {since}: it is kept, and not replicated", advice)
            if name in self.retired and not quiet:
                print_note(f"{name} is retired and left alone")
        return [name for name in names if name not in self.retired and name not in self.renamed]

    def reports(self, names: list[str]) -> "list[MailboxReport]":
        """Of those that were renamed: failed, so that each is said and the others go on."""
        from replicator.engine.report import MailboxReport, Trouble

        return [
            MailboxReport(name, error=Trouble.of(renamed_only_here(self.renamed[name])))
            for name in names
            if name in self.renamed
        ]


def renamed_only_here(new: str) -> ConfigError:
    """The error of a configured mailbox that is called otherwise in the mailstore."""
    advice = f"call it {new} in the configuration too, or rename it back"
    return ConfigError(f"it was renamed to {new} in the mailstore", advice)


def find_leavers(config: "Config") -> Leavers:
    """Asks the keyring, but only where the mailstore says that there are any. Raises what opening it raises."""
    from replicator.engine.opening import root_of
    from replicator.mailstore.directory import Directory
    from replicator.mailstore.keys import Keyring
    from replicator.mailstore.keys.about import FEATURE

    directory = Directory(config.mailstore.path)
    if not directory.exists() or not directory.uses(FEATURE):
        return Leavers()
    keyring = Keyring.open(directory.keyring, root_of(config))
    about = {name: keyring.about(name) for name in config.mailboxes}
    former = keyring.former()
    return Leavers(
        {name: at for name, what in about.items() if (at := what.retired) is not None},
        {name: former[name] for name in config.mailboxes if name in former},
    )
