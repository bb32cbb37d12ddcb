"""The right to write to a mailbox: a kernel lock among this machine's processes, and an epoch for everyone else."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import Locked
from replicator.mailstore.catalog import Catalog


@contextmanager
def leasing(catalog: Catalog, mailbox_id: str, lock: Path, *, above: Callable[[], int], wait: bool) -> Iterator[int]:
    """Holds the lease, and gives its epoch. Raises Locked if another run has it, unless `wait`.

    `above` tells the highest epoch that the mailbox knows; the catalog has forgotten it if it is an older copy.
    """
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, wait=wait)
        epoch = catalog.lease(mailbox_id)
        if epoch <= above():
            catalog.raise_epoch(above())
            epoch = catalog.lease(mailbox_id)
        try:
            yield epoch
        finally:
            catalog.release(mailbox_id, epoch)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Locked("another run is working on this mailbox", "let it finish, or use --wait") from error
