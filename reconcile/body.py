"""What one message says as a whole: its two renderings, its files, its invitations."""

from dataclasses import dataclass
from typing import NamedTuple

from reconcile.canonical.invitation import Invitation
from reconcile.canonical.prose import same_words, spaced, squeezed
from reconcile.leaves import Attached, Content, Said
from reconcile.rendering import Rendering
from reconcile.scan import Part
from reconcile.targets import LINKS_MAX, Targets, digest_of

TEXTS_MAX = 4 << 20
"""Bytes of a rendering that are held. One that is longer is compared by digest only."""
PICTURES_MAX = 10_000
"""Parts that pages may show by their Content-ID. Those of others count as none."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A message's text as clients show it: `plain` by those without HTML, `rich` by the others; `links` of the latter.

    Words have one space between them. Both are equal where the sender gave no choice.
    """

    plain: str
    rich: str
    links: tuple[str, ...]


class BodyPrint(NamedTuple):
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


class Body:
    """Takes what the leaves of one message said, in their order. Holds one `share`-th of what may be held."""

    def __init__(self, share: int = 1) -> None:
        self._plain, self._rich = Rendering(TEXTS_MAX // share), Rendering(TEXTS_MAX // share)
        self._targets = Targets(LINKS_MAX // share)
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
            self._targets.add(said.links)
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
        if not (self._targets.are_whole and self._plain.is_whole and self._rich.is_whole):
            return None
        return Texts(spaced(self._plain.text), spaced(self._rich.text), self._targets.shown(self._pictures))

    def close(self) -> BodyPrint:
        """Nothing may be added after it."""
        self._settle()
        plain, rich = self._plain.digests(self._rich)
        return BodyPrint(
            plain=plain,
            rich=rich,
            has_choice=self._has_choice,
            agrees=plain == rich or self._agrees(),
            length=self._rich.length,
            links=self._targets.digest(self._pictures) if self._has_page else b"",
            attachments=digest_of(sorted(self._files)) if self._files else _NO_FILES,
            attachment_count=len(self._files),
            events=digest_of(sorted(each.identity for each in self._invitations)) if self._invitations else b"",
            event_details=digest_of(sorted(each.detail for each in self._invitations)) if self._invitations else b"",
        )

    def _agrees(self) -> bool:
        if not (self._plain.is_whole and self._rich.is_whole):
            return False
        plain, rich, visible = self._plain.text, self._rich.text, self._rich.visible
        return same_words(plain, rich) or (visible != rich and same_words(plain, visible))


_NO_FILES = digest_of(())
