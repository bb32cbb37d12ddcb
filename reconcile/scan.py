"""Where the parts of a message lie in its bytes: a push scanner over MIME (RFC 2045, 2046), by offsets.

Libraries parse MIME into trees and lose the bytes; this finds offsets and keeps every byte. It takes any bytes, never
raises, remembers a bounded amount, and looks at no line of a body that cannot be a boundary.

What it does not understand is TEXT: header blocks above 256 KiB, multiparts nested deeper than 64, boundary lines above
1000 bytes, and all that comes after the 100,000th line of a multipart that starts with two hyphens. A bare CR ends no
line. Of repeated header fields the first counts.
"""

import re
from dataclasses import dataclass
from enum import Enum

HEADER_MAX = 256 << 10
DEPTH_MAX = 64
LINE_MAX = 1000
CANDIDATES_MAX = 100_000
"""Lines that may be boundaries. Each costs a look of its own, so that a hostile message could ask for millions."""


class Kind(Enum):
    """What a span is."""

    TEXT = "text"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of the message. BASE64 is the body of one leaf part, up to the boundary line after it."""

    kind: Kind
    start: int
    end: int


class Scanner:
    """Feed it the message in order, in chunks of any size, and close it; the spans tile all that was fed.

    How the message was chunked changes only where a span is cut into several of its kind.
    """

    def __init__(self) -> None:
        # The buffer starts with a line end that is not there, so that the first line is like any other.
        self._buffer = b"\n"
        self._base = -1  # the offset in the message of the buffer's first byte
        self._done = 0  # the offset up to which spans were given
        self._search = 0  # where in the buffer to look next
        self._in_header = True
        self._kind = Kind.TEXT
        self._boundaries: list[bytes] = []
        self._depths: dict[bytes, int] = {}  # of each boundary the innermost
        self._candidates = 0
        self._spans: list[Span] = []

    def feed(self, chunk: bytes) -> list[Span]:
        """The spans that are certain now."""
        self._buffer = self._buffer + chunk if self._buffer else chunk
        self._scan(closing=False)
        return self._taken()

    def close(self) -> list[Span]:
        """The spans of what is left. Nothing may be fed after it."""
        self._scan(closing=True)
        self._emit(len(self._buffer))
        return self._taken()

    def _taken(self) -> list[Span]:
        spans, self._spans = self._spans, []
        return spans

    def _emit(self, to: int) -> None:
        """All up to `to` in the buffer is of the present kind."""
        end = self._base + to
        if end > self._done:
            last = self._spans.pop() if self._spans and self._spans[-1].kind is self._kind else None
            self._spans.append(Span(self._kind, last.start if last else self._done, end))
            self._done = end

    def _scan(self, *, closing: bool) -> None:
        """Consumes what is certain. What may yet be the start of something stays in the buffer."""
        going = True
        while going:
            going = self._scan_header(closing=closing) if self._in_header else self._scan_body(closing=closing)
        # The line end before what comes next stays too: a boundary line is known by it.
        keep = min(self._search, max(0, self._done - self._base - 1)) if self._in_header else self._search
        if keep:
            self._buffer = self._buffer[keep:]
            self._base += keep
            self._search -= keep

    def _scan_header(self, *, closing: bool) -> bool:
        """One step in a header block, which starts where the last span ended."""
        start = self._done - self._base
        found = _BREAK.search(self._buffer, self._search)
        if found is None and len(self._buffer) <= start + HEADER_MAX + 3:
            self._search = max(self._search, len(self._buffer) - 2)
            return False
        if found is None or found.start() > start + HEADER_MAX:
            self._enter_body(start, Kind.TEXT)
        elif found.group() == b"\n--":
            return self._try_boundary(found.start(), closing=closing)
        else:
            self._enter_part(start, found.start() + 1, found.end())
        return True

    def _scan_body(self, *, closing: bool) -> bool:
        """One step in a body: to the next line that may be a boundary."""
        if not self._boundaries:
            self._emit(len(self._buffer))
            self._search = len(self._buffer)
            return False
        found = self._buffer.find(b"\n--", self._search)
        if found >= 0:
            return self._try_boundary(found, closing=closing)
        self._search = max(self._search, len(self._buffer) - 2)
        self._emit(self._search + 1)
        return False

    def _try_boundary(self, found: int, *, closing: bool) -> bool:
        """Takes the line after the line end at `found` as a boundary if it is one; False if more must be seen first."""
        limit = found + 1 + LINE_MAX
        end = self._buffer.find(b"\n", found + 1, limit)
        if end < 0 and len(self._buffer) < limit:
            if not closing:
                self._search = found
                if not self._in_header:
                    self._emit(found + 1)
                return False
            end = len(self._buffer)
        line = self._buffer[found + 3 : end].rstrip(b" \t\r") if end >= 0 else b""
        self._search = found + 1
        self._candidates += 1
        if self._candidates > CANDIDATES_MAX:
            self._nest([])
            self._enter_body(found + 1, Kind.TEXT)
            return True
        opened = self._depths.get(line, -1)
        closed = self._depths.get(line[:-2], -1) if line.endswith(b"--") else -1
        if opened >= 0 or closed >= 0:
            self._emit(found + 1)
            self._pass_boundary(min(end + 1, len(self._buffer)), max(opened, closed), last=closed > opened)
        return True

    def _nest(self, boundaries: list[bytes]) -> None:
        """Those that count from now on, the innermost last."""
        if len(boundaries) != len(self._boundaries):
            self._boundaries = boundaries
            self._depths = {boundary: depth for depth, boundary in enumerate(boundaries)}

    def _pass_boundary(self, end: int, depth: int, *, last: bool) -> None:
        self._nest(self._boundaries[: depth if last else depth + 1])
        self._kind = Kind.TEXT
        self._emit(end)
        self._in_header = not last
        self._search = end - 1

    def _enter_part(self, start: int, end: int, body: int) -> None:
        """The header block lies from `start` to `end`, its body starts at `body`."""
        media, encoding, boundary = _read_header(self._buffer[start - 1 : end])
        if media.startswith(b"multipart/"):
            if boundary and len(self._boundaries) < DEPTH_MAX:
                self._nest([*self._boundaries, boundary])
            self._enter_body(body, Kind.TEXT)
        elif encoding == b"base64":
            self._enter_body(body, Kind.BASE64)
        elif media in _MESSAGES:
            self._emit(body)
            self._search = body - 1
        else:
            self._enter_body(body, Kind.TEXT)

    def _enter_body(self, body: int, kind: Kind) -> None:
        self._emit(body)
        self._kind = kind
        self._in_header = False
        self._search = body - 1


_MESSAGES = (b"message/rfc822", b"message/global")
_BREAK = re.compile(rb"\n(?:\r?\n|--)")
_FIELD = re.compile(rb"\ncontent-t(ype|ransfer-encoding)[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_BOUNDARY = re.compile(
    rb';[ \t\r\n]*boundary[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))', re.IGNORECASE | re.DOTALL
)
_QUOTED = re.compile(rb"\\(.)|\r?\n", re.DOTALL)


def _read_header(block: bytes) -> tuple[bytes, bytes, bytes]:
    """Media type and transfer encoding in lower case, and the boundary parameter; empty where there is none."""
    media = encoding = boundary = b""
    found = set()
    for field in _FIELD.finditer(block.lower()):
        name = field[1]
        if name in found:
            continue
        found.add(name)
        if name == b"ype":
            media = field[2].partition(b";")[0].strip()
            boundary = _read_boundary(block[field.start(2) : field.end(2)])
        else:
            encoding = field[2].strip()
    return media, encoding, boundary


def _read_boundary(value: bytes) -> bytes:
    parameter = _BOUNDARY.search(value)
    if parameter is None:
        return b""
    boundary = parameter[2] if parameter[1] is None else _QUOTED.sub(lambda pair: pair[1] or b"", parameter[1])
    return boundary.rstrip()
