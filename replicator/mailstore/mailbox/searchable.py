"""What of a message can be searched for, read in the same pass as its fingerprint. docs/format.md has the limits.

Takes any bytes, and holds a bounded amount. Text of attached files is not read; that of attached messages is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag

from reconcile.body import Texts
from reconcile.canonical.fields import Fields, decoded_words, read_fields
from reconcile.canonical.prose import prose, spaced
from reconcile.entity import MESSAGES
from reconcile.fingerprint import Fingerprint, Reading, read
from reconcile.leaves import TEXT_MAX, Said, TextLeaf, leaf_for
from reconcile.scan import Kind, Part, Scanner, Span
from replicator.mailstore.mailbox.filenames import file_name

WORDS = 1
"""The version of what is read here, and of how the full text holds it."""
CHUNK = 64 << 10
FIELD_MAX = 64 << 10
"""Characters of one header field."""
NAMES_MAX, NAMES_LENGTH = 1000, 64 << 10
DEEP = 256 << 10
"""Bytes. A smaller message has too little text, and too few links, for its fingerprint's reading not to hold them."""
LEAF_MAX = TEXT_MAX
"""Bytes of one text, as encoded. To the fingerprint a longer one may be a file."""
BODY_MAX = 4 << 20
"""Characters of all text."""


class Cut(IntFlag):
    """What a message has more of than can be found."""

    NONE = 0
    TEXT = 1
    NAMES = 2
    FIELDS = 4


@dataclass(frozen=True, slots=True)
class Searchable:
    """The columns of the full text. Words have spaces between them, and so have characters that stand for words."""

    subject: str = ""
    sender: str = ""
    recipient: str = ""
    cc: str = ""
    bcc: str = ""
    names: str = ""
    body: str = ""
    cut: Cut = Cut.NONE


def read_searchable(chunks: Iterable[bytes], size: int, sha256: bytes = b"") -> tuple[Fingerprint, Searchable]:
    """Of a message of `size` bytes, with their SHA-256 if it is known: its fingerprint, and what it can be found by."""
    outline = _Outline(deep=size > DEEP)
    reading = read(outline.watch(chunks), sha256)
    return reading.fingerprint, outline.close(reading)


def in_small_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes. Only for small chunks is the memory of a fingerprint bounded."""
    for large in chunks:
        for at in range(0, len(large), CHUNK):
            yield large[at : at + CHUNK]


def wordy(text: str) -> str:
    """As the full text holds it. Of scripts that leave no spaces each character is a word."""
    text = spaced(text)
    if not text.isascii():
        text = _UNSPACED.sub(_apart, text).encode("utf-8", "replace").decode()
    return text


def _apart(run: re.Match[str]) -> str:
    return f" {' '.join(run[0])} "


_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)


class _Held:
    """Texts, up to so many characters of all of them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.texts: list[str] = []
        self.is_cut = False

    def add(self, text: str) -> None:
        if text and self._room > 0:
            self.texts.append(text[: self._room])
        self.is_cut |= len(text) > self._room
        self._room -= min(len(text), self._room)

    def joined(self) -> str:
        return wordy("\n".join(self.texts))


class _Outline:
    """Follows the parts of a message: its header, names of files, messages inside it, and if `deep` all of its text.

    Text of the message itself is mostly had from its fingerprint's reading, which has it already.
    """

    def __init__(self, *, deep: bool) -> None:
        self._deep = deep
        self._scanner = Scanner()
        self._tail = b""
        self._start = 0
        self._fields = Fields({})
        self._names = _Held(NAMES_LENGTH)
        self._own, self._inner = _Held(BODY_MAX), _Held(BODY_MAX)
        self._part: Part | None = None
        self._leaf: TextLeaf | None = None
        self._fed = 0
        self._has_leaf = False
        self._message: Part | None = None  # the last one inside that had a leaf

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Passes the message on in small chunks, and follows it."""
        for chunk in in_small_chunks(chunks):
            self._feed(chunk)
            yield chunk

    def close(self, reading: Reading) -> Searchable:
        """What was found, with what the reading has."""
        self._follow(self._scanner.close())
        self._end_leaf()
        body = self._body(reading)
        cut = Cut.TEXT if body.is_cut or self._own.is_cut or self._inner.is_cut or reading.texts is None else Cut.NONE
        fields = [self._field(name) for name in (b"subject", b"from", b"to", b"cc", b"bcc")]
        cut |= Cut.FIELDS if any(field.is_cut for field in fields) else Cut.NONE
        cut |= Cut.NAMES if self._names.is_cut else Cut.NONE
        subject, sender, recipient, copied, blind = (field.joined() for field in fields)
        return Searchable(subject, sender, recipient, copied, blind, self._names.joined(), body.joined(), cut)

    def _body(self, reading: Reading) -> _Held:
        texts = reading.texts
        body = _Held(BODY_MAX)
        if texts is None or self._own.is_cut:
            own: Iterable[str] = self._own.texts
        else:
            own = _renderings(texts, agree=reading.fingerprint.body.agrees)
        for text in (*own, *self._inner.texts):
            body.add(text)
        return body

    def _field(self, name: bytes) -> _Held:
        field = _Held(FIELD_MAX)
        for value in self._fields.all(name):
            field.add(prose(decoded_words(value)))
        return field

    def _feed(self, chunk: bytes) -> None:
        self._tail = self._tail + chunk if self._tail else chunk
        spans = self._scanner.feed(chunk)
        self._follow(spans)
        if spans:
            self._tail = self._tail[spans[-1].end - self._start :]
            self._start = spans[-1].end

    def _follow(self, spans: list[Span]) -> None:
        for span in spans:
            if span.kind is Kind.HEADER:
                self._begin(span.part, self._tail[span.start - self._start : span.end - self._start])
            elif span.kind is Kind.FRAME:
                self._end_leaf()
            elif self._leaf is not None and span.part is self._part:
                self._feed_leaf(self._tail[span.start - self._start : span.end - self._start])

    def _begin(self, part: Part, block: bytes) -> None:
        self._end_leaf()
        if part.parent is None:
            self._fields = read_fields(block)
        elif part.parent.entity.media in MESSAGES:
            self._add_heading(read_fields(block))
        if len(self._names.texts) < NAMES_MAX:
            self._names.add(prose(file_name(part.entity)))
        else:
            self._names.is_cut |= part.entity.is_named
        self._part = part
        media = part.entity.media
        if (self._deep or part.message is not None) and media not in MESSAGES and not media.startswith(b"multipart/"):
            self._begin_leaf(part)

    def _add_heading(self, fields: Fields) -> None:
        """Of a message inside this one: it is found as text."""
        for name in (b"subject", b"from", b"to", b"cc"):
            for value in fields.all(name):
                self._inner.add(prose(decoded_words(value))[:FIELD_MAX])

    def _begin_leaf(self, part: Part) -> None:
        is_first = not self._has_leaf if part.message is None else part.message is not self._message
        if part.message is None:
            self._has_leaf = True
        else:
            self._message = part.message
        leaf = leaf_for(part.entity, is_first=is_first, in_alternative=False, in_signed=False)
        # Not its kinds, which are files to the fingerprint.
        self._leaf, self._fed = (leaf if type(leaf) is TextLeaf else None), 0

    def _feed_leaf(self, data: bytes) -> None:
        assert self._leaf is not None
        room = LEAF_MAX - self._fed
        if room > 0:
            self._leaf.feed(data[:room])
        self._fed += len(data)
        self._held.is_cut |= len(data) > room

    def _end_leaf(self) -> None:
        leaf, self._leaf = self._leaf, None
        if leaf is None:
            return
        content = leaf.close()
        if isinstance(content, Said):
            self._held.add(content.text)

    @property
    def _held(self) -> _Held:
        """Where the text of the part under way goes."""
        return self._inner if self._part is not None and self._part.message is not None else self._own


def _renderings(texts: Texts, *, agree: bool) -> tuple[str, ...]:
    """One, if the other says the same."""
    return (texts.rich,) if agree or texts.plain == texts.rich else (texts.rich, texts.plain)
