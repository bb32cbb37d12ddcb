"""Whether the books of a mailbox balance with what its source says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from replicator.folderpath import join_path
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.rows import FolderRow, side_fact, timestamp
from replicator.mailstore.mailbox.unverified import Unverified
from replicator.mailstore.setdigest import SetDigest
from replicator.mailstore.sqlcipher import translated

SideRow = tuple[str, int, int | None, str]
"""Name, looked, completed, not covered, as in the table."""


@dataclass(frozen=True, slots=True)
class FolderBalance:
    """One folder: what is on record here, and what the source said when it was last complete."""

    path: str
    side: str
    live: int
    removed: int
    quarantined: int
    filtered: int
    unverified: int
    source_count: int
    unlisted: int
    balanced: bool


@dataclass(frozen=True, slots=True)
class MailboxBalance:
    """One mailbox. `bytes` are those of its live messages, `stored_bytes` the sealed ones it refers to.

    `last_success` is the end of the last pass that completed every side, RFC 3339; paths are as `join_path` gives them.
    """

    state: str
    messages: int
    bytes: int
    stored_bytes: int
    last_success: str | None
    not_covered: tuple[str, ...]
    folders: tuple[FolderBalance, ...]


@dataclass(frozen=True, slots=True)
class MailboxTotals:
    """Live placements, the versions they stand for, and the bytes of the placements."""

    messages: int
    unique_messages: int
    bytes: int


_FOLDER_COUNTS = """SELECT p.folder,
        sum(p.died IS NULL AND p.version > 0),
        sum(p.died IS NOT NULL),
        sum(p.died IS NULL AND p.version = -1),
        sum(p.died IS NULL AND p.version = 0),
        sum(CASE WHEN p.died IS NULL THEN v.size ELSE 0 END)
    FROM placement p LEFT JOIN version v ON v.id = p.version
    WHERE p.folder = ?"""


class Books:
    """The counts of one mailbox."""

    def __init__(self, database: MailboxDatabase, folders: Folders) -> None:
        self._database = database
        self._folders = folders

    def balance(self) -> MailboxBalance:
        """Counts every folder that is there, and those that left messages behind."""
        doubts = Unverified(self._database).live()
        counted = [(row, self._counts(row)) for row in self._folders.all()]
        sides = self._sides()
        with translated(self._database.path):
            sealed = self._database.connection.execute("SELECT sealed FROM state").fetchone()[0]
        completed = [side[2] for side in sides if side[2] is not None]
        return MailboxBalance(
            state="replicating",
            messages=sum(counts[0] for _, counts in counted),
            bytes=sum(counts[4] for _, counts in counted),
            stored_bytes=sealed,
            last_success=timestamp(min(completed)) if completed and len(completed) == len(sides) else None,
            not_covered=tuple(dict.fromkeys(path for side in sides for path in json.loads(side[3]))),
            folders=tuple(
                _balance(row, counts, doubts.get(row.id, 0)) for row, counts in counted if row.died is None or counts[1]
            ),
        )

    def totals(self) -> MailboxTotals:
        """Live messages only."""
        execute = self._database.connection.execute
        with translated(self._database.path):
            messages, size = execute(
                """SELECT count(*), coalesce(sum(v.size), 0) FROM placement p JOIN version v ON v.id = p.version
                WHERE p.died IS NULL"""
            ).fetchone()
            (unique,) = execute(
                """SELECT count(*) FROM version v
                WHERE EXISTS (SELECT 1 FROM placement p WHERE p.version = v.id AND p.died IS NULL)"""
            ).fetchone()
        return MailboxTotals(messages, unique, size)

    def unaccepted(self) -> int:
        """Quarantined messages that nobody has accepted as lost."""
        with translated(self._database.path):
            row = self._database.connection.execute("SELECT count(*) FROM failure WHERE accepted = 0").fetchone()
        return int(row[0])

    def declare_sides(self, names: Sequence[str]) -> set[str]:
        """Says which sides there are. One that never worked counts against the last success, one that is gone does not.

        Those that are gone are the answer. Writes nothing if they are the ones on record.
        """
        known = {row[0]: row for row in self._sides()}
        if known.keys() == set(names):
            return set()
        with self._database.note() as notes:
            for name in known.keys() - set(names):
                self._replace_side(notes, known[name], None)
            for name in set(names) - known.keys():
                self._replace_side(notes, None, (name, 0, None, "[]"))
        return known.keys() - set(names)

    def note_look(self, side: str, looked: float, not_covered: Sequence[str], *, complete: bool) -> None:
        """Records that the source was looked at, and whether every folder was completed."""
        at = int(looked * 1e6)
        with self._database.note() as notes:
            old = next((row for row in self._sides() if row[0] == side), None)
            completed = at if complete else old and old[2]
            self._replace_side(notes, old, (side, at, completed, json.dumps(not_covered)))

    def looked(self, side: str) -> float:
        """When a side was last looked at, in seconds since the epoch; 0 if never."""
        return next((row[1] / 1e6 for row in self._sides() if row[0] == side), 0.0)

    def _replace_side(self, notes: SetDigest, old: SideRow | None, new: SideRow | None) -> None:
        if old is not None:
            notes.remove(side_fact(old))
            self._database.connection.execute("DELETE FROM side WHERE name = ?", old[:1])
        if new is not None:
            notes.add(side_fact(new))
            self._database.connection.execute("INSERT INTO side VALUES (?, ?, ?, ?)", new)

    def _sides(self) -> list[SideRow]:
        with translated(self._database.path):
            return list(self._database.connection.execute("SELECT name, looked, completed, not_covered FROM side"))

    def _counts(self, row: FolderRow) -> tuple[int, int, int, int, int]:
        with translated(self._database.path):
            counts = self._database.connection.execute(_FOLDER_COUNTS, (row.id,)).fetchone()
        live, removed, quarantined, filtered, size = (value or 0 for value in counts[1:])
        return live, removed, quarantined, filtered, size


def _balance(row: FolderRow, counts: tuple[int, int, int, int, int], unverified: int) -> FolderBalance:
    live, removed, quarantined, filtered, _ = counts
    on_record = live + quarantined + filtered
    balance = FolderBalance(
        path=join_path(row.path),
        side=row.side,
        live=live,
        removed=removed,
        quarantined=quarantined,
        filtered=filtered,
        unverified=unverified,
        source_count=row.source_count,
        unlisted=row.source_count - row.listed,
        balanced=not row.full and on_record == row.listed,
    )
    return balance if row.died is None else replace(balance, source_count=0, unlisted=0, balanced=on_record == 0)
