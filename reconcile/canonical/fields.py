"""The header fields of one message: unfolded, in their order, and decoded (RFC 5322, 2047, 6532). Takes any bytes."""

import binascii
import re
from codecs import BOM_UTF8
from functools import lru_cache
from typing import NamedTuple

import pybase64

from reconcile.canonical.charset import decoded

FIELDS_MAX = 10_000


class Fields(NamedTuple):
    """By name, in lower case, the values as they stand, unfolded. The first `FIELDS_MAX` lines count.

    `stray` is what stands among them and is no field: text that belongs to the body, where the empty line before it is
    missing, or was written with line ends that are none.
    """

    values: dict[bytes, list[bytes]]
    stray: bytes = b""

    def all(self, name: bytes) -> list[bytes]:
        """The values of all fields of that name, in their order."""
        return self.values.get(name, [])

    def text(self, name: bytes) -> str:
        """The first of that name as text, encoded words left alone; empty where there is none."""
        found = self.values.get(name)
        return decoded(found[0], "") if found else ""


def read_fields(block: bytes) -> Fields:
    """Of a header block. The line that mbox files begin a message with is passed over."""
    values: dict[bytes, list[bytes]] = {}
    text = block.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n")
    if b"\r" in text:
        text = _BARE_CR.sub(b"\n\r", text.replace(b"\r\n", b"\n"))  # and so no field, but text
    if b"\n \n" in text:  # a million blank lines are as good as one
        text = _BLANK_LINES.sub(b"\n ", text)
    text = _FOLD.sub(b" ", text)
    if text.startswith((b"From ", b">From ")):
        text = text.partition(b"\n")[2]
    lines = text.split(b"\n", FIELDS_MAX)
    stray = lines[FIELDS_MAX:]
    for line in lines[:FIELDS_MAX]:
        name, colon, value = line.partition(b":")
        name = _known_name(name) if len(name) <= _NAME_SHORT else _read_name(name)
        if not colon or not name:
            if line and not line.isspace():
                stray.append(line)
        elif name in values:
            values[name].append(value.strip())
        else:
            values[name] = [value.strip()]
    return Fields(values, b"\n".join(stray))


def _read_name(text: bytes) -> bytes:
    """In lower case; empty if it is none."""
    name = text.rstrip().lower()
    return name if _NAME.fullmatch(name) else b""


_NAME_SHORT = 80
_known_name = lru_cache(maxsize=1024)(_read_name)

_BLANK_LINES = re.compile(rb"(?:\n[ \t]++){3,}+")
_FOLD = re.compile(rb"\n[ \t]+")
_BARE_CR = re.compile(rb"(?<!\r)\r++(?!\n|\Z)")
_NAME = re.compile(rb"[!-9;-~]+")


def decoded_words(value: bytes) -> str:
    """The value with its encoded words decoded; raw 8-bit text is read as UTF-8, else as Windows-1252."""
    if b"=?" not in value:
        return decoded(value, "")
    pieces: list[str] = []
    held: list[bytes] = []
    at, charset = 0, ""
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        label = word[1].decode("ascii", "replace").lower()
        # Neighbours of one charset are one text: a character may have been cut in two between them.
        if held and (between.strip() or label != charset):
            pieces.append(decoded(b"".join(held), charset))
            held = []
        if between.strip() or at == 0:
            pieces.append(decoded(between, ""))
        held.append(_word_bytes(word))
        charset, at = label, word.end()
    return "".join([*pieces, decoded(b"".join(held), charset), decoded(value[at:], "")])


_WORD = re.compile(rb"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?([^?]*)\?=")


def _word_bytes(word: re.Match[bytes]) -> bytes:
    if word[2] in b"qQ":
        return binascii.a2b_qp(word[3].replace(b" ", b"_"), header=True)
    try:
        return pybase64.b64decode(word[3] + b"=" * (-len(word[3].rstrip(b"=")) % 4))
    except (binascii.Error, ValueError):
        return word[3]
