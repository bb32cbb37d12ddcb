"""Brings a lost catalog back, before anything asks for it: it is only an index over the segments."""

import logging
from pathlib import Path

from replicator.mailstore.blobs import Segments
from replicator.mailstore.blobs.rebuilding import rebuild
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.keys.locking import locking
from replicator.mailstore.keys.roots import sync_folder

log = logging.getLogger(__name__)


def restore_catalog(path: Path, key: bytes, segments: Path, lock: Path) -> None:
    """Rebuilds the catalog if its file is missing. With it went what it knew of the mailboxes' last commits.

    It is made under another name and renamed when it is whole. Raises Tampered, StorageFull.
    """
    if path.exists():
        return
    with locking(lock):
        if path.exists():
            return
        for leftover in (*path.parent.glob(f"{path.name}-*"), *path.parent.glob(f"{path.stem}.new*")):
            leftover.unlink()
        log.warning("catalog.db is missing: rebuilding it from the segments; no rollback before this can be noticed")
        unfinished = path.with_suffix(".new")
        catalog, directory = SqliteCatalog(unfinished, key, create=True), Segments(segments)
        try:
            for problem in rebuild(catalog, directory):
                log.warning("%s: %s", problem.where, problem.what)
        finally:
            directory.close()
            catalog.close()
        unfinished.replace(path)
        sync_folder(path.parent)
