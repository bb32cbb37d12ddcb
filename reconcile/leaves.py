"""The leaves of a message, each read in its own way: text, file, calendar. All take bytes and never raise."""

import hashlib
from typing import NamedTuple

from reconcile.canonical.charset import as_utf8, decoded
from reconcile.canonical.invitation import Invitation, read_invitation
from reconcile.canonical.markup import read_page
from reconcile.canonical.prose import page_prose, plain_prose, squeezed
from reconcile.canonical.transfer import Base64, decoder
from reconcile.entity import Entity

TEXT_MAX = 2 << 20
"""Bytes, decoded. A longer text is read as a file."""


class Said(NamedTuple):
    """A text in its canonical form, but for white space. `links` are those of a page, `visible` is what it shows."""

    text: str
    is_page: bool
    visible: str
    links: tuple[str, ...] = ()


class Attached(NamedTuple):
    """A file: the SHA-256 of its content, and its Content-ID, if a page may show it by that."""

    sha256: bytes
    content_id: str = ""


Content = Said | Attached | Invitation
"""What a leaf turned out to be."""


class TextLeaf:
    """A leaf that is held until its end, to be read as a whole; one that grows too long is a file."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self._decoder = decoder(entity.encoding, is_text=True)
        self._held: list[bytes] = []
        self._size = 0
        self._file: hashlib._Hash | None = None

    def feed(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """The next bytes of its body: what lies in `data` from `start` to `end`."""
        self._take(self._decoder.feed(data[start:end]))

    def _take(self, data: bytes) -> None:
        if self._file:
            self._file.update(data)
            return
        self._held.append(data)
        self._size += len(data)
        if self._size > TEXT_MAX:
            self._file = hashlib.sha256(b"".join(self._held))
            self._held = []

    def close(self) -> Content:
        """What it said."""
        self._take(self._decoder.close())
        return Attached(self._file.digest()) if self._file else self.read(b"".join(self._held))

    def read(self, data: bytes) -> Content:
        """Of the whole, decoded."""
        text = decoded(data, self.entity.charset)
        if self.entity.media != b"text/html":
            said = plain_prose(text)
            return Said(said, is_page=False, visible=said)
        page = read_page(text)
        text = page_prose(page.text)
        visible = text if page.visible is page.text else page_prose(page.visible)
        return Said(text, is_page=True, visible=visible, links=page.links)


class TextFileLeaf(TextLeaf):
    """A text that is a file: its characters count, not how they were encoded; its line ends are of one kind."""

    def read(self, data: bytes) -> Content:
        """As text, without line ends at its end, which re-encoding adds and takes away."""
        data = as_utf8(data, self.entity.charset).replace(b"\r\n", b"\n").rstrip(b"\r\n")
        return Attached(hashlib.sha256(data).digest())


class ReportLeaf(TextLeaf):
    """The machine's part of a delivery or read report (RFC 3464, 8098): header fields, which are folded anew."""

    def read(self, data: bytes) -> Content:
        """As text without white space."""
        return Attached(hashlib.sha256(squeezed(decoded(data, self.entity.charset))).digest())


class InvitationLeaf(TextLeaf):
    """A text/calendar."""

    def read(self, data: bytes) -> Content:
        """As events."""
        return read_invitation(decoded(data, self.entity.charset or "utf-8"), self.entity.method)


class FileLeaf:
    """Anything else: its decoded bytes count, its name does not."""

    def __init__(self, entity: Entity) -> None:
        self._content_id = entity.content_id[:998].decode("utf-8", "replace")
        self._decoder = decoder(entity.encoding, is_text=False)
        self._sha256 = hashlib.sha256()

    def feed(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """The same. Base64, most of all that is sent, is not copied for it."""
        if isinstance(self._decoder, Base64):
            self._sha256.update(self._decoder.feed_part(data, start, len(data) if end is None else end))
        else:
            self._sha256.update(self._decoder.feed(data[start:end]))

    def close(self) -> Content:
        """Its digest."""
        self._sha256.update(self._decoder.close())
        return Attached(self._sha256.digest(), self._content_id)


class SkippedLeaf:
    """A leaf that says nothing of its own, or the same as its neighbour."""

    def feed(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """The next bytes of its body."""

    def close(self) -> None:
        """Nothing."""


Leaf = TextLeaf | FileLeaf | SkippedLeaf

_SIGNATURES = frozenset(
    {b"application/pgp-signature", b"application/pkcs7-signature", b"application/x-pkcs7-signature"}
)
_REPORTS = frozenset({b"message/delivery-status", b"message/disposition-notification", b"text/rfc822-headers"})
_TEXTS = frozenset({b"", b"text/plain", b"text/html", b"text"})


def leaf_for(entity: Entity, *, is_first: bool, in_alternative: bool, in_signed: bool) -> Leaf:
    """How to read a leaf. `is_first`: of its message, which is the body even if someone gave it a name."""
    media = entity.media
    # What is signed is compared itself; the signature may be dropped on the way.
    if media in _SIGNATURES and in_signed and not is_first:
        return SkippedLeaf()
    if media in _TEXTS or media.startswith(b"multipart/"):
        is_file = entity.is_attached or (entity.is_named and not is_first)
        return TextFileLeaf(entity) if is_file else TextLeaf(entity)
    if media == b"text/calendar":
        return InvitationLeaf(entity)
    if media in _REPORTS:
        return ReportLeaf(entity)
    if media.startswith(b"text/"):
        # A third rendering of a text (AMP, enriched, watch) that few systems keep.
        is_third = in_alternative and not is_first and not entity.is_attached
        return SkippedLeaf() if is_third else TextFileLeaf(entity)
    return FileLeaf(entity)
