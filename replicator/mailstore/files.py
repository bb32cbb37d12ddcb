"""Files of the mailstore that are no database: written durably, locked by the kernel, with a full disk in our words."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import Locked, StorageFull, StoreError

NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))
NEARLY_NOTHING = 1 << 20


def storage_full(directory: Path) -> StorageFull:
    """The one error that ends a run: no other mailbox would find more room. `directory` is where there was none."""
    return StorageFull(f"the disk under the mailstore is full, at {directory}", "make room and run again")


def is_nearly_full(path: Path) -> bool:
    """Whether the file system of this file has less than 1 MiB left, or no file to give."""
    free = os.statvfs(path.parent)
    return free.f_bavail * free.f_frsize < NEARLY_NOTHING or (free.f_files > 0 and free.f_favail == 0)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Whatever the system refuses inside becomes StorageFull or StoreError; the text names the file."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in NO_ROOM:
            raise storage_full(path.parent) from error
        raise StoreError(f"{path.name} could not be written: {error.strerror}", "look at the disk") from error


def replace_file(path: Path, text: str) -> None:
    """Writes the file beside its place and renames it, durable on return. Raises StorageFull, StoreError."""
    beside = path.with_name(path.name + ".new")
    with storing(path):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes names that were created or replaced in this directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locking(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the kernel lock of that name, also against threads of this process; a dead process holds none.

    Waits for whoever has it, or raises Locked. Raises StorageFull, StoreError if the file cannot be made.
    """
    with storing(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked("another run is working on this mailbox", "let it finish, or use --wait") from error
        yield
    finally:
        os.close(descriptor)
