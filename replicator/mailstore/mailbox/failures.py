"""The quarantine as an operator sees it: read, accepted, and made due at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import FAILURE_COLUMNS, failure_fact, timestamp
from replicator.mailstore.sqlcipher import translated

_BATCH = 500


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """Why a placement is in quarantine. `tried` is the last attempt, `due` when the next may come, both RFC 3339."""

    code: str
    reason: str
    attempts: int
    tried: str
    due: str
    accepted: bool


class FailureBook:
    """The failures of one mailbox. Writing needs `begin` of its store, as for a pass."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def get(self, placement: int) -> FailureRecord | None:
        """What is on record of a placement; None if it is not in quarantine."""
        row = self._row(placement)
        if row is None:
            return None
        _, code, reason, attempts, tried, due, accepted = row
        return FailureRecord(code, reason, attempts, timestamp(tried), timestamp(due), bool(accepted))

    def placements(self) -> Iterator[int]:
        """All that are in quarantine, in the order in which they came; the ones accepted too."""
        after = 0
        sql = "SELECT placement FROM failure WHERE placement > ? ORDER BY placement LIMIT ?"
        while True:
            with translated(self._database.path):
                rows = self._database.connection.execute(sql, (after, _BATCH)).fetchall()
            if not rows:
                return
            yield from (row[0] for row in rows)
            after = rows[-1][0]

    def accept(self, placements: Iterable[int], run: str) -> int:
        """Notes that someone knows of these and lets them be; how many were news. They are tried again all the same."""
        return self._revise(placements, run, "accepted", 1)

    def hasten(self, run: str, now: float) -> int:
        """Makes all of them due at `now` (seconds since the epoch); how many were not yet."""
        at = int(now * 1e6)
        waiting = [number for number in self.placements() if (row := self._row(number)) and row[5] > at]
        return self._revise(waiting, run, "due", at)

    def _revise(self, placements: Iterable[int], run: str, column: str, value: int) -> int:
        """One commit, or none if nothing changes."""
        position = FAILURE_COLUMNS.split(", ").index(column)
        rows = [row for number in dict.fromkeys(placements) if (row := self._row(number)) and row[position] != value]
        if rows:
            with self._database.commit(run) as commit:
                for row in rows:
                    self._replace(commit, row, (*row[:position], value, *row[position + 1 :]))
        return len(rows)

    def _replace(self, commit: Commit, old: tuple[int | str, ...], new: tuple[int | str, ...]) -> None:
        execute = self._database.connection.execute
        execute("DELETE FROM failure WHERE placement = ?", old[:1])
        execute(f"INSERT INTO failure ({FAILURE_COLUMNS}) VALUES ({', '.join('?' * len(new))})", new)
        commit.digest.replace(failure_fact(old), failure_fact(new))

    def _row(self, placement: int) -> tuple | None:  # type: ignore[type-arg]
        sql = f"SELECT {FAILURE_COLUMNS} FROM failure WHERE placement = ?"
        with translated(self._database.path):
            row = self._database.connection.execute(sql, (placement,)).fetchone()
        return None if row is None else tuple(row)
