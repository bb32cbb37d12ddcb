"""Reads what a mailbox holds, now or at any moment since its first pass."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connectors.model import Ref
from replicator.mailstore.content import Content
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.headers import readable
from replicator.mailstore.mailbox.rows import FILTERED, QUARANTINED
from replicator.mailstore.sqlcipher import translated


class State(StrEnum):
    """What a placement is; QUARANTINED and FILTERED ones are listed by the source and have no bytes here."""

    LIVE = "live"
    REMOVED = "removed"
    QUARANTINED = "quarantined"
    FILTERED = "filtered"


_STATES = {QUARANTINED: State.QUARANTINED, FILTERED: State.FILTERED}


@dataclass(frozen=True, slots=True)
class Listed:
    """A placement as `list` shows it. `content` is None where no bytes could be taken; `reason` says why, if it did.

    `unverified`, today: it was matched after a re-numbering, and its body has not been read again since.
    """

    id: str
    item: str | None
    side: str
    path: tuple[str, ...]
    ref: Ref
    flags: tuple[str, ...]
    internaldate: str
    message_id: str
    subject: str
    origin: str
    state: State
    content: Content | None
    reason: str
    unverified: bool = False


# A condition of the past comes from placement_was, the present one from the placement itself. One row a placement.
_SELECT = """SELECT p.id, p.folder, f.side, f.ref, p.ref, p.arrived, p.died,
        CASE WHEN p.since <= :change THEN p.flags ELSE w.flags END,
        CASE WHEN p.since <= :change THEN p.version ELSE w.version END,
        v.item, v.sha256, v.size, v.recipe, v.pieces, v.message_id, v.subject, e.message, u.since
    FROM placement p
    JOIN folder f ON f.id = p.folder
    LEFT JOIN placement_was w ON p.since > :change AND w.placement = p.id AND w.since <= :change AND w.until > :change
    LEFT JOIN version v ON v.id = CASE WHEN p.since <= :change THEN p.version ELSE w.version END
    LEFT JOIN failure e ON e.placement = p.id
    LEFT JOIN unverified u ON u.placement = p.id
    WHERE p.born <= :change"""
NOW = (1 << 63) - 1


class History:
    """Every placement there has been, with the condition that it had at a change."""

    def __init__(self, database: MailboxDatabase, folders: Folders) -> None:
        self._database = database
        self._folders = folders

    def listing(self, *, side: str | None, state: State | None, change: int = NOW) -> Iterator[Listed]:
        """Placements as of a change, in the order in which they came. None means all sides, all states."""
        for listed in self._select(_SELECT + " ORDER BY p.id", change):
            if side in (None, listed.side) and state in (None, listed.state):
                yield listed

    def placement(self, number: int) -> Listed | None:
        """One placement, as it is now."""
        return next(self._select(_SELECT + " AND p.id = :number", NOW, number), None)

    def placements_of(self, item: int) -> Iterator[Listed]:
        """Every placement of an item, as it is now."""
        return self._select(_SELECT + " AND p.version IN (SELECT id FROM version WHERE item = :number)", NOW, item)

    def contents(self) -> Iterator[Content]:
        """Everything that this mailbox can rebuild, removed messages included."""
        with translated(self._database.path):
            for row in self._database.connection.execute("SELECT sha256, size, recipe, pieces FROM version"):
                yield Content(*row)

    def _select(self, sql: str, change: int, number: int = 0) -> Iterator[Listed]:
        paths = self._folders.paths_at(change)
        with translated(self._database.path):
            for row in self._database.connection.execute(sql, {"change": change, "number": number}):
                yield self._listed(row, paths, change)

    def _listed(self, row: tuple, paths: dict[int, tuple[str, ...]], change: int) -> Listed:  # type: ignore[type-arg]
        number, folder, side, folder_ref, ref, arrived, died, flags, version, item = row[:10]
        content = Content(*row[10:14]) if item is not None else None
        return Listed(
            id=f"{self._database.keys.id}.p{number}",
            item=f"{self._database.keys.id}.i{item}" if item is not None else None,
            side=side,
            path=paths[folder],
            ref=Ref(folder_ref, ref),
            flags=tuple(json.loads(flags)),
            internaldate=arrived,
            message_id=readable(row[14] or b""),
            subject=readable(row[15] or b""),
            origin=side,
            state=State.REMOVED if died is not None and died <= change else _STATES.get(version, State.LIVE),
            content=content,
            reason=row[16] or "",
            unverified=row[17] is not None,
        )
