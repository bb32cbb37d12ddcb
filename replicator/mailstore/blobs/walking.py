"""Walking a segment record by record without a key, and going on after damage."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from replicator.mailstore.blobs.record import HEADER, MAGIC, Header, is_whole

WINDOW = 16 << 10
STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A record whose CRC agrees."""

    offset: int
    header: Header


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record. `torn`: all there is, up to the end, is the start of one that was never finished."""

    start: int
    end: int
    torn: bool


def walk(descriptor: int, start: int, end: int) -> Iterator[Found | Damage]:
    """Everything between two offsets, of which the first is that of a record, in order and without a gap."""
    while start < end:
        header = _whole_record(descriptor, start, end)
        if header is not None:
            yield Found(start, header)
            start += header.record_length
            continue
        after = _next_record(descriptor, start + 1, end)
        yield Damage(start, after, torn=after == end and _is_torn(descriptor, start, end))
        start = after


def _whole_record(descriptor: int, start: int, end: int) -> Header | None:
    window = os.pread(descriptor, min(WINDOW, end - start), start)
    header = Header.parse(window)
    if header is None or header.record_length > end - start:
        return None
    length = header.record_length
    record = window[:length] if length <= len(window) else os.pread(descriptor, length, start)
    return header if len(record) == length and is_whole(record) else None


def _next_record(descriptor: int, start: int, end: int) -> int:
    """Where the next whole record starts; `end` if there is none."""
    while start < end:
        window = os.pread(descriptor, min(STEP, end - start), start)
        found = window.find(MAGIC)
        if found >= 0:
            if _whole_record(descriptor, start + found, end) is not None:
                return start + found
            start += found + 1
        elif len(window) < STEP:
            return end
        else:
            start += STEP - len(MAGIC) + 1
    return end


def _is_torn(descriptor: int, start: int, end: int) -> bool:
    head = os.pread(descriptor, min(HEADER, end - start), start)
    if len(head) < HEADER:
        return head[: len(MAGIC)] == MAGIC[: len(head)]
    header = Header.parse(head)
    return header is not None and header.record_length > end - start
