"""The right to write to a mailbox: a kernel lock among this machine's processes, and an epoch for everyone else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from replicator.mailstore.catalog import Catalog
from replicator.mailstore.files import locking


@contextmanager
def leasing(catalog: Catalog, mailbox_id: str, lock: Path, *, above: Callable[[], int], wait: bool) -> Iterator[int]:
    """Holds the lease, and gives its epoch. Raises Locked if another run has it, unless `wait`.

    `above` tells the highest epoch that the mailbox knows; the catalog has forgotten it if it is an older copy.
    """
    with locking(lock, wait=wait):
        epoch = catalog.lease(mailbox_id)
        if epoch <= above():
            catalog.raise_epoch(above())
            epoch = catalog.lease(mailbox_id)
        try:
            yield epoch
        finally:
            catalog.release(mailbox_id, epoch)
