"""The catalog's nouns, and the seam that every implementation keeps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """Where a blob's record lies: its segment, its first byte, its length on disk; `plain` is what it unpacks to."""

    segment: str
    offset: int
    length: int
    plain: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as the catalog has it: bytes after `length` were never committed; a sealed one grows no more."""

    name: str
    length: int
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob and the place of its record."""

    id: bytes
    place: Place


LOST = -1
"""In place of a mark's commits: the mailbox was made, and what it said was lost with the catalog."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mailbox database said of itself when last heard: its commit counter and the digest of its rows."""

    mailbox_id: str
    commits: int
    digest: bytes

    @property
    def lost(self) -> bool:
        """Whether it says no more than that there is such a mailbox."""
        return self.commits == LOST


@dataclass(frozen=True, slots=True)
class Totals:
    """Blobs known, and bytes of all segments on disk."""

    blobs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction records: new blobs, ids of blobs found and used again, segments as long as they are now."""

    blobs: tuple[Blob, ...] = ()
    used: tuple[bytes, ...] = ()
    segments: tuple[Segment, ...] = ()
    mark: Mark | None = None


class Catalog(Protocol):
    """One thread at a time; any number of processes."""

    def find(self, ids: Iterable[bytes]) -> dict[bytes, Place]:
        """The places of those blobs that are known."""
        ...

    def record(self, batch: Batch, epoch: int) -> None:
        """All of the batch or nothing, durable on return. A blob known already keeps its first place.

        Every blob of the batch is stamped as last used under `epoch`. Raises StaleLease if that lease is no longer
        live, or if a blob that was found has been collected since: what came after the last batch is to be redone.
        """
        ...

    def lease(self, mailbox_id: str) -> int:
        """A new lease on the mailbox, which ends any other: its epoch, above all ever given in this mailstore."""
        ...

    def release(self, mailbox_id: str, epoch: int) -> None:
        """Ends that lease; nothing happens if another has taken its place."""
        ...

    def leases(self) -> dict[str, int]:
        """The epoch of each live lease. Only blobs stamped below all of them may ever be collected."""
        ...

    def mark(self, mailbox_id: str) -> Mark | None:
        """The last mark recorded for this mailbox."""
        ...

    def marks(self) -> list[Mark]:
        """All marks, sorted by mailbox."""
        ...

    def lose_marks(self, mailbox_ids: Iterable[str]) -> None:
        """Marks these mailboxes as made, with no knowledge of what they last said. After a loss only."""
        ...

    def add_segment(self, segment: Segment) -> None:
        """Makes a new segment known, durable on return."""
        ...

    def segments(self) -> list[Segment]:
        """All segments, in the order in which they were added."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """All blobs, by id, with bounded memory."""
        ...

    def totals(self) -> Totals:
        """What is held in all."""
        ...

    def restore(self, segment: Segment, blobs: Iterable[tuple[Blob, int]]) -> None:
        """Puts back a segment, and blobs of it with the epoch that each was written under. After a loss only."""
        ...

    def raise_epoch(self, floor: int) -> None:
        """No epoch up to `floor` will be given again."""
        ...
