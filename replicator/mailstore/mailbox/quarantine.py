"""What could not be taken, why, and when it is tried again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.model import Failure
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import FAILURE_COLUMNS, QUARANTINED, FolderRow, PlacementRow, failure_fact
from replicator.mailstore.sqlcipher import translated

PAUSES = (0, 300, 1800, 7200, 21600, 86400)
"""Seconds to wait after the n-th failed attempt: the next run at once, then ever longer."""

LONGEST_PAUSE = PAUSES[-1]

_HEIR = f"""SELECT {", ".join(f"f.{name}" for name in FAILURE_COLUMNS.split(", "))}
    FROM placement p CROSS JOIN change c ON c.n = p.born CROSS JOIN failure f ON f.placement = p.id
    WHERE p.folder = ? AND p.arrived = ? AND p.died IS NULL AND p.id > ? AND c.run = ? AND f.code = ? AND f.accepted = 0
    ORDER BY p.id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A placement that is listed by the source and could not be taken."""

    placement: int
    ref: str
    attempts: int
    accepted: bool


class FailureRows:
    """The failures on record, one to a quarantined placement."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def add(self, commit: Commit, failures: Mapping[int, Failure]) -> None:
        """First failures."""
        for placement, failure in failures.items():
            self._put(commit, placement, failure, attempts=1, accepted=False)

    def repeat(self, commit: Commit, old: Quarantined, failure: Failure) -> None:
        """Another attempt that failed; the next one waits longer."""
        self.drop(commit, (old.placement,))
        self._put(commit, old.placement, failure, attempts=old.attempts + 1, accepted=old.accepted)

    def pass_on(self, commit: Commit, gone: Iterable[PlacementRow], run: str) -> None:
        """What was accepted of messages that are listed no more is accepted of the same ones under other numbers.

        Those came in this run, into the folder and with the date and the error of the old, and are taken one for one.
        Nothing else is known of a message that cannot be read.
        """
        execute = self._database.connection.execute
        accepted = "SELECT code FROM failure WHERE placement = ? AND accepted = 1"
        for row in gone:
            old = execute(accepted, (row.id,)).fetchone() if row.version == QUARANTINED else None
            heir = old and execute(_HEIR, (row.folder, row.arrived, row.id, run, *old)).fetchone()
            if heir:
                execute("UPDATE failure SET accepted = 1 WHERE placement = ?", heir[:1])
                commit.digest.replace(failure_fact(heir), failure_fact((*heir[:-1], 1)))

    def drop(self, commit: Commit, placements: Iterable[int]) -> None:
        """Failures that are over, because the message was taken after all or has left."""
        execute = self._database.connection.execute
        for placement in placements:
            row = execute(f"SELECT {FAILURE_COLUMNS} FROM failure WHERE placement = ?", (placement,)).fetchone()
            if row is not None:
                execute("DELETE FROM failure WHERE placement = ?", (placement,))
                commit.digest.remove(failure_fact(row))

    def _put(self, commit: Commit, placement: int, failure: Failure, *, attempts: int, accepted: bool) -> None:
        pause = PAUSES[min(attempts, len(PAUSES)) - 1] * 1_000_000
        row = (placement, failure.error.code, str(failure.error), attempts, commit.at, commit.at + pause, int(accepted))
        self._database.connection.execute("INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        commit.digest.add(failure_fact(row))

    def due_folders(self, now: float) -> set[int]:
        """The folders that have failures due at `now`."""
        sql = """SELECT p.folder FROM failure f CROSS JOIN placement p ON p.id = f.placement
            WHERE p.died IS NULL AND f.due <= ?"""
        with translated(self._database.path):
            return {row[0] for row in self._database.connection.execute(sql, (int(now * 1e6),))}

    def due(self, folder: FolderRow, now: float, after: int = 0, limit: int = 500) -> list[Quarantined]:
        """Failures of a folder that are due at `now` (seconds since the epoch), of placements beyond `after`."""
        sql = """SELECT p.id, p.ref, f.attempts, f.accepted
            FROM failure f CROSS JOIN placement p ON p.id = f.placement
            WHERE p.folder = ? AND p.died IS NULL AND f.due <= ? AND f.placement > ? ORDER BY f.placement LIMIT ?"""
        with translated(self._database.path):
            rows = self._database.connection.execute(sql, (folder.id, int(now * 1e6), after, limit)).fetchall()
        return [Quarantined(number, ref, tries, accepted=bool(accepted)) for number, ref, tries, accepted in rows]
