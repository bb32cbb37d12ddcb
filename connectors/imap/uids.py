"""Sets of UIDs: as the server writes them, and as sorted arrays of four bytes a message."""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

from connectors.errors import ProtocolError

SET_BYTES = 7000
"""The longest set put into one command; RFC 7162 section 4 asks clients for lines of at most 8192."""

MOST = (1 << 32) - 1
"""UIDs are 32-bit (RFC 3501 2.3.1.1)."""

WIDEST = 1 << 27
"""UIDs in one range: more than a folder can hold that is listed one by one in a line (`wire.MAX_LINE`)."""

_RANGE = re.compile(rb"(\d{1,19})(?::(\d{1,19}))?")


def read_ranges(text: bytes, highest: int) -> Iterator[tuple[int, int]]:
    """The ranges of a set or of a SEARCH answer, as (first, last), none beyond `highest`; lazily, however long."""
    for match in _RANGE.finditer(text):
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first:
            first, last = last, first
        if first <= highest:
            yield max(first, 1), min(last, highest)


def expand(ranges: Iterable[tuple[int, int]]) -> "array[int]":
    """All UIDs of the ranges. Raises ProtocolError for one that memory could not hold."""
    uids = array("I")
    for first, last in ranges:
        if first == last:
            uids.append(first)
        elif last - first < WIDEST:
            uids.extend(range(first, last + 1))
        else:
            raise ProtocolError(f"the server says that one folder holds all messages from {first} to {last}")
    return uids


def ordered(uids: "array[int]") -> "array[int]":
    """Ascending and each once: itself if it is so already, as nearly always."""
    if all(uids[index] < uids[index + 1] for index in range(len(uids) - 1)):
        return uids
    return array("I", sorted(set(uids)))


def write_set(uids: Sequence[int]) -> bytes:
    """An ascending sequence as a set, runs as ranges."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return b",".join(b"%d" % first if first == last else b"%d:%d" % (first, last) for first, last in runs)
