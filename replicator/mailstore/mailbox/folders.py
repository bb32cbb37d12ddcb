"""A mailbox's folders: as they come, are renamed, and go."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from connectors.model import Cursor, Folder
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import FOLDER_COLUMNS, FolderRow, encode_path, folder_row
from replicator.mailstore.sqlcipher import translated

_UPDATE = """UPDATE folder SET ref = :ref, path = :path, role = :role, died = :died, cursor = :cursor, full = :full,
    next_number = :next_number, stamp = :stamp, source_count = :source_count, listed = :listed WHERE id = :id"""
_INSERT = f"""INSERT INTO folder ({FOLDER_COLUMNS}) VALUES (:id, :side, :ref, :path, :role, :born, :died, :cursor,
    :full, :next_number, :stamp, :source_count, :listed)"""


class Folders:
    """The folder rows. A folder that goes keeps its row, and gets it back if the server shows it again."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def all(self, side: str | None = None) -> Iterator[FolderRow]:
        """Every folder there has been, in the order in which they were first seen."""
        sql = f"SELECT {FOLDER_COLUMNS} FROM folder"
        with translated(self._database.path):
            rows = self._database.connection.execute(sql + " ORDER BY id").fetchall()
        return (row for row in map(folder_row, rows) if side in (None, row.side))

    def get(self, side: str, ref: str) -> FolderRow | None:
        """The folder with that id at the source."""
        sql = f"SELECT {FOLDER_COLUMNS} FROM folder WHERE side = ? AND ref = ?"
        with translated(self._database.path):
            row = self._database.connection.execute(sql, (side, ref)).fetchone()
        return folder_row(row) if row else None

    def _by_id(self, number: int) -> FolderRow:
        sql = f"SELECT {FOLDER_COLUMNS} FROM folder WHERE id = ?"
        return folder_row(self._database.connection.execute(sql, (number,)).fetchone())

    def open(self, side: str, folder: Folder, run: str) -> FolderRow:
        """The row of a folder that the source lists now: made, renamed or revived as need be."""
        row = self.get(side, folder.id)
        if row is None:
            return self._insert(side, folder, run)
        if (row.path, row.role, row.died) != (folder.path, folder.role, None):
            return self._revise(row, folder, run)
        return row

    def _insert(self, side: str, folder: Folder, run: str) -> FolderRow:
        with self._database.commit(run) as commit:
            number = self._database.connection.execute("SELECT coalesce(max(id), 0) + 1 FROM folder").fetchone()[0]
            row = FolderRow(number, side, folder.id, folder.path, folder.role, commit.change)
            self._database.connection.execute(_INSERT, _parameters(row))
            commit.digest.add(row.fact())
            commit.notes.add(row.note())
        return row

    def _revise(self, row: FolderRow, folder: Folder, run: str) -> FolderRow:
        with self._database.commit(run) as commit:
            if row.path != folder.path:
                self._database.connection.execute(
                    "INSERT INTO folder_was VALUES (?, ?, ?)", (row.id, commit.change, encode_path(row.path))
                )
                commit.digest.add(("folder was", row.id, commit.change, encode_path(row.path)))
            return self.update(commit, row, path=folder.path, role=folder.role, died=None)

    def rename(self, row: FolderRow, folder: Folder, run: str) -> FolderRow:
        """The row goes on as a folder that the source lists under an id without a live row.

        A row of a folder that once had this id and has left takes the id that is free now.
        """
        with self._database.commit(run) as commit:
            before = self.get(row.side, folder.id)
            if before is not None:
                self.update(commit, before, ref="")
            new = self.update(commit, row, ref=folder.id)
            if before is not None:
                self.update(commit, before, ref=row.ref)
        return new

    def update(self, commit: Commit, row: FolderRow, **changes: object) -> FolderRow:
        """Writes what changed of a folder within a commit, and returns the row as it is then.

        The row is read again: what the caller holds may be older than the last page that was recorded.
        """
        old = self._by_id(row.id)
        new = replace(old, **changes)  # type: ignore[arg-type]
        commit.digest.replace(old.fact(), new.fact())
        commit.notes.replace(old.note(), new.note())
        self._database.connection.execute(_UPDATE, _parameters(new))
        return new

    def settle(self, row: FolderRow, stamp: str, source_count: int, listed: int, run: str) -> FolderRow:
        """Ends a pass: the folder is complete as of `stamp`. What was a full pass is one no more."""
        if row.full:
            with self._database.commit(run) as commit:
                row = self.update(commit, row, full=False)
        if (row.stamp, row.source_count, row.listed) == (stamp, source_count, listed):
            return row
        with self._database.note() as notes:
            old = self._by_id(row.id)
            new = replace(old, stamp=stamp, source_count=source_count, listed=listed)
            notes.replace(old.note(), new.note())
            self._database.connection.execute(_UPDATE, _parameters(new))
        return new

    def forget_cursor(self, row: FolderRow, run: str) -> FolderRow:
        """Makes the next pass a full one, because the cursor is of no use or the books do not balance."""
        with self._database.commit(run) as commit:
            return self.update(commit, row, cursor=None, full=True, stamp="")

    def missing(self, side: str, present: Iterable[str]) -> list[FolderRow]:
        """Folders that are on record as there and that the source no longer lists."""
        listed = set(present)
        return [row for row in self.all(side) if row.died is None and row.ref not in listed]

    def paths_at(self, change: int) -> dict[int, tuple[str, ...]]:
        """What each folder was called at a change."""
        paths = {row.id: row.path for row in self.all()}
        sql = "SELECT folder, path FROM folder_was WHERE until > ? ORDER BY rowid DESC"
        with translated(self._database.path):
            for folder, path in self._database.connection.execute(sql, (change,)):
                paths[folder] = tuple(json.loads(path))
        return paths


def _parameters(row: FolderRow) -> dict[str, object]:
    values = {name: getattr(row, name) for name in FolderRow.__slots__}
    cursor: Cursor | None = row.cursor
    return values | {"path": encode_path(row.path), "role": str(row.role), "full": int(row.full), "cursor": cursor}
