"""What every command is given: where its configuration is, its clock, and how to open what the configuration names."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigError, KeyRefused, StoreError
from replicator.cli.display import print_note

if TYPE_CHECKING:  # imported when needed: a command pays only for what it uses
    from replicator.config import Config
    from replicator.mailstore import Mailstore
    from replicator.mailstore.directory import Directory


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

    def config(self, *, passwords: bool = False) -> "Config":
        """The configuration. Raises ConfigError with all that is wrong in it.

        Files of the mailboxes' secrets that others can read are wrong only for who needs the `passwords`.
        """
        from connectors.registry import connectors
        from replicator.config import find_config, load_config

        file = find_config(self.config_file, self.environment, self.directory)
        return load_config(file, connectors(), passwords=passwords)

    def open_mailstore(self, config: "Config") -> "Mailstore":
        """The mailstore that the configuration names. Raises NoMailstore, KeyRefused, ConfigError, Tampered."""
        from replicator.engine.opening import open_mailstore

        refuse_remains(config)
        return open_mailstore(config, self.clock)


def refuse_remains(config: "Config") -> None:
    """Raises KeyRefused or StoreError where a mailstore has lost files, and is not to be made anew over the rest.

    An `init` that was broken off leaves a key and nothing in the mailstore, and is none of that.
    """
    from replicator.config import KeyFile
    from replicator.mailstore.directory import Directory

    directory, key = Directory(config.mailstore.path), config.mailstore.key
    if isinstance(key, KeyFile) and is_missing(key.path) and (directory.exists() or _remains(directory)):
        raise KeyRefused(
            f"{directory.root} holds a mailstore, or what is left of one, but its key file {key.path} is missing",
            "put the key back, or name another path for a new mailstore",
        )
    if not directory.exists() and any(_content(directory)):
        raise StoreError(
            f"{directory.root} holds what is left of a mailstore: its format.json is missing",
            "restore format.json from a backup, or name another path for a new mailstore",
        )


def is_missing(file: Path) -> bool:
    """Whether there is no such file. One that cannot be looked at counts as there: reading it will say why not."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _remains(directory: "Directory") -> bool:
    return directory.keyring.exists() or directory.catalog.exists() or any(_content(directory))


def _content(directory: "Directory") -> Iterator[Path]:
    yield from directory.segments.glob("*")
    yield from directory.root.glob("mailbox/*/*")


def known_mailboxes(config: "Config", mailstore: "Mailstore") -> list[str]:
    """Those that are configured, in their order there, then those that only the mailstore still holds."""
    return list(dict.fromkeys([*config.mailboxes, *mailstore.names()]))


def chosen(requested: Sequence[str], known: Iterable[str]) -> list[str]:
    """The requested mailboxes, each once, or all known ones if none is. Raises ConfigError for an unknown one."""
    from replicator.config.problems import suggestion

    names = list(known)
    unknown = [name for name in dict.fromkeys(requested) if name not in set(names)]
    if unknown:
        message = "\n".join(f"there is no mailbox {name!r}{suggestion(name, names, most=5)}" for name in unknown)
        raise ConfigError(message, "`replicator status` lists the mailboxes")
    return list(dict.fromkeys(requested or names))


def note_untouched(names: Sequence[str], mailstore: "Mailstore") -> list[str]:
    """Those of the mailboxes of which something is held under that name; stderr is told of the others."""
    touched = set(mailstore.names())
    for name in names:
        if name not in touched:
            print_note(": ".join(untouched(name, mailstore)))
    return [name for name in names if name in touched]


def untouched(name: str, mailstore: "Mailstore") -> tuple[str, str]:
    """Why nothing is held of a mailbox, and what to do."""
    if (new := mailstore.keyring.former().get(name)) is not None:
        return f"{name} was renamed to {new} in the mailstore", f"ask for {new}"
    return f"nothing is held of {name} yet", "run `replicator sync`"
