"""Where the parts of a message lie in its bytes: a push scanner over MIME (RFC 2045, 2046), by offsets.

Libraries parse MIME into trees and lose the bytes; this finds offsets and keeps every byte. It takes any bytes, never
raises, remembers a bounded amount, and looks at no line of a body that cannot be a boundary. The mailstore cuts
attachments out by it, and fingerprints are taken by it.

What it does not understand is the body of a part of which nothing is known: what follows the first 1 MiB of a header
block, and all that comes after the 100,000th line of a multipart that starts with two hyphens. Multiparts and messages
nested deeper than 64 are leaves; a boundary line above 1000 bytes is none. A bare CR ends no line.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from reconcile.entity import MESSAGES, Entity, read_entity

HEADER_MAX = 1 << 20
DEPTH_MAX = 64
LINE_MAX = 1000
CANDIDATES_MAX = 100_000
"""Lines that may be boundaries. Each costs a look of its own, so that a hostile message could ask for millions."""


class Kind(Enum):
    """What a span is."""

    HEADER = "header"
    BODY = "body"
    FRAME = "frame"


@dataclass(slots=True, eq=False)  # not frozen, which would make it take three times as long
class Part:
    """A message, or a part of one. Two parts are equal if they are one and the same.

    `parent` is the multipart or message right around it, and `message` the message part that it belongs to; both are
    None for what belongs to the message scanned. `depth` counts its ancestors.
    """

    entity: Entity
    parent: "Part | None"
    message: "Part | None"
    depth: int

    @property
    def is_base64(self) -> bool:
        """Whether its body is said to be base64. The bodies of multiparts never are (RFC 2045, 6.4)."""
        return self.entity.encoding == b"base64" and not self.entity.media.startswith(b"multipart/")


UNKNOWN = Part(Entity(), None, None, 0)
"""The part to which belongs what was not understood."""


class Span(NamedTuple):
    """Bytes `start` to `end` of the message.

    HEADER is a part's whole header block, up to and with the empty line. BODY is the body of a leaf, up to the boundary
    line after it, or what stands in a multipart before its first boundary: all of it, if there is none. FRAME is what
    holds parts together, and what follows a multipart's end.
    """

    kind: Kind
    start: int
    end: int
    part: Part


class Scanner:
    """Feed it the message in order, in chunks of any size, and close it; the spans tile all that was fed.

    How the message was chunked changes only where a body or frame is cut into several spans.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._base = 0  # the offset in the message of the buffer's first byte
        self._done = 0  # the offset up to which spans were given
        self._search = 0  # where in the buffer to look next
        self._in_header = True
        self._kind = Kind.FRAME
        self._part = UNKNOWN  # whose body, or frame, is under way
        self._around: Part | None = None  # the parent of the part whose header is under way
        self._open: list[tuple[bytes, Part]] = []  # boundaries that count, with their multiparts, the innermost last
        self._depths: dict[bytes, int] = {}  # of each boundary the innermost
        self._candidates = 0
        self._spans: list[Span] = []

    @property
    def is_open(self) -> bool:
        """Whether a multipart has begun and not ended. After `close`: whether the message is cut off, or malformed."""
        return bool(self._open)

    def feed(self, chunk: bytes) -> list[Span]:
        """The spans that are certain now."""
        if not self._buffer:
            self._buffer = chunk
            if not self._base and chunk.startswith((b"\r", b"\n", b"-")):
                self._buffer, self._base = b"\n" + chunk, -1  # it may start with an empty line, or with a boundary
        else:
            self._buffer += chunk
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
            last = self._spans[-1] if self._spans else None
            if last is not None and last.kind is self._kind and last.part is self._part:
                self._spans[-1] = Span(self._kind, last.start, end, self._part)
            else:
                self._spans.append(Span(self._kind, self._done, end, self._part))
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
        if found is None and len(self._buffer) <= start + HEADER_MAX + 4:
            self._search = max(self._search, len(self._buffer) - 3)
            if closing and len(self._buffer) > start:  # a message that is all header
                self._enter_part(start, len(self._buffer), len(self._buffer))
            return False
        if found is None or found.start() > start + HEADER_MAX:
            self._enter_part(start, start + HEADER_MAX, start + HEADER_MAX, whole=False)
        elif found.group() == b"\n--":
            return self._try_boundary(found.start(), closing=closing)
        else:
            self._enter_part(start, found.start() + 1, found.end())
        return True

    def _scan_body(self, *, closing: bool) -> bool:
        """One step in a body: to the next line that may be a boundary."""
        if not self._open:
            self._emit(len(self._buffer))
            self._search = len(self._buffer)
            return False
        # Looking for one byte is ten times faster, and base64 has none of these.
        hyphen = self._buffer.find(b"-", self._search + 1)
        found = self._buffer.find(b"\n--", max(self._search, hyphen - 1)) if hyphen >= 0 else -1
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
            self._enter_body(found + 1, UNKNOWN)
            return True
        opened = self._depths.get(line, -1)
        closed = self._depths.get(line[:-2], -1) if line.endswith(b"--") else -1
        if opened >= 0 or closed >= 0:
            if self._in_header:  # a header block that no empty line ends
                self._enter_part(self._done - self._base, found + 1, found + 1)
            self._emit(found + 1)
            self._pass_boundary(min(end + 1, len(self._buffer)), max(opened, closed), last=closed > opened)
        return True

    def _nest(self, opened: list[tuple[bytes, Part]]) -> None:
        """Those that count from now on, the innermost last."""
        if len(opened) != len(self._open):
            self._open = opened
            self._depths = {boundary: depth for depth, (boundary, _) in enumerate(opened)}

    def _pass_boundary(self, end: int, depth: int, *, last: bool) -> None:
        multipart = self._open[depth][1]
        self._nest(self._open[: depth if last else depth + 1])
        self._kind, self._part = Kind.FRAME, multipart
        self._emit(end)
        self._around = multipart
        self._in_header = not last
        self._search = end - 1

    def _enter_part(self, start: int, end: int, body: int, *, whole: bool = True) -> None:
        """The header block lies from `start` to `end`, its body starts at `body`; it goes on there if not `whole`."""
        block = self._buffer[start - 1 : end] if start else b"\n" + self._buffer[:end]
        entity, around = read_entity(block), self._around
        message = around if around is None or around.entity.media in MESSAGES else around.message
        part = Part(entity, around, message, around.depth + 1 if around else 0)
        self._kind, self._part = Kind.HEADER, part
        self._emit(body)
        if not whole or part.depth >= DEPTH_MAX:
            self._enter_body(body, UNKNOWN if not whole else part)
        elif entity.media in MESSAGES and entity.encoding != b"base64":
            self._around, self._in_header = part, True
            self._search = body - 1
        else:
            boundary = entity.boundary if entity.media.startswith(b"multipart/") else b""
            if boundary:
                self._nest([*self._open, (boundary, part)])
            self._enter_body(body, part)

    def _enter_body(self, body: int, part: Part) -> None:
        self._emit(body)
        self._kind, self._part = Kind.BODY, part
        self._in_header = False
        self._search = body - 1


# Some gateways end lines in CR CR LF.
_BREAK = re.compile(rb"\n(?:\r{0,2}\n|--)")
