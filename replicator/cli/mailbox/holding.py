"""A held mailbox whose entry in the keyring is to change, while no run is at work on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connectors.errors import ConfigError, Locked
from replicator.cli.invocation import Invocation, chosen

if TYPE_CHECKING:
    from replicator.config import Config
    from replicator.mailstore import Mailstore


@contextmanager
def holding(invocation: Invocation, name: str, *, wait: bool) -> Iterator[tuple["Config", "Mailstore"]]:
    """The configuration, and the mailstore with this mailbox locked. Raises ConfigError if it holds none, and
    Locked if another run has it, unless `wait`.
    """
    from replicator.mailstore.files import locking
    from replicator.mailstore.keys.about import FEATURE

    config = invocation.config()
    with invocation.open_mailstore(config) as mailstore:
        if name in config.mailboxes and name not in mailstore.names():
            raise ConfigError(f"nothing is held of {name} yet", "change the configuration, and that is all")
        chosen([name], mailstore.names())
        lock = mailstore.directory.lock(mailstore.keyring.names()[name])
        try:
            with locking(lock, wait=wait):
                mailstore.directory.use(FEATURE)
                yield config, mailstore
        except Locked as error:
            raise Locked(f"{name}: {error.message}", error.advice) from error
