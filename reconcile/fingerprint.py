"""What makes two messages the same: a fingerprint that all copies of a message share, however they were re-encoded.

docs/fingerprints.md describes it for administrators. A fingerprint is taken of any bytes, in one pass, without raising,
in time that grows with their number and in bounded memory. It holds no text but ids, the sender and the subject.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Flag, auto

from reconcile.body import Body, BodyPrint, Texts
from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import Fields, read_fields
from reconcile.canonical.prose import plain_prose
from reconcile.entity import MESSAGES, Entity
from reconcile.heading import Heading, hashed, read_heading
from reconcile.leaves import Attached, Leaf, Said, leaf_for
from reconcile.scan import Kind, Part, Scanner, Span

VERSION = 1
"""Of the canonical form. Fingerprints of two versions cannot be compared."""


ENTITIES_MAX = 1000


class Trait(Flag):
    """What limits a comparison. UNCLOSED: the last boundary is missing, as in a message that was cut off. OPAQUE: the
    content is inside TNEF or an encrypted blob."""

    NONE = 0
    TNEF = auto()
    ENCRYPTED = auto()
    DRAFT = auto()
    JOURNAL = auto()
    UNCLOSED = auto()
    SIGNED = auto()
    OPAQUE = TNEF | ENCRYPTED


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One copy of a message.

    `raw` is the SHA-256 of its exact bytes. All digests that can suppress a write are SHA-256; xxh3 serves joins only.
    """

    version: int
    raw: bytes
    heading: Heading
    body: BodyPrint
    traits: Trait

    @property
    def keys(self) -> frozenset[int]:
        """Copies of one message share one of these at least, for joining: ids, header core, content."""
        return self.id_keys | {self.core_key} | self.content_keys

    @property
    def id_keys(self) -> frozenset[int]:
        """Of its id and its aliases."""
        return frozenset(hashed(f"id {id_}") for id_ in self.heading.ids)

    @property
    def core_key(self) -> int:
        """Of the header core."""
        return hashed(f"core {self.heading.date} {self.heading.sender} {self.heading.subject.base}")

    @property
    def content_keys(self) -> frozenset[int]:
        """Of what it says, in each of its renderings."""
        files = self.body.attachments.hex()
        return frozenset(hashed(f"content {digest.hex()} {files}") for digest in {self.body.plain, self.body.rich})


@dataclass(frozen=True, slots=True)
class Reading:
    """A fingerprint with the texts that it was taken of; None if they are too long to be held."""

    fingerprint: Fingerprint
    texts: Texts | None


def fingerprint(raw: bytes | Iterable[bytes], sha256: bytes = b"") -> Fingerprint:
    """Of a message, whole or in chunks of any size. Chunks of 64 KiB and more are read fastest.

    Whoever has the SHA-256 of these very bytes, as a mailstore has that checks it, saves an eighth of the time.
    """
    return _fed(raw, sha256).close()


def read(raw: bytes | Iterable[bytes], sha256: bytes = b"") -> Reading:
    """As `fingerprint`, with the texts."""
    reader = _fed(raw, sha256)
    return Reading(reader.close(), reader.message.body.texts())


def _fed(raw: bytes | Iterable[bytes], sha256: bytes) -> "Fingerprinter":
    reader = Fingerprinter(sha256)
    for chunk in (raw,) if isinstance(raw, bytes) else raw:
        reader.feed(chunk)
    return reader


_NOTHING = read_heading(Fields({}))


class _Message:
    """The message, or one inside it, of which only a digest is held: so deep can messages nest."""

    def __init__(self, part: Part | None) -> None:
        self.part = part
        self.heading = _NOTHING
        self.body = Body(share=64 if part else 1)
        self.has_leaf = False
        self._core = b""

    def take_header(self, block: bytes) -> None:
        """The header block, and whatever else stands in it."""
        fields = read_fields(block)
        heading = read_heading(fields)
        if fields.stray:
            stray = plain_prose(decoded(fields.stray, ""))
            self.body.add(Said(stray, is_page=False, visible=stray), None)
        if self.part is None:
            self.heading = heading
        else:
            people = f"{heading.sender}\n{sorted(heading.recipients)}"
            core = f"{heading.message_id}\n{heading.date}\n{people}\n{heading.subject.text}"
            self._core = hashlib.sha256(core.encode("utf-8", "surrogatepass")).digest()

    def digest(self) -> bytes:
        """Of a message that is attached to another. Nothing on the way touches its fields; a server that writes it
        anew keeps what is taken here."""
        body = self.body.close()
        plain = b"" if body.agrees else body.plain
        content = (plain, body.rich, body.links, body.attachments, body.events, body.event_details)
        return hashlib.sha256(b"\n".join((self._core, *content))).digest()


class Fingerprinter:
    """Takes the fingerprint of a message that is fed to it in order, as `fingerprint` does of one at hand.

    It follows the scanner through the parts.
    """

    def __init__(self, sha256: bytes = b"") -> None:
        self._known = sha256
        self._sha256 = hashlib.sha256()
        self._scanner = Scanner()
        self._tail = b""
        self._start = 0
        self.message = _Message(None)
        self.entities: list[Entity] = []  # what the header blocks said, of the first parts
        self._messages = [self.message]
        self._part: Part | None = None
        self._leaf: Leaf | None = None
        self._traits = Trait.NONE

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the message."""
        if not self._known:
            self._sha256.update(chunk)
        self._tail = self._tail + chunk if self._tail else chunk
        spans = self._scanner.feed(chunk)
        self._follow(spans)
        if spans:
            self._tail = self._tail[spans[-1].end - self._start :]
            self._start = spans[-1].end

    def close(self) -> Fingerprint:
        """Ends the message. To be called once."""
        self._follow(self._scanner.close())
        self._end_leaf()
        self._enter(None)
        heading, body = self.message.heading, self.message.body.close()
        traits = self._traits
        for trait, holds in (
            (Trait.UNCLOSED, self._scanner.is_open),
            (Trait.DRAFT, heading.is_draft),
            (Trait.JOURNAL, heading.is_journal),
        ):
            if holds:  # operations on flags are slow
                traits |= trait
        return Fingerprint(VERSION, self._known or self._sha256.digest(), heading, body, traits)

    def _follow(self, spans: list[Span]) -> None:
        for kind, start, end, part in spans:
            if kind is Kind.HEADER:
                self._begin(part, self._tail[start - self._start : end - self._start])
            elif kind is Kind.FRAME:
                self._end_leaf(before=part)
            else:
                if part is not self._part or self._leaf is None:
                    self._begin_leaf(part)
                assert self._leaf is not None
                self._leaf.feed(self._tail, start - self._start, end - self._start)

    def _begin(self, part: Part, block: bytes) -> None:
        """A header block: of a part, of the message, or of one inside it."""
        if len(self.entities) < ENTITIES_MAX:
            self.entities.append(part.entity)
        self._end_leaf(before=part.parent)
        self._enter(part.message)
        if part.parent is None or part.parent.entity.media in MESSAGES:
            self._messages[-1].take_header(block)
        if trait := _trait(part):
            self._traits |= trait
        self._part = part
        if not part.entity.media.startswith(b"multipart/") and part.entity.media not in MESSAGES:
            self._begin_leaf(part)

    def _begin_leaf(self, part: Part) -> None:
        self._end_leaf()
        self._enter(part.message)
        message = self._messages[-1]
        self._part = part
        self._leaf = leaf_for(
            part.entity,
            is_first=not message.has_leaf,
            in_alternative=_alternative(part) is not None,
            in_signed=part.parent is not None and part.parent.entity.media == b"multipart/signed",
        )
        message.has_leaf |= not part.entity.media.startswith(b"multipart/")

    def _end_leaf(self, before: Part | None = None) -> None:
        """The leaf under way has ended; what stood in a multipart `before` its first boundary is none."""
        leaf, self._leaf = self._leaf, None
        if leaf is None or self._part is None:
            return
        content = leaf.close()
        is_preamble = before is self._part
        if content is not None and not is_preamble:
            self._messages[-1].body.add(content, _alternative(self._part))

    def _enter(self, part: Part | None) -> None:
        """What follows belongs to the message that `part` holds, or to the outermost. Others around the last end."""
        if self._messages[-1].part is part:
            return
        chain = [part]
        while (holder := chain[-1]) is not None:
            chain.append(holder.message)
        while not any(self._messages[-1].part is holder for holder in chain):
            inner = self._messages.pop()
            self._messages[-1].body.add(Attached(inner.digest()), _alternative(inner.part))
        known = next(at for at, holder in enumerate(chain) if holder is self._messages[-1].part)
        self._messages.extend(_Message(holder) for holder in reversed(chain[:known]))


def _alternative(part: Part | None) -> Part | None:
    """The outermost multipart/alternative around a part, in its message."""
    found = None
    around = part.parent if part else None
    while around is not None and around.entity.media not in MESSAGES:
        if around.entity.media == b"multipart/alternative":
            found = around
        around = around.parent
    return found


_TNEF = (b"application/ms-tnef", b"application/vnd.ms-tnef")
_ENCRYPTED = (b"multipart/encrypted", b"application/pkcs7-mime", b"application/x-pkcs7-mime")


def _trait(part: Part) -> Trait:
    entity = part.entity
    if entity.media in _TNEF or b"winmail.dat" in (entity.content_type + entity.disposition).lower():
        return Trait.TNEF
    if entity.media == b"multipart/signed":
        return Trait.SIGNED
    return Trait.ENCRYPTED if entity.media in _ENCRYPTED else Trait.NONE
