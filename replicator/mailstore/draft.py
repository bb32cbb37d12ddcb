"""A message on its way in: its bytes as they pass, and what has become of them so far."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors.body import HEAD_MAX
from replicator.mailstore.recipe import Join, Recipe

CHUNK = 512 << 10


@dataclass(slots=True)
class Draft:
    """A message while it is put: its ops, its pieces, and the skeleton bytes that no piece holds yet."""

    joins: list[Join] = field(default_factory=list)
    skeleton: list[bytes] = field(default_factory=list)
    attachments: list[bytes] = field(default_factory=list)
    shared: dict[bytes, int] = field(default_factory=dict)
    sealed: int = 0
    waiting: int = 0
    _literal: int = 0
    _parts: list[bytes] = field(default_factory=list)

    def add_literal(self, data: bytes) -> None:
        """These bytes come next, as they are."""
        self._parts.append(data)
        self.waiting += len(data)
        self._literal += len(data)

    def add_attachment(self, join: Join, ref: bytes) -> None:
        """A piece that is stored comes next."""
        self._end_literal()
        self.joins.append(join)
        self.attachments.append(ref)

    def take(self, size: int) -> bytes:
        """At most `size` bytes of the skeleton."""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        rest = data[size:]
        self._parts, self.waiting = [rest] if rest else [], len(rest)
        return data[:size]

    def pieces(self) -> list[bytes]:
        """All pieces that are stored, in the order of the format."""
        return self.skeleton + self.attachments

    def recipe(self) -> bytes:
        """How to put it together; nothing may be added after it."""
        self._end_literal()
        return Recipe(len(self.skeleton), tuple(self.joins)).to_bytes()

    def _end_literal(self) -> None:
        if self._literal:
            self.joins.append(Join(self._literal))
            self._literal = 0


class Reading:
    """Hashes and counts the chunks as they pass, and keeps the start."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.start = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if not self.size:
                self.start = chunk[:HEAD_MAX]
            self.sha256.update(chunk)
            self.size += len(chunk)
            yield chunk


def chunked(first: bytes, second: bytes | None, rest: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of CHUNK, the last shorter: so neither tiny nor huge chunks cost time or memory."""
    held = [first] if second is None else [first, second]
    size = sum(map(len, held))
    ended = second is None
    while not ended or size:
        while size < CHUNK and not ended:
            chunk = next(rest, None)
            ended = chunk is None
            held.append(chunk or b"")
            size += len(held[-1])
        data = held[0] if len(held) == 1 else b"".join(held)
        for start in range(0, size - CHUNK + 1, CHUNK):
            yield data[start : start + CHUNK]
        left = data[size - size % CHUNK :]
        if ended and left:
            yield left
            left = b""
        held, size = [left] if left else [], len(left)
