"""What speaks for and against two copies being one message, field by field."""

import re
from dataclasses import dataclass
from enum import Enum

from reconcile.boilerplate import Boilerplate
from reconcile.canonical.headers import Subject
from reconcile.fingerprint import Fingerprint, Trait
from reconcile.heading import Heading
from reconcile.wording import ReadTexts, Wording, compare_wording

CLOCK = 2
"""Seconds by which the dates of two copies may differ: some servers keep them in units of two."""


class Link(Enum):
    """How the ids of two copies relate. ALIAS: one names the other's. MISSING: one has none. UNRELATED: two ids."""

    SAME = "same"
    ALIAS = "alias"
    MISSING = "missing"
    UNRELATED = "unrelated"


class Titled(Enum):
    """How the subjects of two copies relate. TAGGED: one has tags besides. RETAGGED: each has one of its own."""

    EQUAL = "equal"
    TAGGED = "tagged"
    RETAGGED = "retagged"
    LOSSY = "lossy"
    OTHER = "other"


class Named(Enum):
    """How the recipients of two copies relate."""

    EQUAL = "equal"
    FEWER = "fewer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`sender` and `date` are None where a side has none. `opaque`: some of the content cannot be looked into.

    `cut`: one ends early, and lacks what the other has; if only a signature.
    `wrapped`: one is a journal report, which holds a message and is another.
    """

    link: Link
    sender: bool | None
    date: bool | None
    subject: Titled
    recipients: Named
    resent: bool
    marks: bool
    origin: bool
    wording: Wording
    attachments: bool
    events: bool
    opaque: bool
    draft: bool
    cut: bool
    wrapped: bool

    @property
    def core(self) -> bool:
        """Whether sender and date are known to be equal."""
        return self.sender is True and self.date is True

    @property
    def content(self) -> bool:
        """Whether everything that they say is equal."""
        return self.wording is Wording.EQUAL and self.attachments and self.events and not self.cut


def gather(a: Fingerprint, b: Fingerprint, texts: ReadTexts | None, boilerplate: Boilerplate) -> Evidence:
    """All of it."""
    one, other = a.heading, b.heading
    traits = a.traits | b.traits
    return Evidence(
        link=_link(one, other),
        sender=one.sender == other.sender if one.sender and other.sender else None,
        date=None if one.date is None or other.date is None else abs(one.date - other.date) <= CLOCK,
        subject=_titled(one.subject, other.subject),
        recipients=_named(one.recipients, other.recipients),
        resent=one.resent == other.resent,
        marks=_same_marks(one, other),
        origin=_same_origin(one, other),
        wording=compare_wording(a.body, b.body, texts, boilerplate),
        attachments=a.body.attachments == b.body.attachments,
        events=a.body.events == b.body.events and a.body.event_details == b.body.event_details,
        opaque=bool(traits & Trait.OPAQUE),
        draft=Trait.DRAFT in traits,
        cut=Trait.UNCLOSED in a.traits ^ b.traits and (a.body != b.body or Trait.SIGNED in traits),
        wrapped=Trait.JOURNAL in a.traits ^ b.traits,
    )


def _link(one: Heading, other: Heading) -> Link:
    if one.message_id and one.message_id == other.message_id:
        return Link.SAME
    if one.ids & other.ids:
        return Link.ALIAS
    return Link.UNRELATED if one.message_id and other.message_id else Link.MISSING


def _titled(one: Subject, other: Subject) -> Titled:
    if one.text == other.text:
        return Titled.EQUAL
    if one.base == other.base:
        return Titled.TAGGED if one.tags <= other.tags or other.tags <= one.tags else Titled.RETAGGED
    if one.base.isascii() == other.base.isascii():
        return Titled.OTHER
    ascii_, full = (one.base, other.base) if one.base.isascii() else (other.base, one.base)
    questioned = "?" in ascii_ and _LOST.sub("?", full) == _LOST.sub("?", ascii_)
    crossed_out = any(_crossed_out(full, charset) == ascii_ for charset in ("utf-8", "cp1252"))
    return Titled.LOSSY if questioned or crossed_out else Titled.OTHER


def _crossed_out(text: str, charset: str) -> str:
    """As Cyrus writes raw 8-bit text in a header: an X for each byte."""
    return "".join("X" if byte > 127 else chr(byte) for byte in text.encode(charset, "replace"))


_LOST = re.compile(r"(?:[^\x00-\x7f]|\?)+")


def _named(one: frozenset[int], other: frozenset[int]) -> Named:
    if one == other:
        return Named.EQUAL
    return Named.FEWER if one <= other or other <= one else Named.OTHER


def _same_marks(one: Heading, other: Heading) -> bool:
    """Whether all fields agree that both have. Only those of messages without id are known."""
    marks = dict(other.marks)
    return all(marks.get(name, value) == value for name, value in one.marks)


def _same_origin(one: Heading, other: Heading) -> bool:
    """Whether both may have come in by one delivery: two that one server took in differ in time or number."""
    server, other_server = _BY.search(one.origin), _BY.search(other.origin)
    if not server or not other_server or server[1] != other_server[1]:
        return True
    return one.origin.replace(" ", "") == other.origin.replace(" ", "")


_BY = re.compile(r"\bby ([^\s;()]+)")
