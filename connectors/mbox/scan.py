"""Finds the messages in an mbox file, in one reading from its beginning to its end, in bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from connectors.mbox.fromline import arrival, is_dated, is_undated
from connectors.mbox.quoting import Block, blocks, unquoted

BEGINNING = b"From "
DIGEST, LINE, KEY = 16, 4, 20
"""Bytes of the SHA-256 of a message's content, of that of its line `From `, and of both together.

To find two contents with one digest takes 2^64 messages, all made for it. The line only tells equal contents apart.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A message: where its bytes are in the file, and what they are without the quoting. `key`: see KEY."""

    start: int
    end: int
    key: bytes
    size: int
    arrived_at: datetime


def scan(chunks: Iterable[bytes]) -> Iterator[Found]:
    """Every message of the file whose bytes these are; what stands before the first is none.

    A message begins after a line `From ` with a date, or without one where an empty line or nothing is before it, and
    ends before the next, less the empty line that its writer put there. What a header claims about its length is not
    believed.
    """
    under_way: _Message | None = None
    position, before = 0, b""
    for block in blocks(chunks):
        data, fresh = block
        done = 0
        for at, after in _beginnings(block, before):
            if under_way is not None:
                under_way.take((data[done:at], fresh or done > 0))
                yield under_way.found(position + at)
            under_way = _Message(position + after, data[at:after], data[after : after + 8192])
            done = after
        if under_way is not None:
            under_way.take((data[done:], fresh or done > 0))
        position += len(data)
        before = (before + data)[-3:] if len(data) < 3 else data[-3:]
    if under_way is not None:
        yield under_way.found(position)


def digest_of(chunks: Iterable[bytes]) -> bytes:
    """Of a message's own bytes."""
    total = sha256()
    for chunk in chunks:
        total.update(chunk)
    return total.digest()[:DIGEST]


class _Message:
    """What is known of a message while it is read. The last bytes are held back: an empty line is not part of it."""

    def __init__(self, start: int, line: bytes, head: bytes) -> None:
        self._start = start
        self._line = digest_of((line.rstrip(b"\r\n"),))[:LINE]
        self._arrived_at = arrival(line, head)
        self._hash = sha256()
        self._size = 0
        self._held = b""

    def take(self, block: Block) -> None:
        data = self._held + unquoted(block)
        keep = max(len(data) - 3, 0)
        self._hash.update(data[:keep])
        self._size += keep
        self._held = data[keep:]

    def found(self, end: int) -> Found:
        separator = self._separator()
        rest = self._held[: len(self._held) - separator]
        self._hash.update(rest)
        size = self._size + len(rest)
        key = self._hash.digest()[:DIGEST] + self._line
        return Found(self._start, end - separator, key, size, self._arrived_at)

    def _separator(self) -> int:
        """The length of the empty line at its end; the first line of a message may be that too."""
        tail = self._held if self._size else b"\n" + self._held
        return 1 if tail.endswith(b"\n\n") else 2 if tail.endswith(b"\n\r\n") else 0


def _beginnings(block: Block, before: bytes) -> Iterator[tuple[int, int]]:
    """Where in the block lines are that begin a message, and where the messages themselves begin."""
    data, fresh = block
    at = 0 if fresh and data.startswith(BEGINNING) else data.find(b"\n" + BEGINNING) + 1
    while at or (fresh and data.startswith(BEGINNING)):
        after = data.find(b"\n", at) + 1 or len(data)
        line = data[at:after]
        context = data[at - 3 : at] if at >= 3 else before[at:] + data[:at]
        if not context or is_dated(line) or (context.endswith((b"\n\n", b"\n\r\n")) and is_undated(line)):
            yield at, after
        at = data.find(b"\n" + BEGINNING, at) + 1
        if not at:
            return
