"""The header fields of one message: unfolded, in their order, and decoded (RFC 5322, 2047, 6532). Takes any bytes."""

import binascii
import re
from codecs import BOM_UTF8
from dataclasses import dataclass

import pybase64

from reconcile.canonical.charset import decoded

FIELDS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Fields:
    """By name, in lower case, the values as they stand, unfolded. The first `FIELDS_MAX` lines count."""

    values: dict[bytes, list[bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """The values of all fields of that name, in their order."""
        return self.values.get(name, [])

    def text(self, name: bytes) -> str:
        """The first of that name as text, encoded words left alone; empty where there is none."""
        found = self.values.get(name)
        return decoded(found[0], "") if found else ""


def read_fields(block: bytes) -> Fields:
    """Of a header block. A line that is neither field nor continuation is passed over."""
    values: dict[bytes, list[bytes]] = {}
    for line in _FOLD.sub(b" ", block.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n")).split(b"\n", FIELDS_MAX)[
        :FIELDS_MAX
    ]:
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        if colon and b" " not in name:  # as in the first line of an mbox file
            values.setdefault(name, []).append(value.strip())
    return Fields(values)


_FOLD = re.compile(rb"\n[ \t]+")


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
