"""Where the file of a message is just now, and what is in it."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from os import fstat, stat_result
from pathlib import Path
from typing import BinaryIO, TypeVar

from connectors.body import Body
from connectors.disk import gone, open_regular, unreadable
from connectors.errors import FolderGone
from connectors.maildir.directory import Names, flags_of, scan
from connectors.maildir.naming import name_of
from connectors.model import Message, Ref

T = TypeVar("T")

CHUNK = 1 << 20
"""Bytes: a larger message is streamed in pieces of this size."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RENAMES = 5
"""How often in a row a file may be renamed while it is looked for."""


class Files:
    """Finds messages by id, also when another program has renamed them. Knows the names of one folder at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = ""
        self._names: Names = {}

    def path(self, folder: str) -> Path:
        """The folder's directory."""
        return self._root / name_of(folder)

    def scan(self, folder: str) -> Names:
        """As `directory.scan`; the names are kept to find files by."""
        self._folder, self._names = "", {}
        self._names = scan(self.path(folder))
        self._folder = folder
        return self._names

    def stat(self, ref: Ref) -> stat_result:
        """Size and times. Raises ItemGone, ItemUnreadable."""
        return self.reach(ref, Path.lstat)

    def read(self, ref: Ref, keywords: dict[str, str]) -> Message:
        """The message, whole or as a Body that holds its file open. Raises ItemGone, ItemUnreadable."""
        file = self.reach(ref, open_file)
        try:
            status = fstat(file.fileno())
            chunks = _chunks(ref, file)
            raw = Body(chunks, file.close) if status.st_size > CHUNK else (b"".join(chunks),)
        except BaseException:
            file.close()
            raise
        if isinstance(raw, tuple):
            file.close()
        return Message(ref, raw, flags_of(self._names[ref.id], keywords), arrival(status))

    def reach(self, ref: Ref, use: Callable[[Path], T]) -> T:
        """What `use` makes of the message's file, called again if that has another name by now (FileNotFoundError).

        Scans only where a name has proven old, so that thousands of removed messages cost no scan each. Raises
        ItemGone, ItemUnreadable.
        """
        if ref.folder != self._folder:
            self._rescan(ref)
        for _ in range(RENAMES):
            if ref.id not in self._names:
                break
            try:
                return use(self.path(ref.folder) / self._names[ref.id])
            except FileNotFoundError:
                self._rescan(ref)
            except OSError as error:
                raise unreadable(ref, error) from error
        raise gone(ref)

    def meet(self, ref: Ref) -> None:
        """Scans if the message is not known, as one that came since the last scan. Raises ItemGone."""
        if ref.folder != self._folder or ref.id not in self._names:
            self._rescan(ref)

    def _rescan(self, ref: Ref) -> None:
        try:
            self.scan(ref.folder)
        except FolderGone as error:
            raise gone(ref) from error


def open_file(path: Path) -> BinaryIO:
    """For reading in pieces, so without a buffer in between."""
    return os.fdopen(open_regular(path), "rb", buffering=0)


def arrival(status: stat_result) -> datetime:
    """A Maildir keeps INTERNALDATE as the file's modification time, in whole seconds. EPOCH for one in no calendar."""
    try:
        return datetime.fromtimestamp(status.st_mtime_ns // 10**9, UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _chunks(ref: Ref, file: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        raise unreadable(ref, error) from error
