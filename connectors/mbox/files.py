"""Reads mbox files that other programs write to: under their lock, and only what stood still meanwhile."""

import errno
import fcntl
import os
from collections.abc import Iterator
from os import fstat, stat_result
from pathlib import Path
from typing import BinaryIO

from connectors.disk import open_regular
from connectors.errors import FolderError, FolderGone, FolderRefused, ServerBusy
from connectors.mbox.index import Entry, Index
from connectors.mbox.scan import BEGINNING, Found, scan

CHUNK = 1 << 20
"""Bytes read at a time; a larger message is streamed in pieces of about this size."""

TRIES = 3
"""How often a file is read that changes meanwhile, and how often a locked one is waited for."""

LOCKED = frozenset({errno.EACCES, errno.EAGAIN})
NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


def state_of(status: stat_result) -> str:
    """Differs once the file was written. A program that sets the times back (mutt does) cannot set this one back."""
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def look(path: Path) -> str:
    """The file's state. Raises FolderGone, FolderRefused."""
    try:
        return state_of(path.stat())
    except OSError as error:
        raise translated(path, error) from error


class Reader:
    """Knows what is in one file at a time, and reads it again when it has changed."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._state = ""
        self._index = Index(())
        self._locked: dict[Path, int] = {}

    def read(self, path: Path) -> tuple[str, Index]:
        """The file's state and what is in it. Raises FolderGone, FolderRefused, ServerBusy."""
        if path != self._path or look(path) != self._state:
            self._path, self._index = None, Index(())
            self._state, self._index = self._read(path)
            self._path = path
        return self._state, self._index

    def extend(self, path: Path, state: str, found: Found) -> Entry:
        """Takes note of a message that was written at the end of the file that was read last."""
        self._path, self._state = path, state
        self._index.add(found)
        return self._index[len(self._index) - 1]

    def forget(self) -> None:
        """What is known of the file, which was written to in another way."""
        self._path = None

    def _read(self, path: Path) -> tuple[str, Index]:
        for _ in range(TRIES):
            try:
                with open_file(path) as file:
                    self._lock(path, file)
                    before = fstat(file.fileno())
                    index = Index(scan(chunks(file, before.st_size)))
                    if state_of(fstat(file.fileno())) == state_of(before) == state_of(path.stat()):
                        return state_of(before), _checked(path, index, before.st_size)
            except OSError as error:
                raise translated(path, error) from error
        text = f"mbox file {path} is being written, by a program that does not lock it"
        raise FolderRefused(text, "run again when that program is done")

    def _lock(self, path: Path, file: BinaryIO) -> None:
        """Until the file is closed no one writes to it who locks as fcntl(2) has it. Dot locks are not asked for.

        Waiting is for the caller; a file that stays locked stops its folder, and no longer the others with it.
        """
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in NO_LOCKS:
                return
            if error.errno not in LOCKED:
                raise
            self._locked[path] = self._locked.get(path, 0) + 1
            text = f"mbox file {path} is locked by another program"
            if self._locked[path] > TRIES:
                raise FolderRefused(text, "run again when that program is done") from error
            raise ServerBusy(text, "it is tried again") from error
        self._locked.pop(path, None)


def chunks(file: BinaryIO, end: int) -> Iterator[bytes]:
    """From where the file stands up to a position; fewer if it has become shorter."""
    left = end - file.tell()
    while left > 0 and (chunk := file.read(min(left, CHUNK))):
        left -= len(chunk)
        yield chunk


def translated(path: Path, error: OSError) -> FolderError:
    """What the operating system says of a file, in our words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return FolderGone(f"there is no mbox file at {path}")
    return FolderRefused(f"mbox file {path} cannot be read: {error.strerror}", "look at its permissions")


def open_file(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Without a buffer in between. A link is followed, as administrators make them; raises OSError for a pipe."""
    return os.fdopen(open_regular(path, flags, follow=True), "r+b" if flags & os.O_RDWR else "rb", buffering=0)


def begins_like_mbox(path: Path) -> bool:
    """Whether the file has a message at its beginning. Raises OSError."""
    with open_file(path) as file:
        return file.read(len(BEGINNING)) == BEGINNING


def _checked(path: Path, index: Index, size: int) -> Index:
    if size and not len(index):
        raise FolderRefused(
            f"{path} is no mbox file: it does not begin with a line `From `", "exclude it, or repair it"
        )
    return index
