"""Compares what is on record with the ids that the source lists now, whatever their order, in bounded memory."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from connectors.model import Ref
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import PLACEMENT_COLUMNS, FolderRow, PlacementRow
from replicator.mailstore.sqlcipher import translated

_BATCH = 500
_COMMIT = 1000


@dataclass(frozen=True, slots=True)
class Presence:
    """What an inventory told: how many ids it listed, how many of those have no row, how many rows it closed."""

    listed: int
    unrecorded: int
    closed: int


class PresenceCheck:
    """One bit for each number that the folder ever gave out: a million messages need 125 kB."""

    def __init__(self, database: MailboxDatabase, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def close_absent(self, folder: FolderRow, inventory: Iterable[Ref], run: str) -> Presence:
        """Marks as removed every placement of the folder that the inventory does not list."""
        present = bytearray(folder.next_number // 8 + 1)
        unrecorded = 0
        refs = iter(inventory)
        while batch := [ref.id for ref in islice(refs, _BATCH)]:
            numbers = self._numbers(folder, batch)
            unrecorded += len(batch) - len(numbers)
            for number in numbers:
                present[number >> 3] |= 1 << (number & 7)
        recorded = int.from_bytes(present, "little").bit_count()  # not counted above: an inventory may repeat itself
        closed = 0 if recorded == self.live(folder) else self._close(folder, present, run)
        return Presence(recorded + unrecorded, unrecorded, closed)

    def live(self, folder: FolderRow) -> int:
        """How many messages are on record as there, quarantined and filtered ones included."""
        sql = "SELECT count(*) FROM placement WHERE folder = ? AND died IS NULL"
        with translated(self._database.path):
            return int(self._database.connection.execute(sql, (folder.id,)).fetchone()[0])

    def _numbers(self, folder: FolderRow, refs: list[str]) -> list[int]:
        sql = """SELECT number FROM placement
            WHERE folder = ? AND died IS NULL AND ref IN (SELECT value FROM json_each(?))"""
        with translated(self._database.path):
            return [row[0] for row in self._database.connection.execute(sql, (folder.id, json.dumps(refs)))]

    def _close(self, folder: FolderRow, present: bytearray, run: str) -> int:
        """In commits of bounded size; after a crash between two, the next comparison closes the rest."""
        closed, after = 0, ""
        while rows := list(islice(self._absent(folder, present, after), _COMMIT)):
            with self._database.commit(run) as commit:
                closed += self._recorder.close(commit, rows)
            after = rows[-1].ref
        return closed

    def _absent(self, folder: FolderRow, present: bytearray, after: str) -> Iterator[PlacementRow]:
        sql = f"""SELECT {PLACEMENT_COLUMNS} FROM placement
            WHERE folder = ? AND ref > ? AND died IS NULL ORDER BY folder, ref"""
        with translated(self._database.path):
            for row in self._database.connection.execute(sql, (folder.id, after)):
                placement = PlacementRow(*row)
                if not present[placement.number >> 3] >> (placement.number & 7) & 1:
                    yield placement
