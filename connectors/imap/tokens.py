"""The values inside a response (RFC 3501 section 9), where a single regular expression will not do."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from connectors.errors import ProtocolError

Value: TypeAlias = "bytes | list[Value] | None"
"""An atom, quoted string or literal as bytes; NIL as None; a list in parentheses."""

_TOKEN = re.compile(rb'[ \t\r\n]*(?:([()])|"((?:[^"\\]|\\.)*)"|([^ \t\r\n()"]+)|(\S))', re.S)
_ESCAPED = re.compile(rb"\\(.)", re.S)


def parse(parts: Sequence[bytes]) -> list[Value]:
    """The tokens of a response as `Wire.parts` gives it: text and literals by turns."""
    nest: list[list[Value]] = [[]]
    for index, part in enumerate(parts):
        if index % 2:
            nest[-1].append(part)
        else:
            _parse_text(part, nest)
    if len(nest) != 1:
        raise ProtocolError("the server sent a response whose parentheses do not match")
    return nest[0]


def pairs(values: Value) -> dict[bytes, Value]:
    """A list of names and values by turns (FETCH, STATUS), names in upper case."""
    if not isinstance(values, list):
        return {}
    names, answers = values[::2], values[1::2]
    return {name.upper(): value for name, value in zip(names, answers, strict=False) if isinstance(name, bytes)}


def number(value: Value) -> int:
    """A number below 2^63 (RFC 9051 section 9), also alone in parentheses (MODSEQ); 0 for anything else."""
    if isinstance(value, list):
        return number(value[0]) if len(value) == 1 else 0
    found = int(value) if value is not None and value.isdigit() and len(value) < 20 else 0
    return found if found < 1 << 63 else 0


def words(value: Value) -> list[bytes]:
    """The strings of a list."""
    return [each for each in value if isinstance(each, bytes)] if isinstance(value, list) else []


def _parse_text(text: bytes, nest: list[list[Value]]) -> None:
    for match in _TOKEN.finditer(text):
        bracket, quoted, atom, _ = match.groups()
        if atom is not None:
            nest[-1].append(None if atom.upper() == b"NIL" else atom)
        elif quoted is not None:
            nest[-1].append(_ESCAPED.sub(rb"\1", quoted))
        elif bracket == b"(":
            nest.append([])
        elif bracket == b")" and len(nest) > 1:
            inner = nest.pop()
            nest[-1].append(inner)
        else:
            raise ProtocolError("the server sent a response that cannot be read")
