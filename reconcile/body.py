"""What one message says as a whole: its two renderings, its files, its invitations."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from reconcile.canonical.invitation import Invitation
from reconcile.canonical.prose import same_words, spaced, squeezed
from reconcile.leaves import Attached, Content, Said
from reconcile.scan import Part

TEXTS_MAX = 4 << 20
"""Bytes of a rendering that are held. One that is longer is compared by digest only."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A message's text as clients show it: `plain` by those without HTML, `rich` by the others; `links` of the latter.

    Words have one space between them. Both are equal where the sender gave no choice.
    """

    plain: str
    rich: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BodyPrint:
    """Digests are SHA-256, of texts without white space.

    `has_choice`: whether some text stands there both in plain and as HTML. `agrees`: whether `plain` then says what
    `rich` says. `length` is that of `rich` in bytes of UTF-8. `links` is over the targets of links and
    pictures, empty where there is no HTML. `attachments` is
    over the files in no order; `attachment_count` says how many there are. `events` and `event_details` are over the
    invitations, empty where there are none.
    """

    plain: bytes
    rich: bytes
    has_choice: bool
    agrees: bool
    length: int
    links: bytes
    attachments: bytes
    attachment_count: int
    events: bytes
    event_details: bytes


class Rendering:
    """One way to show a message, text after text."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.length = 0
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """The next text, with any white space."""
        bare = squeezed(text)
        self._sha256.update(bare)
        self.length += len(bare)
        if self.length <= TEXTS_MAX:
            self._texts.append(text)

    def digest(self) -> bytes:
        """Of all texts, without white space."""
        return self._sha256.digest()

    @property
    def is_whole(self) -> bool:
        """Whether `text` is all of it."""
        return self.length <= TEXTS_MAX

    @property
    def text(self) -> str:
        """All texts, if they are held."""
        return "\n".join(self._texts)


class Body:
    """Takes what the leaves of one message said, in their order."""

    def __init__(self) -> None:
        self._plain, self._rich = Rendering(), Rendering()
        self._visible: list[str] = []  # what `rich` shows
        self._links: list[str] = []
        self._has_page = self._has_choice = False
        self._files: list[bytes] = []
        self._pictures: dict[str, bytes] = {}  # by their Content-IDs
        self._invitations: list[Invitation] = []
        self._alternative: Part | None = None
        self._waiting: list[Said] = []
        self.is_empty = True

    def add(self, content: Content, alternative: Part | None) -> None:
        """What a leaf said; `alternative` is the outermost multipart/alternative that it stands in."""
        self.is_empty = False
        if isinstance(content, Attached):
            self._files.append(content.sha256)
            if content.content_id:
                self._pictures.setdefault(content.content_id, content.sha256)
        elif isinstance(content, Invitation):
            self._invitations.append(content)
        else:
            if alternative is not self._alternative:
                self._settle()
                self._alternative = alternative
            self._add_text(content)

    def _add_text(self, said: Said) -> None:
        if said.is_page:
            self._has_page = True
            self._links.extend(said.links)
        if self._alternative is None:
            self._plain.add(said.text)
            self._add_rich(said)
        elif said.is_page:
            self._add_rich(said)
            self._waiting.append(said)
        else:
            self._plain.add(said.text)
            self._waiting.append(said)

    def _add_rich(self, said: Said) -> None:
        self._rich.add(said.text)
        if self._rich.is_whole:
            self._visible.append(said.visible)

    def _settle(self) -> None:
        """An alternative has ended. If it left no choice, what it had is in both renderings."""
        pages = sum(said.is_page for said in self._waiting)
        if 0 < pages < len(self._waiting):
            self._has_choice = True
        else:
            for said in self._waiting:
                if said.is_page:
                    self._plain.add(said.text)
                else:
                    self._add_rich(said)
        self._waiting = []

    def texts(self) -> Texts | None:
        """None if they are too long to be held. Only after `close`."""
        if not (self._plain.is_whole and self._rich.is_whole):
            return None
        return Texts(spaced(self._plain.text), spaced(self._rich.text), self._targets())

    def _targets(self) -> tuple[str, ...]:
        """Of links and pictures. A picture inside the message counts by its content: its Content-ID is made anew."""
        return tuple(self._shown(link[4:]) if link[:4].lower() == "cid:" else link for link in self._links)

    def _shown(self, content_id: str) -> str:
        found = self._pictures.get(content_id) or self._pictures.get(unquote(content_id))
        return f"cid:{found.hex() if found else ''}"

    def close(self) -> BodyPrint:
        """Nothing may be added after it."""
        self._settle()
        plain, rich = self._plain.digest(), self._rich.digest()
        return BodyPrint(
            plain=plain,
            rich=rich,
            has_choice=self._has_choice,
            agrees=plain == rich or self._agrees(),
            length=self._rich.length,
            links=_digest(link.encode("utf-8", "surrogatepass") for link in self._targets()) if self._has_page else b"",
            attachments=_digest(sorted(self._files)),
            attachment_count=len(self._files),
            events=_digest(sorted(each.identity for each in self._invitations)) if self._invitations else b"",
            event_details=_digest(sorted(each.detail for each in self._invitations)) if self._invitations else b"",
        )

    def _agrees(self) -> bool:
        if not (self._plain.is_whole and self._rich.is_whole):
            return False
        plain, rich, visible = self._plain.text, self._rich.text, "\n".join(self._visible)
        return same_words(plain, rich) or (visible != rich and same_words(plain, visible))


def _digest(items: Iterable[bytes]) -> bytes:
    """Of a sequence; each item with its length, so that no two sequences are one."""
    sha256 = hashlib.sha256()
    for item in items:
        sha256.update(len(item).to_bytes(8, "big") + item)
    return sha256.digest()
