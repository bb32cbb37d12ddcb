"""Keeps a page: its changes, what was fetched for it and its cursor, in one transaction, the commit point of it all."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from connectors.model import Change, Gone, Page, Ref, Seen
from replicator.mailstore.mailbox.answers import Answer, Counts, Held, New
from replicator.mailstore.mailbox.claims import Claims
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.identities import Identities
from replicator.mailstore.mailbox.pagework import PageWork
from replicator.mailstore.mailbox.quarantine import FailureRows
from replicator.mailstore.mailbox.revisions import Revisions
from replicator.mailstore.mailbox.rows import (
    PLACEMENT_COLUMNS,
    QUARANTINED,
    FolderRow,
    PlacementRow,
    encode_flags,
    shared_fact,
    version_fact,
)
from replicator.mailstore.mailbox.unverified import Unverified
from replicator.mailstore.sqlcipher import translated

_BATCH = 500
_INSERT_PLACEMENT = f"INSERT INTO placement ({PLACEMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PLACEMENT_FIELDS = tuple(PlacementRow.__slots__)
_INSERT_VERSION = "INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Recorder:
    """Writes pages into one mailbox's database.

    `begun` are items of which another version is on record than the content that they are known by, which came in the
    same run and is told later.
    """

    def __init__(self, database: MailboxDatabase, folders: Folders, failures: FailureRows) -> None:
        self._database = database
        self._folders = folders
        self.failures = failures
        self.identities = Identities(database)
        self.claims = Claims(database)
        self.unverified = Unverified(database)
        self.revisions = Revisions(database)
        self.begun: dict[bytes, int] = {}

    def on_record(self, folder: FolderRow, refs: Iterable[Ref]) -> dict[str, PlacementRow]:
        """The latest placement of each ref that has one, of any state."""
        sql = f"""SELECT {PLACEMENT_COLUMNS} FROM placement
            WHERE folder = ? AND ref IN (SELECT value FROM json_each(?))"""
        wanted = json.dumps([ref.id for ref in refs])
        latest: dict[str, PlacementRow] = {}
        with translated(self._database.path):
            for row in self._database.connection.execute(sql, (folder.id, wanted)):
                placement = PlacementRow(*row)
                if placement.ref not in latest or latest[placement.ref].id < placement.id:
                    latest[placement.ref] = placement
        return latest

    def placement(self, number: int) -> PlacementRow:
        """One placement by its id."""
        sql = f"SELECT {PLACEMENT_COLUMNS} FROM placement WHERE id = ?"
        with translated(self._database.path):
            return PlacementRow(*self._database.connection.execute(sql, (number,)).fetchone())

    def unknown(self, folder: FolderRow, page: Page) -> list[Ref]:
        """The refs of a page whose bodies have to be fetched.

        Those without a row, or that had left and are back, or that stand for another message now.
        """
        seen = {change.ref: change for change in page.changes if isinstance(change, Seen)}
        known = self.on_record(folder, seen)
        return [ref for ref, each in seen.items() if ref.id not in known or not known[ref.id].stands_for(each)]

    def revised(self, folder: FolderRow, page: Page) -> list[Ref]:
        """The refs of a page that stand for what they stood for, and whose content may be another by now."""
        seen = {each.ref: each for each in page.changes if isinstance(each, Seen) and each.revision}
        if not seen:
            return []
        known = self.on_record(folder, seen)
        rows = {ref: row for ref, each in seen.items() if (row := known.get(ref.id)) and row.stands_for(each)}
        stamps = self.revisions.of(row.id for row in rows.values())
        return [ref for ref, row in rows.items() if stamps.get(row.id) != seen[ref].revision]

    def digest_of(self, version: int) -> bytes:
        """The SHA-256 of a version; empty for none."""
        sql = "SELECT sha256 FROM version WHERE id = ?"
        row = self._database.connection.execute(sql, (version,)).fetchone()
        return bytes(row[0]) if row else b""

    def held(self, digests: Iterable[bytes]) -> dict[bytes, Held]:
        """Those of the contents that this mailbox holds, by their SHA-256: equal bytes are one version."""
        rest = iter(digests)
        found: dict[bytes, Held] = {}
        while batch := list(islice(rest, _BATCH)):
            sql = f"SELECT sha256, id, size FROM version WHERE sha256 IN ({','.join('?' * len(batch))})"
            with translated(self._database.path):
                rows = self._database.connection.execute(sql, batch).fetchall()
            found.update((sha256, Held(version, size)) for sha256, version, size in rows)
        return found

    def record(
        self, folder: FolderRow, page: Page, answers: Mapping[Ref, Answer], run: str, *, full: bool, ending: bool
    ) -> tuple[FolderRow, Counts]:
        """Keeps a page. One that tells nothing new writes nothing, unless its cursor is worth keeping.

        It is at the end of a pass, in a full pass, which may be long, and where a step is `ending`.
        """
        known = self.on_record(folder, (change.ref for change in page.changes))
        moved = (page.last or full or ending) and (page.cursor, full) != (folder.cursor, folder.full)
        if not moved and not any(_tells(change, known.get(change.ref.id), answers) for change in page.changes):
            return folder, Counts()
        with self._database.commit(run) as commit:
            work = PageWork(self, commit, folder, known, answers)
            for change in page.changes:
                work.take(change)
            next_number = work.write()
            new = self._folders.update(commit, folder, cursor=page.cursor, full=full, next_number=next_number)
        self.begun |= work.begun
        return new, work.counts

    def close(self, commit: Commit, rows: Iterable[PlacementRow]) -> int:
        """Marks placements as having left, within a commit. What a quarantined one was quarantined for goes with it."""
        closed = list(rows)
        self._database.connection.executemany(
            "UPDATE placement SET died = ? WHERE id = ?", [(commit.change, row.id) for row in closed]
        )
        for row in closed:
            commit.digest.add(("left", row.id, commit.change))
        self.failures.drop(commit, [row.id for row in closed if row.version == QUARANTINED])
        return len(closed)

    def revise(self, commit: Commit, old: PlacementRow, *, flags: str, version: int) -> PlacementRow:
        """Gives a placement a new condition from this commit on, and keeps the old one as history."""
        new = replace(old, since=commit.change, flags=flags, version=version)
        if old.since != commit.change:
            self._database.connection.execute(
                "INSERT INTO placement_was VALUES (?, ?, ?, ?, ?)",
                (old.id, old.since, commit.change, old.flags, old.version),
            )
            commit.digest.add(new.condition())
        else:  # twice within one commit: the first was never seen by anyone
            commit.digest.replace(old.condition(), new.condition())
        self._database.connection.execute(
            "UPDATE placement SET since = ?, flags = ?, version = ? WHERE id = ?",
            (new.since, new.flags, new.version, new.id),
        )
        return new

    def insert_versions(self, commit: Commit, news: Mapping[int, New]) -> dict[bytes, int]:
        """Writes versions. Each begins an item, unless its kin is on record, or comes with it, or is another's too.

        Returns the items of kin.
        """
        rows = []
        kin = {new.kin for new in news.values() if new.kin}
        items = self.begun | self._items(kin)
        for version, new in news.items():
            content = new.content
            item = items[content.sha256] = items.setdefault(new.kin or content.sha256, version)
            commit.digest.add(version_fact(version, item, content.sha256, content.size))
            commit.sealed += new.sealed + self._count_shared(commit, new.shared)
            fields = (content.sha256, content.size, content.recipe, content.pieces)
            rows.append((version, item, *fields, new.message_id, new.subject, new.heading))
        self._database.connection.executemany(_INSERT_VERSION, rows)
        return {sha256: items[sha256] for sha256 in kin - {new.content.sha256 for new in news.values()}}

    def insert_placements(self, commit: Commit, rows: Iterable[PlacementRow]) -> None:
        """Writes new placements."""
        placements = list(rows)
        for row in placements:
            commit.digest.add_all(row.facts())
        self._database.connection.executemany(
            _INSERT_PLACEMENT, [tuple(getattr(row, name) for name in _PLACEMENT_FIELDS) for row in placements]
        )

    def is_one_item(self, version: int, other: int) -> bool:
        """Whether two versions are one message's."""
        sql = "SELECT count(DISTINCT item) FROM version WHERE id IN (?, ?)"
        return version == other or self._database.connection.execute(sql, (version, other)).fetchone() == (1,)

    def _items(self, kin: Iterable[bytes]) -> dict[bytes, int]:
        """The items of contents, by their SHA-256."""
        execute = self._database.connection.execute
        found = (execute("SELECT sha256, item FROM version WHERE sha256 = ?", (sha256,)).fetchone() for sha256 in kin)
        return dict(row for row in found if row is not None)

    def _count_shared(self, commit: Commit, shared: Iterable[tuple[bytes, int]]) -> int:
        """The bytes of those shared blobs that this mailbox did not refer to before."""
        execute, total = self._database.connection.execute, 0
        for blob, sealed in shared:
            if execute("INSERT INTO shared VALUES (?, ?) ON CONFLICT DO NOTHING", (blob, sealed)).rowcount == 1:
                commit.digest.add(shared_fact(blob, sealed))
                total += sealed
        return total


def _tells(change: Change, row: PlacementRow | None, answers: Mapping[Ref, Answer]) -> bool:
    """Whether a change says anything that is not on record."""
    if isinstance(change, Gone):
        return row is not None and row.died is None
    if change.ref in answers:
        return True
    return row is not None and row.stands_for(change) and encode_flags(change.flags) != row.flags
