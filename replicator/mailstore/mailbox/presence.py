"""Compares what is on record with the ids that the source lists now, whatever their order, in bounded memory."""

import json
from collections.abc import Iterable, Iterator, Mapping
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


class Orphans:
    """Placements that the source no longer lists by their ids: each has left, or was numbered anew.

    By folder, a bit for each number that is still listed, and the first number that was not given out yet.
    """

    def __init__(self, present: Mapping[int, tuple[bytearray, int]] | None = None) -> None:
        self._present = dict(present or {})

    @property
    def folders(self) -> list[int]:
        """Those that have some."""
        return list(self._present)

    def __bool__(self) -> bool:
        return bool(self._present)

    def __contains__(self, place: tuple[int, int]) -> bool:
        folder, number = place
        present, limit = self._present.get(folder, (b"", 0))
        return number < limit and not present[number >> 3] >> (number & 7) & 1

    def __or__(self, other: "Orphans") -> "Orphans":
        return Orphans(self._present | other._present)

    def take(self, folder: int, number: int) -> None:
        """It was found again, under another id."""
        self._present[folder][0][number >> 3] |= 1 << (number & 7)


class PresenceCheck:
    """One bit for each number that the folder ever gave out: a million messages need 125 kB."""

    def __init__(self, database: MailboxDatabase, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def close_absent(self, folder: FolderRow, inventory: Iterable[Ref], run: str) -> Presence:
        """Marks as removed every placement of the folder that the inventory does not list."""
        present, unrecorded = self._present(folder, inventory)
        recorded = int.from_bytes(present, "little").bit_count()  # not counted above: an inventory may repeat itself
        closed = 0 if recorded == self.live(folder) else self._close(folder, present, run)
        return Presence(recorded + unrecorded, unrecorded, closed)

    def orphans(self, folder: FolderRow, inventory: Iterable[Ref]) -> "Orphans":
        """The live placements that an inventory does not list."""
        live = self.live(folder)
        if not live:
            return Orphans()
        present, _ = self._present(folder, inventory)
        some = int.from_bytes(present, "little").bit_count() < live
        return Orphans({folder.id: (present, folder.next_number)} if some else {})

    def _present(self, folder: FolderRow, inventory: Iterable[Ref]) -> tuple[bytearray, int]:
        """A bit for each number that is listed, and how many ids without a row are."""
        present = bytearray(folder.next_number // 8 + 1)
        unrecorded = 0
        refs = iter(inventory)
        while batch := [ref.id for ref in islice(refs, _BATCH)]:
            numbers = self._numbers(folder, batch)
            unrecorded += len(batch) - len(numbers)
            for number in numbers:
                present[number >> 3] |= 1 << (number & 7)
        return present, unrecorded

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
                self._recorder.failures.pass_on(commit, rows, run)
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
