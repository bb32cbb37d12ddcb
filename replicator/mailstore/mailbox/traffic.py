"""How much was fetched of a side lately, as the mailbox's history tells: some mail systems allow so much a day."""

from dataclasses import dataclass

from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.sqlcipher import translated

OLD_IN_A_ROW = 1000
"""Versions are numbered as they come, so the new ones are the last; but one may stand for an old placement, such as a
message that left quarantine. After so many old ones in a row nothing new is looked for."""

_FIRST = """
    SELECT v.size, (SELECT min(born) FROM placement WHERE version = v.id),
           (SELECT side FROM (SELECT f.side AS side, min(p.born) FROM placement p JOIN folder f ON f.id = p.folder
                              WHERE p.version = v.id))
    FROM version v ORDER BY v.id DESC
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of new content since a time, and when the first of them was recorded: seconds since the epoch, 0 for none.

    What was fetched and turned out to be held, or was lost with its connection, is not in it.
    """

    bytes: int = 0
    began: float = 0.0


def traffic_since(database: MailboxDatabase, side: str, since: float) -> Traffic:
    """What was recorded from that side since then."""
    before = database.change_at(since)
    with translated(database.path):
        connection = database.connection
        total, oldest, old = 0, None, 0
        for size, born, origin in connection.execute(_FIRST):
            if born is None or born <= before:
                old += 1
                if old >= OLD_IN_A_ROW:
                    break
                continue
            old = 0
            if origin == side:
                total, oldest = total + size, born
        if oldest is None:
            return Traffic()
        (at,) = connection.execute("SELECT at FROM change WHERE n = ?", (oldest,)).fetchone()
        return Traffic(total, at / 1e6)
