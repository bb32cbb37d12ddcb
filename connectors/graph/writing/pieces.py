"""A message cut into its parts (RFC 2046 5.1) by places in its bytes, so that no part is copied before it is used.

The email package reads the header blocks. It would hold the bytes eight times over, and look into enclosed messages,
which here are leaves: byte for byte as they are.
"""

import binascii
import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from quopri import decodestring

HEAD_MOST = 1 << 20
"""Bytes of a header block. What is beyond them is taken for the body."""

DEPTH_MOST = 100
"""Multiparts within each other. What lies deeper is one leaf."""

FIELD_MOST = 8192
"""Characters of a field about content: the email package takes time with the square of them."""

_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_REST = re.compile(rb"(--)?[ \t]*(?:\r\n|\n|\r|\Z)").match
_STARTS_BLANK = re.compile(rb"(?>\r\n|\n|\r)").match
_UUENCODED = frozenset({"x-uuencode", "uuencode", "uue", "x-uue"})


class Head(Message):
    """A header block."""

    def set_raw(self, name: str, value: str) -> None:
        """As a field was parsed."""
        super().set_raw(name, value[:FIELD_MOST] if name.lower().startswith("content-") else value)


@dataclass(slots=True)
class Piece:
    """A part: its header, and from where to where its body goes. With `inner`, what is between those is none."""

    head: Head
    raw: bytes = field(repr=False)
    begin: int
    end: int
    inner: list["Piece"] = field(default_factory=list)

    @property
    def media(self) -> str:
        """What it says that it is."""
        return self.head.get_content_type()

    def data(self) -> bytes:
        """Its body, decoded; what cannot be, as it is."""
        body = self.raw[self.begin : self.end]
        encoding = str(self.head.get("Content-Transfer-Encoding", "")).strip().lower()
        if encoding == "quoted-printable":
            return decodestring(body)
        if encoding == "base64":
            return _of_base64(body)
        return _of_uuencoded(body) if encoding in _UUENCODED else body


def cut(raw: bytes) -> Piece:
    """Whatever the bytes are."""
    return _cut(raw, 0, len(raw), 0)


def _cut(raw: bytes, begin: int, end: int, depth: int) -> Piece:
    head, body = _read_head(raw, begin, end)
    piece = Piece(head, raw, body, end)
    boundary = head.get_boundary() if piece.media.startswith("multipart/") and depth < DEPTH_MOST else None
    if boundary:
        piece.inner = [_cut(raw, first, last, depth + 1) for first, last in _between(raw, body, end, boundary)]
    return piece


def _read_head(raw: bytes, begin: int, end: int) -> tuple[Head, int]:
    """The header, and where the body begins: after the empty line, or with the first line that is no field."""
    if starts := _STARTS_BLANK(raw, begin, end):
        return Head(), starts.end()
    blank = _BLANK.search(raw, begin, min(end, begin + HEAD_MOST))
    after = blank.end() if blank else min(end, begin + HEAD_MOST)
    head: Head = BytesParser(Head).parsebytes(raw[begin:after], headersonly=True)
    rest = head.get_payload()
    return head, after - (len(rest) if isinstance(rest, str) else 0)


def _between(raw: bytes, begin: int, end: int, boundary: str) -> list[tuple[int, int]]:
    """From where to where each part goes. The line end before a boundary is the boundary's."""
    mark = b"--" + boundary.encode("utf-8", "surrogateescape")
    found, start, at = [], -1, raw.find(mark, begin, end)
    while at >= 0:
        line = _REST(raw, at + len(mark), end) if at == begin or raw[at - 1] in b"\r\n" else None
        if line is not None:
            if start >= 0:
                found.append((start, max(start, _line_end(raw, at))))
            start = -1 if line[1] else line.end()
            if start < 0:
                return found
        at = raw.find(mark, at + len(mark), end)
    return [*found, (start, end)] if start >= 0 else found


def _line_end(raw: bytes, at: int) -> int:
    """Where the line before that place ends, without its end."""
    return at - (2 if raw[at - 2 : at] == b"\r\n" else 1)


def _of_base64(body: bytes) -> bytes:
    """Also without its padding, and with rubbish in it."""
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(body + padding)
        except binascii.Error:
            continue
    return body


def _of_uuencoded(body: bytes) -> bytes:
    """The lines between `begin` and `end`."""
    lines = body.splitlines()
    first = next((at + 1 for at, line in enumerate(lines) if line.startswith(b"begin ")), len(lines))
    data = bytearray()
    for line in lines[first:]:
        if line.strip() == b"end":
            break
        if not line.strip():
            continue  # which would be read as one of 32 bytes
        try:
            data += binascii.a2b_uu(line)
        except binascii.Error:
            return body
    return bytes(data) if first < len(lines) else body
