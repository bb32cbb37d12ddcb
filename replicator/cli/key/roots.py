"""What the commands for keys share: options that name another key, and the keyring, open."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connectors.errors import ConfigError, KeyRefused
from replicator.advice import advice_on
from replicator.cli.invocation import Invocation, is_missing, refuse_remains

if TYPE_CHECKING:
    from replicator.mailstore.keys import Root, Slots

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Named:
    """A key as the options name it; none of them is the secret itself. All None: no key is named."""

    key_file: Path | None
    passphrase_env: str | None
    passphrase_file: Path | None

    def root(self) -> "Root | None":
        """The root secret, not yet read, or None. Raises UsageError if more than one is named."""
        from replicator.config.secrets import EnvironmentSecret, FileSecret
        from replicator.mailstore.keys import FileRoot, PassphraseRoot

        roots: list[Root] = []
        if self.key_file is not None:
            roots.append(FileRoot(self.key_file))
        if self.passphrase_env is not None:
            roots.append(PassphraseRoot(EnvironmentSecret(self.passphrase_env, KeyRefused)))
        if self.passphrase_file is not None:
            roots.append(PassphraseRoot(FileSecret(self.passphrase_file, KeyRefused)))
        if len(roots) > 1:
            raise click.UsageError("name one key only")
        return roots[0] if roots else None

    def make(self) -> bool:
        """Makes the key file if one is named that does not exist; whether it was made. Raises ConfigError."""
        from replicator.mailstore.keys import FileRoot

        if self.key_file is None or not is_missing(self.key_file):
            return False
        try:
            FileRoot.create(self.key_file)
        except OSError as error:
            raise ConfigError(f"{self.key_file} cannot be made: {error.strerror}", advice_on(error)) from error
        return True


def key_options(command: Decorated) -> Decorated:
    """`--key-file`, `--passphrase-env`, `--passphrase-file`: passed on under their names, for `Named`."""
    for option in (
        click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE", help="A passphrase's file."),
        click.option("--passphrase-env", metavar="NAME", help="An environment variable that holds a passphrase."),
        click.option("--key-file", type=click.Path(path_type=Path), metavar="FILE", help="A key file."),
    ):
        command = option(command)
    return command


@contextmanager
def open_slots(invocation: Invocation, *, alone: bool = True) -> Iterator[tuple["Slots", "Root"]]:
    """The slots of the configured mailstore, and the root secret that the configuration names.

    If `alone`, nobody else changes slots meanwhile. Raises Locked, NoMailstore, KeyRefused, ConfigError, Tampered.
    """
    from replicator.engine.opening import root_of
    from replicator.mailstore.directory import Directory
    from replicator.mailstore.files import locking
    from replicator.mailstore.keys import Keyring, Slots

    config = invocation.config()
    refuse_remains(config)
    directory, root = Directory(config.mailstore.path), root_of(config)
    directory.check()
    with locking(directory.lock("slots")) if alone else nullcontext():
        yield Slots(Keyring.open(directory.keyring, root, os.urandom), root), root
