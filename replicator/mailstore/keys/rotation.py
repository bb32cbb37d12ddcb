"""A new key in a key file's place. At every moment the file at its path opens the mailstore.

    FILE.new is made → a slot for it → FILE is linked to FILE.old → FILE.new is renamed to FILE
    → the slot of FILE.old is taken away → FILE.old is deleted

What was broken off is completed by calling it again; which steps are done shows from the files that are there. A file
of which that is not certain is never deleted nor moved: it may be another mailstore's only key.
"""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.errors import ConfigError
from replicator.advice import advice_on
from replicator.mailstore.files import sync_folder
from replicator.mailstore.keys.derivation import RandomBytes
from replicator.mailstore.keys.roots import FileRoot
from replicator.mailstore.keys.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator


def rotate_file(slots: Slots, path: Path, random_bytes: RandomBytes = os.urandom) -> None:
    """Exchanges the key in a key file, or completes that. The caller keeps others from rotating meanwhile.

    Raises ConfigError where a file is in the way or the directory does not allow it, StoreError, KeyRefused.
    """
    path = path.resolve()  # a link stays one
    new, old = path.with_name(path.name + ".new"), path.with_name(path.name + ".old")
    with _replacing(path):
        if not _is_swapped(slots, path, new, old):
            _make(slots, new, random_bytes)
            _swap(path, new, old)
        slots.drop(FileRoot(old), keeper=FileRoot(path))
        old.unlink()
        sync_folder(path.parent)


def _is_swapped(slots: Slots, path: Path, new: Path, old: Path) -> bool:
    """Whether an earlier rotation got as far as the new file in its place. Refuses an OLD that is not its own."""
    if not old.exists():
        return False
    if new.exists() and old.samefile(path):
        return False
    before = slots.opened_by(FileRoot(old))
    if new.exists() or before in (None, slots.opened_by(FileRoot(path))):
        raise ConfigError(f"{old} is in the way", _ASIDE)
    return True


_ASIDE = "if a rotation that was broken off has left it there, delete it; else move it to another place"


def _make(slots: Slots, new: Path, random_bytes: RandomBytes) -> None:
    """A new key with a slot. One that an earlier attempt gave a slot is taken up; a key of anything else is not."""
    if new.exists() and new.stat().st_size == 0:
        new.unlink()
    if not new.exists():
        FileRoot.create(new, random_bytes)
        slots.add(FileRoot(new))
    elif slots.opened_by(FileRoot(new)) is None:
        raise ConfigError(f"{new} is in the way: it is a key that opens nothing here", _ASIDE)


def _swap(path: Path, new: Path, old: Path) -> None:
    owner = path.stat()
    if (owner.st_uid, owner.st_gid) != (new.stat().st_uid, new.stat().st_gid):
        os.chown(new, owner.st_uid, owner.st_gid)
    if not old.exists():
        os.link(path, old)
        sync_folder(path.parent)
    new.replace(path)
    sync_folder(path.parent)


@contextmanager
def _replacing(path: Path) -> "Iterator[None]":
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the key beside {path} cannot be exchanged: {error.strerror}",
            f"{advice_on(error)}; or name a new file with --key-file",
        ) from error
