"""The byte form of a fingerprint, as docs/format.md describes it: exact, compact, and the same for equal ones."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from connectors.errors import Tampered
from reconcile.body import BodyPrint
from reconcile.canonical.headers import Subject
from reconcile.fingerprint import Fingerprint, Trait
from reconcile.heading import Heading

ALIASES_MAX = 64
"""Ids beyond the message's own that it can be found by. Others may name thousands, each of which would be a row."""

_T = TypeVar("_T")
_FORM = b"\x01"
_DIGEST = 32
_NONE = hashlib.sha256(b"").digest()


class _Mark:
    """Bits that say what is there, and what need not be written twice."""

    DATED = 1
    NAMED = 2
    DRAFT = 4
    JOURNAL = 8
    CHOICE = 16
    AGREES = 32
    UNTAGGED = 64
    ONE_TEXT = 128
    LINKED = 256
    UNATTACHED = 512


def join_keys(found: Fingerprint) -> list[int]:
    """What it is found by, as SQLite's signed numbers, sorted. A bounded number; the same for the same ids."""
    return sorted(map(signed, _with_few_aliases(found).keys))


def id_keys(found: Fingerprint) -> list[int]:
    """Those of `join_keys` that are of its ids."""
    return sorted(map(signed, _with_few_aliases(found).id_keys))


def _with_few_aliases(found: Fingerprint) -> Fingerprint:
    heading = found.heading
    if len(heading.aliases) <= ALIASES_MAX:
        return found
    few = frozenset(sorted(heading.aliases)[:ALIASES_MAX])
    return replace(found, heading=heading._replace(aliases=few))


def signed(key: int) -> int:
    """A 64-bit hash as SQLite can hold it."""
    return key - (1 << 64) if key >= 1 << 63 else key


def encode_print(found: Fingerprint) -> bytes:
    """All of it but `raw`, which its version has."""
    out = _Writer(_FORM)
    out.number(found.version)
    marks = _marks(found)
    out.number(marks)
    out.number(found.traits.value)
    _write_heading(out, found.heading, marks)
    _write_body(out, found.body, marks)
    return bytes(out.data)


def decode_print(data: bytes, raw: bytes) -> Fingerprint:
    """The fingerprint of the message whose SHA-256 is `raw`. Raises Tampered for what is none that was written."""
    try:
        found = _decode(_Reader(data), raw)
    except (ValueError, IndexError, OverflowError) as error:
        raise _refused() from error
    if encode_print(found) != data:
        raise _refused()
    return found


def _decode(data: "_Reader", raw: bytes) -> Fingerprint:
    if data.take(1) != _FORM:
        raise ValueError("a form that is not known")
    version, marks, traits = data.number(), data.number(), Trait(data.number())
    found = Fingerprint(version, raw, _read_heading(data, marks), _read_body(data, marks), traits)
    data.finish()
    return found


def _marks(found: Fingerprint) -> int:
    heading, body = found.heading, found.body
    facts = {
        _Mark.DATED: heading.date is not None,
        _Mark.NAMED: heading.message_id is not None,
        _Mark.DRAFT: heading.is_draft,
        _Mark.JOURNAL: heading.is_journal,
        _Mark.CHOICE: body.has_choice,
        _Mark.AGREES: body.agrees,
        _Mark.UNTAGGED: heading.subject.base == heading.subject.text,
        _Mark.ONE_TEXT: body.rich == body.plain,
        _Mark.LINKED: bool(body.links),
        _Mark.UNATTACHED: body.attachments == _NONE,
    }
    return sum(mark for mark, holds in facts.items() if holds)


def _write_heading(out: "_Writer", heading: Heading, marks: int) -> None:
    if heading.date is not None:
        out.number(heading.date << 1 if heading.date >= 0 else (-heading.date << 1) - 1)
    if heading.message_id is not None:
        out.text(heading.message_id)
    out.sequence(sorted(heading.aliases), out.text)
    out.text(heading.sender)
    out.text(heading.subject.text)
    if not marks & _Mark.UNTAGGED:
        out.text(heading.subject.base)
    out.sequence(sorted(heading.subject.tags), out.text)
    out.sequence(sorted(heading.recipients), out.hash)
    out.chunk(heading.resent)
    out.sequence([value for pair in heading.marks for value in pair], out.hash)
    out.text(heading.origin)


def _read_heading(data: "_Reader", marks: int) -> Heading:
    zigzag = data.number() if marks & _Mark.DATED else None
    message_id = data.text() if marks & _Mark.NAMED else None
    aliases, sender, text = frozenset(data.sequence(data.text)), data.text(), data.text()
    base = text if marks & _Mark.UNTAGGED else data.text()
    subject = Subject(text, base, frozenset(data.sequence(data.text)))
    recipients, resent, hashes = frozenset(data.sequence(data.hash)), data.chunk(), data.sequence(data.hash)
    return Heading(
        message_id=message_id,
        aliases=aliases,
        date=zigzag if zigzag is None else (-(zigzag + 1) >> 1 if zigzag & 1 else zigzag >> 1),
        sender=sender,
        subject=subject,
        recipients=recipients,
        resent=resent,
        marks=tuple(zip(hashes[::2], hashes[1::2], strict=True)),
        origin=data.text(),
        is_draft=bool(marks & _Mark.DRAFT),
        is_journal=bool(marks & _Mark.JOURNAL),
    )


def _write_body(out: "_Writer", body: BodyPrint, marks: int) -> None:
    out.data += body.plain
    if not marks & _Mark.ONE_TEXT:
        out.data += body.rich
    out.data += body.links
    out.number(body.length)
    out.number(body.attachment_count)
    if not marks & _Mark.UNATTACHED:
        out.data += body.attachments
    out.chunk(body.events)
    out.chunk(body.event_details)


def _read_body(data: "_Reader", marks: int) -> BodyPrint:
    plain = data.take(_DIGEST)
    rich = plain if marks & _Mark.ONE_TEXT else data.take(_DIGEST)
    links = data.take(_DIGEST) if marks & _Mark.LINKED else b""
    length, count = data.number(), data.number()
    return BodyPrint(
        plain=plain,
        rich=rich,
        has_choice=bool(marks & _Mark.CHOICE),
        agrees=bool(marks & _Mark.AGREES),
        length=length,
        links=links,
        attachments=_NONE if marks & _Mark.UNATTACHED else data.take(_DIGEST),
        attachment_count=count,
        events=data.chunk(),
        event_details=data.chunk(),
    )


class _Writer:
    def __init__(self, start: bytes) -> None:
        self.data = bytearray(start)

    def number(self, number: int) -> None:
        while number > 0x7F:
            self.data.append(number & 0x7F | 0x80)
            number >>= 7
        self.data.append(number)

    def chunk(self, value: bytes) -> None:
        self.number(len(value))
        self.data += value

    def text(self, value: str) -> None:
        self.chunk(value.encode("utf-8", "surrogatepass"))

    def hash(self, value: int) -> None:
        self.data += value.to_bytes(8, "big")

    def sequence(self, values: Iterable[_T], write: Callable[[_T], None]) -> None:
        held = tuple(values)
        self.number(len(held))
        for value in held:
            write(value)


class _Reader:
    """Raises ValueError where the data ends too soon."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise ValueError("too short")
        return self._data[start : self._at]

    def number(self) -> int:
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
            if shift > 63:
                raise ValueError("too large a number")

    def chunk(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        return self.chunk().decode("utf-8", "surrogatepass")

    def hash(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def sequence(self, read: Callable[[], _T]) -> list[_T]:
        return [read() for _ in range(self.number())]

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ValueError("too long")


def _refused() -> Tampered:
    return Tampered("a fingerprint is not one that was written", "run `replicator verify`")
