"""Base64 as it is laid out in mail (RFC 2045 6.8): lines of one width; and decoding that is sure to come back."""

import binascii
import re
from dataclasses import dataclass

import pybase64

PIECE = 4_186_080  # below 4 MiB; whole lines of 60, 64, 72, 76 and 80 characters
WIDTH_MAX = PIECE // 3 * 4


@dataclass(frozen=True, slots=True)
class Lines:
    """A layout: `width` characters a line, a multiple of 4, and what ends each."""

    width: int
    crlf: bool

    @classmethod
    def of(cls, data: bytes) -> "Lines | None":
        """The layout that the first line shows, or None if it shows none that can be used, or has not ended."""
        end = data.find(b"\n", 0, WIDTH_MAX + 2)
        crlf = end > 0 and data[end - 1] == 0x0D
        width = end - crlf
        return cls(width, crlf) if width > 0 and width % 4 == 0 and width <= WIDTH_MAX else None

    @property
    def end(self) -> bytes:
        """The line end."""
        return b"\r\n" if self.crlf else b"\n"

    @property
    def plain(self) -> int:
        """Decoded bytes in a full line."""
        return self.width // 4 * 3

    @property
    def plain_piece(self) -> int:
        """Decoded bytes in a full piece: whole lines, PIECE if they fit."""
        return PIECE // self.plain * self.plain

    def encoded(self, plain: int) -> int:
        """Bytes that so many decoded bytes take in this layout."""
        return -(-plain // 3) * 4 + -(-plain // self.plain) * len(self.end)

    def encode(self, data: bytes) -> bytes:
        """The data in this layout; the last line may be shorter, and ends as all do."""
        text, width = pybase64.b64encode(data), self.width
        lines = [text[i : i + width] for i in range(0, len(text), width)]
        lines.append(b"")
        return self.end.join(lines)

    def decode(self, data: bytes) -> bytes | None:
        """What `encode` gives `data` for, or None if there is no such. Compares without building the lines again."""
        end = self.end
        stride = self.width + len(end)
        full, rest = divmod(len(data), stride)
        text = data.translate(None, b"\r\n")
        if not data.endswith(end) or len(text) + (full + (rest > 0)) * len(end) != len(data):
            return None
        for shift, character in enumerate(end):
            if data[self.width + shift : full * stride : stride] != bytes([character]) * full:
                return None
        try:
            plain = pybase64.b64decode(text, validate=True)
        except binascii.Error:
            return None
        return plain if pybase64.b64encode(plain) == text else None

    def prefix(self, data: bytes) -> int:
        """How much of the start of `data` is full lines, with one shorter or padded line after them if there is one."""
        # Possessive repeats keep no stack.
        full = re.compile(rb"(?:[A-Za-z0-9+/]{%d}%s)*+" % (self.width, self.end)).match(data)
        start = full.end() if full else 0
        short = re.compile(_SHORT % self.end).match(data, start, start + self.width + len(self.end))
        return short.end() if short and short.end() - start > len(self.end) else start


_SHORT = rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?%s"
