"""Walking a segment record by record without a key, and going on after damage."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from replicator.mailstore.blobs.record import HEADER, MAGIC, Header, is_whole

WINDOW = 16 << 10
STEP = 1 << 20
BLOCK = 4 << 10


@dataclass(frozen=True, slots=True)
class Found:
    """A record whose CRC agrees."""

    offset: int
    header: Header


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record. `torn`: all there is, up to the end, is the start of one that was never finished.

    `unreadable`: the disk did not give all of them, so that nobody knows what they are.
    """

    start: int
    end: int
    torn: bool
    unreadable: bool = False

    def __str__(self) -> str:
        return f"{self.end - self.start} bytes {'cannot be read' if self.unreadable else 'are damaged'}"


def walk(descriptor: int, start: int, end: int) -> Iterator[Found | Damage]:
    """Everything between two offsets, of which the first is that of a record, in order and without a gap."""
    file = _File(descriptor)
    while start < end:
        header = _whole_record(file, start, end)
        if header is not None:
            yield Found(start, header)
            start += header.record_length
            continue
        after = _next_record(file, start + 1, end)
        torn = after == end and not file.failed and _is_torn(file, start, end)
        yield Damage(start, after, torn, unreadable=file.failed)
        file.failed = False
        start = after


class _File:
    """A file whose unreadable blocks read as zeros, which are no record; `failed` says that there were such."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failed = False

    def read(self, size: int, offset: int) -> bytes:
        """At most `size` bytes, less only at the end of the file."""
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError:
            self.failed = True
        if size <= BLOCK:
            return bytes(size)
        return b"".join(self.read(min(BLOCK, offset + size - at), at) for at in range(offset, offset + size, BLOCK))


def _whole_record(file: _File, start: int, end: int) -> Header | None:
    window = file.read(min(WINDOW, end - start), start)
    header = Header.parse(window)
    if header is None or header.record_length > end - start:
        return None
    length = header.record_length
    record = window[:length] if length <= len(window) else file.read(length, start)
    return header if len(record) == length and is_whole(record) else None


def _next_record(file: _File, start: int, end: int) -> int:
    """Where the next whole record starts; `end` if there is none."""
    while start < end:
        window = file.read(min(STEP, end - start), start)
        found = window.find(MAGIC)
        while found >= 0:
            if _whole_record(file, start + found, end) is not None:
                return start + found
            found = window.find(MAGIC, found + 1)
        if len(window) < STEP:
            return end
        start += STEP - len(MAGIC) + 1
    return end


def _is_torn(file: _File, start: int, end: int) -> bool:
    head = file.read(min(HEADER, end - start), start)
    if len(head) < HEADER:
        return head[: len(MAGIC)] == MAGIC[: len(head)]
    header = Header.parse(head)
    return header is not None and header.record_length > end - start
