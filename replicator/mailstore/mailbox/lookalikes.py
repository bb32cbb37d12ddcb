"""Rows on record that a new message may be, by date, size and heading. Bounded, however many share a date."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.presence import Orphans
from replicator.mailstore.sqlcipher import translated

DRAFT = "\\Draft"
"""A draft is changed in place by some servers, so that one with the same header may be another one."""

CROWD = 50_000
"""Where more rows than that have one date, none of them is looked for: all have to be held, and so many take 35 MB."""

_DATED = """SELECT p.folder, p.number, p.id, p.flags, p.arrived, v.id, v.size, v.heading,
        EXISTS (SELECT 1 FROM identity i WHERE i.version = v.id AND i.side = ?)
    FROM placement p CROSS JOIN version v ON v.id = p.version
    WHERE p.folder IN (SELECT value FROM json_each(?)) AND p.died IS NULL
        AND p.arrived IN (SELECT value FROM json_each(?)) LIMIT ?"""
_Row = tuple[int, int, int, str, str, int, int, bytes, int]


@dataclass(slots=True)
class Alike:
    """Rows that agree in all signs. `differ`: not in content, and nothing but the body tells which is which.

    `named`: the side's server has an identity for their content.
    """

    version: int
    named: bool
    differ: bool = False
    orphans: list[tuple[int, int, int]] = field(default_factory=list)
    """Folder, number and placement, in the order of numbers from the end."""


Sign = tuple[str, int, bytes]
"""Date, size and heading."""


class Lookalikes:
    """Of some folders of a side.

    What there is under a page's dates is held for the next page: where many messages have one date, many pages do.
    """

    def __init__(self, database: MailboxDatabase, side: str, folders: Iterable[int], orphans: Orphans) -> None:
        self._database = database
        self._side = side
        self._folders = json.dumps(sorted(folders))
        self._orphans = orphans
        self._dates: set[str] = set()
        self._alikes: dict[Sign, Alike] = {}

    def under(self, dates: set[str]) -> Mapping[Sign, Alike]:
        """What there is under these dates, and no others."""
        if not self._dates <= dates:
            self._alikes = {sign: alike for sign, alike in self._alikes.items() if sign[0] in dates}
        self._read(dates - self._dates)
        self._dates = dates
        return self._alikes

    def _read(self, dates: set[str]) -> None:
        rows = self._rows(dates)
        if len(rows) <= CROWD:
            for row in sorted(rows, reverse=True):
                self._take(row)
        elif len(dates) > 1:
            for date in dates:
                self._read({date})

    def _rows(self, dates: set[str]) -> list[_Row]:
        parameters = (self._side, self._folders, json.dumps(sorted(dates)), CROWD + 1)
        with translated(self._database.path):
            return self._database.connection.execute(_DATED, parameters).fetchall() if dates else []

    def _take(self, row: _Row) -> None:
        folder, number, placement, flags, date, version, size, heading, named = row
        if not heading or DRAFT in json.loads(flags):
            return
        alike = self._alikes.setdefault((date, size, heading), Alike(version, bool(named)))
        alike.differ |= alike.version != version
        if (folder, number) in self._orphans:
            alike.orphans.append((folder, number, placement))
