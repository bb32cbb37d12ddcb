"""The rows of a mailbox's database as values, and the facts of each that the set digest covers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from connectors.model import Cursor, Role, Seen
from replicator.mailstore.setdigest import Fact


@dataclass(frozen=True, slots=True)
class FolderRow:
    """A folder of one side. `cursor` is None until a page is kept; `full` while a full pass is not settled."""

    id: int
    side: str
    ref: str
    path: tuple[str, ...]
    role: Role
    born: int
    died: int | None = None
    cursor: Cursor | None = None
    full: bool = True
    next_number: int = 1
    stamp: str = ""
    source_count: int = 0
    listed: int = 0

    def fact(self) -> Fact:
        """What the digest covers: what decides how a pass goes on, and what the folder was called when."""
        return (
            "folder",
            self.id,
            self.side,
            self.ref,
            encode_path(self.path),
            self.role,
            self.born,
            self.died,
            self.cursor,
            int(self.full),
            self.next_number,
        )

    def note(self) -> Fact:
        """What the notes' digest covers: what only saves work, or tells how things stood."""
        return ("stamp", self.id, self.stamp, self.source_count, self.listed)


FOLDER_COLUMNS = (
    "id, side, ref, path, role, born, died, cursor, full, next_number, stamp, source_count, listed"  # as in FolderRow
)


def folder_row(row: tuple[object, ...]) -> FolderRow:
    """A FolderRow from FOLDER_COLUMNS."""
    values = list(row)
    values[3] = tuple(json.loads(str(row[3])))
    values[4] = Role(str(row[4]))
    values[8] = bool(row[8])
    return FolderRow(*values)  # type: ignore[arg-type]


QUARANTINED, FILTERED = -1, 0
"""In place of a version: no bytes, because they could not be taken, or because a rule refused them."""


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """A message in a folder. `version` may be QUARANTINED or FILTERED; `flags` is as `encode_flags` gives it."""

    id: int
    folder: int
    number: int
    ref: str
    arrived: str
    born: int
    died: int | None
    since: int
    flags: str
    version: int

    def facts(self) -> Iterable[Fact]:
        """What the digest covers: that it came, what it is now, that it left. Facts are never taken back."""
        yield ("placement", self.id, self.folder, self.number, self.ref, self.arrived, self.born)
        yield self.condition()
        if self.died is not None:
            yield ("left", self.id, self.died)

    def stands_for(self, seen: Seen) -> bool:
        """It is there, and is what the source lists under its id: a message's date never changes (RFC 3501 2.3.1.1).

        With another date it is another message: the server was set back, or the folder is another one that has the
        same numbering.
        """
        if self.died is not None:
            return False
        return self.arrived == seen.arrived_at.isoformat() or datetime.fromisoformat(self.arrived) == seen.arrived_at

    def condition(self) -> Fact:
        """The state that began at `since`."""
        return condition(self.id, self.since, self.flags, self.version)


PLACEMENT_COLUMNS = "id, folder, number, ref, arrived, born, died, since, flags, version"


def condition(placement: int, since: int, flags: str, version: int) -> Fact:
    """The fact that a placement had these flags and this content from a change on."""
    return ("condition", placement, since, flags, version)


def version_fact(version: int, item: int, sha256: bytes, size: int) -> Fact:
    """The fact that an item has a version with these exact bytes."""
    return ("version", version, item, sha256.hex(), size)


def shared_fact(blob: bytes, sealed: int) -> Fact:
    """The fact that this mailbox refers to a shared blob, and what that costs on disk."""
    return ("shared", blob.hex(), sealed)


def side_fact(row: tuple[str | int | None, ...]) -> Fact:
    """When a side was looked at and completed, and what of it is not covered."""
    return ("side", *row)


TROUBLE_COLUMNS = "side, folder, code, message, advice, since, last"


def trouble_fact(row: tuple[str | int, ...]) -> Fact:
    """The last error of a side's pass, or of a folder's; `row` is as TROUBLE_COLUMNS."""
    return ("trouble", *row)


def identity_fact(row: tuple[str | int, ...]) -> Fact:
    """The fact that an id of a side's server stands for a version."""
    return ("identity", *row)


def claim_fact(row: tuple[str | int, ...]) -> Fact:
    """How often a side's word was compared with bytes, and was wrong."""
    return ("claim", *row)


def unverified_fact(row: tuple[int, ...]) -> Fact:
    """The fact that a placement was matched without its body, which nobody has read since a change."""
    return ("unverified", *row)


def revision_fact(row: tuple[int, str]) -> Fact:
    """The fact that a mail system says this of the content that a placement has."""
    return ("revision", *row)


def failure_fact(row: tuple[str | int, ...]) -> Fact:
    """The fact that a message could not be taken; `row` is as FAILURE_COLUMNS."""
    return ("failure", *row)


FAILURE_COLUMNS = "placement, code, message, attempts, tried, due, accepted"


@lru_cache(maxsize=4096)
def encode_flags(flags: frozenset[str]) -> str:
    """Flags as a sorted JSON list, keywords included, without \\Recent, which is a session's and not a message's."""
    return json.dumps(sorted(flags - {"\\Recent"}))


def timestamp(at: int) -> str:
    """Microseconds since the epoch, as the tables have them, in RFC 3339 to the second."""
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="seconds")


def encode_path(path: tuple[str, ...]) -> str:
    """A folder's path as a JSON list."""
    return json.dumps(path)
