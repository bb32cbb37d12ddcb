"""How far a side's word can be trusted: its sizes and its identities, by how often they were compared with bytes."""

from enum import StrEnum

from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import claim_fact
from replicator.mailstore.sqlcipher import translated

PROOF = 10
"""So many sizes must have been right, and none wrong, before sizes decide anything."""


class Kind(StrEnum):
    """What is claimed: how large a message is, and that two messages are one content."""

    SIZE = "size"
    IDENTITY = "identity"


class Claims:
    """The comparisons on record, by side and kind. A single wrong one is remembered for good."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def sizes_proven(self, side: str) -> bool:
        """The sizes that this side claims have all been exact, and there were enough of them."""
        checked, wrong = self._counts(side, Kind.SIZE)
        return checked >= PROOF and not wrong

    def identities_trusted(self, side: str) -> bool:
        """No two different contents ever came under one identity of this side."""
        return not self._counts(side, Kind.IDENTITY)[1]

    def add(self, commit: Commit, side: str, kind: Kind, checked: int, wrong: int) -> None:
        """So many more were compared."""
        if not checked:
            return
        old = self._counts(side, kind)
        if old != (0, 0):
            commit.digest.remove(claim_fact((side, kind, *old)))
        row = (side, kind, old[0] + checked, old[1] + wrong)
        commit.digest.add(claim_fact(row))
        self._database.connection.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?)", row)

    def _counts(self, side: str, kind: Kind) -> tuple[int, int]:
        sql = "SELECT checked, wrong FROM claim WHERE side = ? AND kind = ?"
        with translated(self._database.path):
            row = self._database.connection.execute(sql, (side, kind)).fetchone()
        return (row[0], row[1]) if row else (0, 0)
