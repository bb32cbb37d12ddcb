"""What became of the messages that were asked for, and how a run counts them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from connectors.model import Failure, Ref
from replicator.mailstore.content import Content, Kept
from replicator.mailstore.mailbox.headers import heading, message_id, subject


@dataclass(frozen=True, slots=True)
class Held:
    """Content that this mailbox holds already: nothing was written for it."""

    version: int
    size: int


@dataclass(frozen=True, slots=True)
class New:
    """Content that was just sealed and appended, and what listings show of it; the rest of its header is let go.

    `kin` is the SHA-256 of content of which it is another version; empty if it begins an item.
    """

    content: Content
    sealed: int
    shared: tuple[tuple[bytes, int], ...]
    message_id: bytes
    subject: bytes
    heading: bytes
    kin: bytes = b""

    @classmethod
    def of(cls, kept: Kept, kin: bytes = b"") -> "New":
        """What a content writer gave back."""
        head = kept.head
        return cls(kept.content, kept.sealed, kept.shared, message_id(head), subject(head), heading(head), kin)


@dataclass(frozen=True, slots=True)
class Matched:
    """Content that is held, known by other signs than its bytes: nothing was fetched.

    `old` is the placement that goes on under another number, 0 if it is not known or still stands. `unverified`: the
    body is to be read again some day; `since` is the change that raised the doubt, 0 if that is the present one.
    """

    version: int
    size: int
    old: int = 0
    unverified: bool = False
    since: int = 0


Answer = New | Held | Matched | Failure
"""A ref without an answer had left before it could be fetched."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a page asks for: the refs to be fetched, and the answers that are known without."""

    fetch: list[Ref]
    matched: Mapping[Ref, Matched]


@dataclass(slots=True)
class Counts:
    """A run's counts, as `sync --json` gives them; always seen = stored + merged + filtered + quarantined."""

    seen: int = 0
    stored: int = 0
    merged: int = 0
    filtered: int = 0
    quarantined: int = 0
    recovered: int = 0
    removed: int = 0
    flags_changed: int = 0
    edited: int = 0
    unverified: int = 0
    reread: int = 0
    corrected: int = 0
    bytes: int = 0

    def add(self, other: "Counts") -> None:
        """Counts another's in."""
        for field in fields(Counts):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
