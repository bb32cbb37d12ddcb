"""Splitting a message into what stays as it is and what was base64.

docs/format.md, Content. Whatever is not sure to come back byte for byte stays literal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconcile.scan import Kind, Scanner, Span
from replicator.mailstore.layout import WIDTH_MAX, Lines

SHARED_MIN = 4 << 10
BASE64_MIN = SHARED_MIN // 3 * 4  # no shorter message holds an attachment that is shared


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stretch of base64: `lines.encode(plain)` is what stood in the message."""

    plain: bytes
    lines: Lines


Part = bytes | Attachment
"""A stretch of a message, in order: literal bytes, or decoded base64."""


def split(chunks: Iterable[bytes]) -> Iterator[Part]:
    """The message in parts. Holds about two pieces in memory, whatever the size of the message.

    Chunks of 100 KB and more are read fastest.
    """
    scanner, body, tail, start = Scanner(), _Body(), b"", 0
    for chunk in chunks:
        tail += chunk
        spans = scanner.feed(chunk)
        for span in spans:
            yield from body.take(_is_base64(span), tail[span.start - start : span.end - start])
        if spans:
            tail = tail[spans[-1].end - start :]
            start = spans[-1].end
    for span in scanner.close():
        yield from body.take(_is_base64(span), tail[span.start - start : span.end - start])
    yield from body.finish()


def _is_base64(span: Span) -> bool:
    return span.kind is Kind.BODY and span.part.is_base64


class _Body:
    """Collects the base64 body under way, and gives it away in pieces."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._lines: Lines | None = None
        self._limit = 0
        self._literal = False

    def take(self, is_base64: bool, data: bytes) -> Iterator[Part]:  # noqa: FBT001 - always given by a name
        """The next span."""
        if not is_base64:
            yield from self.finish()
            yield data
        elif self._literal:
            yield data
        else:
            self._held.append(data)
            self._size += len(data)
            if self._size > self._limit:
                yield from self._advance()

    def finish(self) -> Iterator[Part]:
        """The body has ended."""
        if self._size:
            data = b"".join(self._held)
            lines = self._lines or Lines.of(data)
            yield from _decode(data, lines) if lines and len(data) >= BASE64_MIN else (data,)
        self._held, self._size, self._lines, self._limit, self._literal = [], 0, None, 0, False

    def _advance(self) -> Iterator[Part]:
        """Learns the layout from the first line, then cuts off full pieces. Always leaves something for `finish`."""
        data = b"".join(self._held)
        self._lines = self._lines or Lines.of(data)
        if self._lines is None:
            self._limit = 1 << 16 if len(data) < 1 << 16 else WIDTH_MAX + 2
            self._literal = b"\n" in data or len(data) > WIDTH_MAX
            self._keep(b"" if self._literal else data)
            if self._literal:
                yield data
            return
        self._limit = size = self._lines.encoded(self._lines.plain_piece)
        while len(data) > size and not self._literal:
            parts = list(_decode(data[:size], self._lines))
            yield from parts
            data = data[size:]
            self._literal = not isinstance(parts[-1], Attachment)
        if self._literal:
            yield data
            data = b""
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._held, self._size = [data] if data else [], len(data)


def _decode(data: bytes, lines: Lines) -> Iterator[Part]:
    """The longest start of `data` that comes back exactly, decoded; the rest of it literal."""
    # Most often all of it comes back, or all but an empty line before the boundary.
    whole = min(len(data.rstrip(b"\r\n")) + len(lines.end), len(data))
    plain = lines.decode(data[:whole])
    if plain is None:
        whole = lines.prefix(data)
        plain = lines.decode(data[:whole])
    if plain is None:
        yield data
        return
    yield Attachment(plain, lines) if len(plain) >= SHARED_MIN else data[:whole]
    if whole < len(data):
        yield data[whole:]
