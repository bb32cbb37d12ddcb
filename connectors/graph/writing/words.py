"""Header text as its reader sees it: on one line, with encoded words (RFC 2047) made readable."""

import binascii
import re
from base64 import b64decode
from quopri import decodestring

_WORD = r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*\?="
_WORDS = re.compile(rf"{_WORD}(?:[ \t]*{_WORD})*")
_EACH = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=")
_FOLD = re.compile(r"[\r\n]+[ \t]?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
WIDER = {"iso-8859-1": "windows-1252", "latin-1": "windows-1252", "gb2312": "gb18030"}
"""What is called the one and is the other: supersets, as browsers and Exchange read them."""

NO_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Codecs of Python that no mail has: some take time that grows with the square of what they are given."""


def readable(value: str) -> str:
    """A header's value as the email package gives it, whose bytes beyond ASCII are surrogates."""
    return _CONTROL.sub("", decoded(unfolded(value))).strip()


def unfolded(value: str) -> str:
    """On one line; unencoded bytes beyond ASCII are UTF-8 (RFC 6532), else Latin-1."""
    text = _FOLD.sub(" ", value)
    if text.isascii():
        return text
    try:
        return text_of(text.encode("utf-8", "surrogateescape"), "")
    except UnicodeEncodeError:  # half a character, out of an encoding that has such
        return text.encode("utf-8", "replace").decode()


def decoded(text: str) -> str:
    """With its encoded words made readable; white space between two of them is none (RFC 2047 6.2)."""
    return _WORDS.sub(lambda match: _joined(match[0]), text) if "=?" in text else text


def text_of(data: bytes, charset: str) -> str:
    """Never fails: what does not fit the charset, or has an unknown one, is UTF-8, else Latin-1."""
    low = charset.lower().replace("_", "-")
    if low in NO_CHARSETS:
        low = ""
    for name in (WIDER.get(low, low), low, "utf-8") if low not in ("", "us-ascii") else ("utf-8",):
        try:
            return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("windows-1252", "replace")


def _joined(run: str) -> str:
    """Encoded words one after the other; neighbours of one charset may share a character between them."""
    pieces: list[tuple[str, bytes]] = []
    for charset, encoding, text in _EACH.findall(run):
        name, data = charset.partition("*")[0].lower(), _bytes(encoding, text)
        if pieces and pieces[-1][0] == name:
            pieces[-1] = name, pieces[-1][1] + data
        else:
            pieces.append((name, data))
    return "".join(text_of(data, name) for name, data in pieces)


def _bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return decodestring(raw, header=True)
    try:
        return b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw
