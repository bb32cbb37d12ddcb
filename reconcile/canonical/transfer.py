"""Content-Transfer-Encoding undone, in pieces of any size (RFC 2045, 6). Takes any bytes and never raises."""

import binascii
import re
from typing import Protocol

import pybase64

_OUTSIDE_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_CARRY_MAX = 1 << 16
_UNESCAPED = re.compile(rb"(?:[^=]++|==|=[0-9A-Fa-f]{2}|=[0-9A-Fa-f]?(?=[^=0-9A-Fa-f\r\n]))*+")


class Decoder(Protocol):
    """The body goes in, encoded; what it stands for comes out. How it was cut into pieces makes no difference."""

    def feed(self, data: bytes) -> bytes:
        """What is certain now."""

    def close(self) -> bytes:
        """The rest."""


def decoder(encoding: bytes, *, is_text: bool) -> Decoder:
    """For the value of the header field, in lower case. What is unknown is taken as it is.

    The line ends of a text are left as they are, those of another body are made canonical.
    """
    if encoding == b"base64":
        return Base64()
    lines = Verbatim() if is_text else Lines()
    return QuotedPrintable(lines) if encoding == b"quoted-printable" else lines


# A soft line break whose line got blanks at its end on the way (RFC 2045, 6.7, rule 3).
_BLANKS = re.compile(rb"=[ \t]++(?=\r?\n)")


class Verbatim:
    """Bytes that stand for themselves."""

    def feed(self, data: bytes) -> bytes:
        """The same."""
        return data

    def close(self) -> bytes:
        """Nothing."""
        return b""


class Lines:
    """Bytes that stand for themselves, in lines; these end in CRLF, as they do on the wire (RFC 2046, 4.1.1).

    The last line end belongs to the boundary after it, so it is taken off.
    """

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, data: bytes) -> bytes:
        """All but the line end that may be the last, in its canonical form."""
        data = self._carry + data
        kept = (
            len(data) - 2 if data.endswith(b"\r\n") else len(data) - 1 if data.endswith((b"\n", b"\r")) else len(data)
        )
        self._carry = data[kept:]
        return _canonical(data[:kept])

    def close(self) -> bytes:
        """What is left, if it was no line end."""
        return b"\r" if self._carry == b"\r" else b""


def _canonical(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if b"\n" in data else data


class QuotedPrintable:
    """RFC 2045, 6.7. Lines of any length are read."""

    def __init__(self, lines: Verbatim | Lines) -> None:
        self._lines = lines
        self._carry = b""

    def feed(self, data: bytes) -> bytes:
        """All whole lines."""
        self._carry += self._lines.feed(data)
        cut = self._carry.rfind(b"\n") + 1
        if not cut and len(self._carry) > _CARRY_MAX:
            return self._feed_long()
        whole, self._carry = self._carry[:cut], self._carry[cut:]
        if b"= " in whole or (b"\t" in whole and b"=\t" in whole):  # for one byte it looks at once
            whole = _BLANKS.sub(b"=", whole)
        return binascii.a2b_qp(whole)

    def _feed_long(self) -> bytes:
        """A line without end, up to an escape that may have been cut in two."""
        found = _UNESCAPED.match(self._carry)
        cut = found.end() if found else 0
        whole, self._carry = self._carry[:cut], self._carry[cut:]
        if self._carry.startswith(b"=\r"):  # all up to the line end belongs to a soft line break
            self._carry = b"=\r"
        return binascii.a2b_qp(whole)

    def close(self) -> bytes:
        """The last line."""
        return binascii.a2b_qp(self._carry + self._lines.close())


class Base64:
    """RFC 2045, 6.8: what is not of the alphabet is skipped. After padding, another value may begin."""

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, data: bytes) -> bytes:
        """All whole groups."""
        return self.feed_part(data, 0, len(data))

    def feed_part(self, data: bytes, start: int, end: int) -> bytes:
        """The same of a part of the data, which is not copied."""
        if not self._carry:
            pad = data.find(b"=", start, end)
            if pad < 0 or not data[pad:end].translate(None, b"= \t\r\n"):
                try:  # the one call does it for all but broken mail
                    return pybase64.b64decode(memoryview(data)[start:end])
                except (binascii.Error, ValueError):
                    pass  # and the long way round for that
        return self._feed_broken(data[start:end])

    def _feed_broken(self, data: bytes) -> bytes:
        if len(data) > _CARRY_MAX:  # values between paddings are many and small
            return b"".join(self.feed(data[at : at + _CARRY_MAX]) for at in range(0, len(data), _CARRY_MAX))
        data = self._carry + data.translate(None, _OUTSIDE_BASE64)
        if b"=" in data:
            return self._feed_padded(data)
        cut = len(data) & ~3
        self._carry = data[cut:]
        return pybase64.b64decode(data[:cut], validate=True)

    def _feed_padded(self, data: bytes) -> bytes:
        *padded, last = data.split(b"=")
        cut = len(last) & ~3
        self._carry = last[cut:]
        return b"".join([*map(_ended, padded), pybase64.b64decode(last[:cut], validate=True)])

    def close(self) -> bytes:
        """What an unpadded last group stands for."""
        return _ended(self._carry)


def _ended(data: bytes) -> bytes:
    """A value up to its padding, as far as it has whole bytes."""
    if len(data) % 4 == 1:
        data = data[:-1]
    return pybase64.b64decode(data + b"=" * (-len(data) % 4)) if data else b""
