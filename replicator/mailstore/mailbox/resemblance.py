"""Whether a folder that the source lists is one that is on record under another id: by its messages, never its name."""

import json
from collections.abc import Sequence

from connectors.model import Ref, Seen
from replicator.mailstore.mailbox.claims import Claims
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.sqlcipher import translated

_LIVE = """SELECT p.ref, p.arrived, v.size, v.heading FROM placement p JOIN version v ON v.id = p.version
    WHERE p.folder = ? AND p.died IS NULL AND p.ref IN (SELECT value FROM json_each(?))"""


class Resemblance:
    """Compares ids, dates and sizes. An id has the folder's numbering in it, which is no proof: others may share it."""

    def __init__(self, database: MailboxDatabase, claims: Claims) -> None:
        self._database = database
        self._claims = claims

    def compare(self, folder: FolderRow, listed: Sequence[Seen]) -> list[tuple[Ref, bytes]] | None:
        """Each listed message that is on record here, with its heading; None if one is another message."""
        proven = self._claims.sizes_proven(folder.side)
        seen = {each.ref.id: each for each in listed}
        with translated(self._database.path):
            rows = self._database.connection.execute(_LIVE, (folder.id, json.dumps(list(seen)))).fetchall()
        found: list[tuple[Ref, bytes]] = []
        for ref, arrived, size, heading in rows:
            each = seen[ref]
            if arrived != each.arrived_at.isoformat() or (proven and each.size not in (0, size)):
                return None
            found.append((each.ref, heading))
        return found
