"""Brings a lost catalog back, before anything asks for it: it is only an index over the segments."""

import logging
from pathlib import Path

from replicator.mailstore.blobs import Segments
from replicator.mailstore.blobs.rebuilding import rebuild
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.directory import Directory
from replicator.mailstore.files import locking, storing, sync_folder
from replicator.mailstore.keys import Keyring

log = logging.getLogger(__name__)


def restore_catalog(directory: Directory, keyring: Keyring) -> None:
    """Rebuilds the catalog if its file is missing. With it went what it knew of the mailboxes' last commits.

    That each mailbox of the keyring was made is noted, so that none is made anew in place of one that is lost. The
    catalog is made under another name and renamed when it is whole. Raises Tampered, StorageFull, StoreError.
    """
    path = directory.catalog
    if path.exists():
        return
    with locking(directory.lock("catalog")):
        if path.exists():
            return
        log.warning("catalog.db is missing: rebuilding it from the segments; no rollback before this can be noticed")
        with storing(path):
            for leftover in (*path.parent.glob(f"{path.name}-*"), *path.parent.glob(f"{path.stem}.new*")):
                leftover.unlink()
            _rebuild(path.with_suffix(".new"), keyring, directory.segments)
            path.with_suffix(".new").replace(path)
            sync_folder(path.parent)


def _rebuild(path: Path, keyring: Keyring, directory: Path) -> None:
    catalog, segments = SqliteCatalog(path, keyring.catalog_key, create=True), Segments(directory)
    try:
        for problem in rebuild(catalog, segments):
            log.warning("%s: %s", problem.where, problem.what)
        catalog.lose_marks(keyring.names().values())
        catalog.fold()
    finally:
        segments.close()
        catalog.close()
