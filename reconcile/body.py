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
LINKS_MAX = 50_000
"""Links and pictures that are held. Of a message with more, the rest is compared by digest only."""
PICTURES_MAX = 10_000
"""Parts that pages may show by their Content-ID. Those of others count as none."""
LINK_MAX = 2000
"""Characters of a link that are held; a longer one is held as its digest."""


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
    `rich` says. `length` is that of `rich` in bytes of UTF-8. `links` is over the targets of links and pictures, empty
    where there is no HTML. `attachments` is over the files in no order; `attachment_count` says how many there are.
    `events` and `event_details` are over the invitations, empty where there are none.
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
    """One way to show a message, text after text. Up to `room` bytes of it are held."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._sha256 = hashlib.sha256()
        self.length = 0
        self._texts: list[str] = []
        self._shown: list[str] = []

    def add(self, said: Said, bare: bytes) -> None:
        """The next text, also without white space."""
        self._sha256.update(bare)
        self.length += len(bare)
        if not self.is_whole:
            self._texts, self._shown = [], []
        elif bare:
            is_blank = len(said.text) > 2 * len(bare) + 1000  # a text of spaces is as long as it likes
            self._texts.append(spaced(said.text) if is_blank else said.text)
            self._shown.append(spaced(said.visible) if is_blank else said.visible)

    def fork(self) -> "Rendering":
        """Another that has said the same so far."""
        other = Rendering(self._room)
        other._sha256, other.length = self._sha256.copy(), self.length
        other._texts, other._shown = self._texts.copy(), self._shown.copy()
        return other

    def digest(self) -> bytes:
        """Of all texts, without white space."""
        return self._sha256.digest()

    @property
    def is_whole(self) -> bool:
        """Whether `text` is all of it."""
        return self.length <= self._room

    @property
    def text(self) -> str:
        """All texts, if they are held."""
        return "\n".join(self._texts)

    @property
    def visible(self) -> str:
        """What of `text` is shown."""
        return "\n".join(self._shown)


class Body:
    """Takes what the leaves of one message said, in their order. Holds one `share`-th of what may be held."""

    def __init__(self, share: int = 1) -> None:
        self._plain, self._rich = Rendering(TEXTS_MAX // share), Rendering(TEXTS_MAX // share)
        self._links_max = LINKS_MAX // share
        self._links: list[str] = []
        self._more_links: hashlib._Hash | None = None
        self._has_page = self._has_choice = False
        self._files: list[bytes] = []
        self._pictures: dict[str, bytes] = {}  # by their Content-IDs
        self._invitations: list[Invitation] = []
        self._alternative: Part | None = None
        self._kinds: set[bool] = set()  # of the texts in the alternative: whether they are pages
        self._without_choice: Rendering | None = None  # the other rendering, if it stays with one kind

    def add(self, content: Content, alternative: Part | None) -> None:
        """What a leaf said; `alternative` is the outermost multipart/alternative that it stands in."""
        if isinstance(content, Attached):
            self._files.append(content.sha256)
            if content.content_id and len(self._pictures) < PICTURES_MAX:
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
            room = self._links_max - len(self._links)
            self._links.extend(map(_shortened, said.links[:room]))
            for link in said.links[room:]:
                self._more_links = self._more_links or hashlib.sha256()
                self._more_links.update(_sized(link.encode("utf-8", "surrogatepass")))
        bare = squeezed(said.text)
        mine, other = (self._rich, self._plain) if said.is_page else (self._plain, self._rich)
        if self._alternative is None:
            other.add(said, bare)
        elif not self._kinds - {said.is_page}:
            self._without_choice = self._without_choice or other.fork()
            self._without_choice.add(said, bare)
        mine.add(said, bare)
        self._kinds.add(said.is_page)

    def _settle(self) -> None:
        """An alternative has ended. If it left no choice, what it had is in both renderings."""
        if len(self._kinds) == 2 and self._alternative is not None:
            self._has_choice = True
        elif self._without_choice and True in self._kinds:
            self._plain = self._without_choice
        elif self._without_choice:
            self._rich = self._without_choice
        self._kinds, self._without_choice = set(), None

    def texts(self) -> Texts | None:
        """None if they are too long to be held. Only after `close`."""
        if self._more_links or not (self._plain.is_whole and self._rich.is_whole):
            return None
        return Texts(spaced(self._plain.text), spaced(self._rich.text), self._targets())

    def _targets(self) -> tuple[str, ...]:
        """Of links and pictures. A picture inside the message counts by its content: its Content-ID is made anew."""
        held = tuple(self._shown(link[4:]) if link[:4].lower() == "cid:" else link for link in self._links)
        return (*held, self._more_links.hexdigest()) if self._more_links else held

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
            attachments=_digest(sorted(self._files)) if self._files else _NO_FILES,
            attachment_count=len(self._files),
            events=_digest(sorted(each.identity for each in self._invitations)) if self._invitations else b"",
            event_details=_digest(sorted(each.detail for each in self._invitations)) if self._invitations else b"",
        )

    def _agrees(self) -> bool:
        if not (self._plain.is_whole and self._rich.is_whole):
            return False
        plain, rich, visible = self._plain.text, self._rich.text, self._rich.visible
        return same_words(plain, rich) or (visible != rich and same_words(plain, visible))


def _digest(items: Iterable[bytes]) -> bytes:
    """Of a sequence; each item with its length, so that no two sequences are one."""
    return hashlib.sha256(b"".join([len(item).to_bytes(8, "big") + item for item in items])).digest()


_NO_FILES = _digest(())


def _sized(item: bytes) -> bytes:
    return len(item).to_bytes(8, "big") + item


def _shortened(link: str) -> str:
    return link if len(link) <= LINK_MAX else hashlib.sha256(link.encode("utf-8", "surrogatepass")).hexdigest()
