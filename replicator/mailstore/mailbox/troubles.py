"""What stands in the way of a mailbox's passes: the last error of each side and folder, until a good pass over it."""

from collections.abc import Mapping
from dataclasses import dataclass

from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.rows import TROUBLE_COLUMNS, timestamp, trouble_fact
from replicator.mailstore.setdigest import SetDigest
from replicator.mailstore.sqlcipher import translated

Reason = tuple[str, str, str]
"""An error's code, its message, and what to do next."""

_Row = tuple[str, str, str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class KnownTrouble:
    """One error on record. No `side`: the mailbox as a whole; no `folder`: the side, or the mailbox, as a whole.

    `folder` is as `join_path` gives it. Met in every pass from `since` to `last`, RFC 3339.
    """

    side: str | None
    folder: str | None
    code: str
    message: str
    advice: str
    since: str
    last: str


class Troubles:
    """They are notes, as the times of a side are: they tell how things stand, and are no part of the history."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def add(self, side: str, folder: str, reason: Reason, now: float) -> None:
        """One error (each name empty for "as a whole"), in place of an earlier one; the others stand."""
        with self._database.note() as notes:
            self._replace(notes, side, folder, reason, now)

    def settle(self, side: str, found: Mapping[str, Reason], now: float) -> None:
        """After a pass that came to its end: those of its folders, by their paths, in place of all earlier ones.

        Writes nothing if there were none and are none.
        """
        known = {row[1] for row in self._rows() if row[0] == side}
        if not known and not found:
            return
        with self._database.note() as notes:
            for folder in known - found.keys():
                self._replace(notes, side, folder, None, now)
            for folder, reason in found.items():
                self._replace(notes, side, folder, reason, now)

    def all(self) -> list[KnownTrouble]:
        """Those of the mailbox, then those of its sides and folders."""
        return [
            KnownTrouble(side or None, folder or None, code, message, advice, timestamp(since), timestamp(last))
            for side, folder, code, message, advice, since, last in sorted(self._rows())
        ]

    def _replace(self, notes: SetDigest, side: str, folder: str, reason: Reason | None, now: float) -> None:
        execute = self._database.connection.execute
        at = since = int(now * 1e6)
        old = next((row for row in self._rows() if row[:2] == (side, folder)), None)
        if old is not None:
            since = old[5] if reason is not None and old[2] == reason[0] else at
            execute("DELETE FROM trouble WHERE side = ? AND folder = ?", (side, folder))
            notes.remove(trouble_fact(old))
        if reason is not None:
            new = (side, folder, *reason, since, at)
            execute(f"INSERT INTO trouble ({TROUBLE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", new)
            notes.add(trouble_fact(new))

    def _rows(self) -> list[_Row]:
        with translated(self._database.path):
            return list(self._database.connection.execute(f"SELECT {TROUBLE_COLUMNS} FROM trouble"))
