"""What is held of a folder now, to be compared with what its source has."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.model import Ref
from replicator.mailstore.content import Content
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.sqlcipher import translated

BATCH = 500

_LIVE = """SELECT p.id, p.ref, v.sha256, v.size, v.recipe, v.pieces
    FROM placement p JOIN version v ON v.id = p.version
    WHERE p.folder = ? AND p.died IS NULL AND p.number > ? ORDER BY p.number LIMIT ?"""
_NUMBER = "SELECT number FROM placement WHERE id = ?"
_STANDING = """SELECT ref FROM placement
    WHERE folder = ? AND died IS NULL AND ref IN (SELECT value FROM json_each(?))"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A live placement with bytes; `id` as `list` gives it."""

    id: str
    ref: Ref
    content: Content


class Holdings:
    """One mailbox's live placements, folder by folder, in batches."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def live(self, folder: FolderRow) -> Iterator[list[Holding]]:
        """All with bytes, in the order of their numbers, so many at a time."""
        after = 0
        while True:
            with translated(self._database.path):
                rows = self._database.connection.execute(_LIVE, (folder.id, after, BATCH)).fetchall()
                if not rows:
                    return
                (after,) = self._database.connection.execute(_NUMBER, rows[-1][:1]).fetchone()
            yield [
                Holding(f"{self._database.keys.id}.p{row[0]}", Ref(folder.ref, row[1]), Content(*row[2:]))
                for row in rows
            ]

    def standing(self, folder: FolderRow, refs: Iterable[Ref]) -> set[str]:
        """Those of the ids that have a live row, with bytes or without."""
        wanted = json.dumps([ref.id for ref in refs])
        with translated(self._database.path):
            return {row[0] for row in self._database.connection.execute(_STANDING, (folder.id, wanted))}
