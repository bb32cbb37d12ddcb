"""Rows that were matched without their bodies, until those have been read again."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.model import Ref
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import unverified_fact
from replicator.mailstore.sqlcipher import translated

_DUE = """SELECT u.since, u.placement, f.side, f.ref, p.ref, v.size
    FROM unverified u CROSS JOIN placement p ON p.id = u.placement CROSS JOIN change c ON c.n = u.since
    CROSS JOIN folder f ON f.id = p.folder CROSS JOIN version v ON v.id = p.version
    WHERE (u.since, u.placement) > (?, ?) AND p.died IS NULL AND f.side = ? AND c.run <> ?
    ORDER BY u.since, u.placement LIMIT ?"""

_ANY = """SELECT 1 FROM unverified u CROSS JOIN placement p ON p.id = u.placement CROSS JOIN folder f ON f.id = p.folder
    WHERE p.died IS NULL AND f.side = ? LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A live placement whose body is to be read again; `size` is that of the content it is taken for.

    `since` is the change that raised the doubt: where a message is numbered anew before its body was read, an older one
    than the placement.
    """

    since: int
    placement: int
    side: str
    ref: Ref
    size: int

    @property
    def position(self) -> tuple[int, int]:
        """Where it stands in the order in which bodies are read again: the oldest doubt first."""
        return self.since, self.placement


class Unverified:
    """The marks. One stays with a row that has left: nobody can read its body any more."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def add(self, commit: Commit, since: Mapping[int, int]) -> None:
        """Doubts about new placements, each with the change that raised it."""
        for row in since.items():
            commit.digest.add(unverified_fact(row))
        self._database.connection.executemany("INSERT INTO unverified VALUES (?, ?)", since.items())

    def drop(self, commit: Commit, placement: int) -> int:
        """The body was read, or the row goes on as another one. Says since when there was a doubt; 0 for none."""
        execute = self._database.connection.execute
        row = execute("SELECT placement, since FROM unverified WHERE placement = ?", (placement,)).fetchone()
        if row is not None:
            execute("DELETE FROM unverified WHERE placement = ?", (placement,))
            commit.digest.remove(unverified_fact(row))
        return row[1] if row is not None else 0

    def due(self, side: str, run: str, after: tuple[int, int], limit: int = 200) -> list[Doubt]:
        """Some of a side's doubts, the oldest first, beyond a position; none that this very run has raised."""
        with translated(self._database.path):
            rows = self._database.connection.execute(_DUE, (*after, side, run, limit)).fetchall()
        return [Doubt(since, number, name, Ref(folder, ref), size) for since, number, name, folder, ref, size in rows]

    def any(self, side: str) -> bool:
        """Whether there is one on a side of a message that is still there."""
        with translated(self._database.path):
            return self._database.connection.execute(_ANY, (side,)).fetchone() is not None

    def live(self) -> dict[int, int]:
        """How many there are of messages that are still there, by folder."""
        sql = """SELECT p.folder FROM unverified u CROSS JOIN placement p ON p.id = u.placement
            WHERE p.died IS NULL"""
        counts: dict[int, int] = {}
        with translated(self._database.path):
            for (folder,) in self._database.connection.execute(sql):
                counts[folder] = counts.get(folder, 0) + 1
        return counts
