"""Which content a side's own ids stand for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from replicator.mailstore.mailbox.answers import Held
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import identity_fact
from replicator.mailstore.sqlcipher import translated

_ON_RECORD = """SELECT p.version, p.arrived, count(u.since), min(u.since) FILTER (WHERE p.died IS NULL)
    FROM placement p CROSS JOIN folder f ON f.id = p.folder LEFT JOIN unverified u ON u.placement = p.id
    WHERE p.version IN (SELECT value FROM json_each(?)) AND f.side = ? GROUP BY p.version, p.arrived"""


@dataclass(slots=True)
class Standing:
    """Of a content on one side: the dates under which it is on record, and whether any of its rows is unverified.

    `since` is the change that raised the oldest doubt of a row that is still there, 0 for none.
    """

    dates: set[datetime] = field(default_factory=set)
    doubted: bool = False
    since: int = 0


class Identities:
    """Learnt from bodies that were read, and from nothing else."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def held(self, side: str, identities: Iterable[str]) -> dict[str, Held]:
        """What those of the identities stand for that are known."""
        wanted = json.dumps([each for each in identities if each])
        if wanted == "[]":
            return {}
        sql = """SELECT i.identity, v.id, v.size FROM identity i CROSS JOIN version v ON v.id = i.version
            WHERE i.side = ? AND i.identity IN (SELECT value FROM json_each(?))"""
        with translated(self._database.path):
            rows = self._database.connection.execute(sql, (side, wanted)).fetchall()
        return {identity: Held(version, size) for identity, version, size in rows}

    def standing(self, side: str, versions: Iterable[int]) -> dict[int, Standing]:
        """How these versions stand on a side; those that have left too."""
        found = {version: Standing() for version in versions}
        with translated(self._database.path):
            for row in self._database.connection.execute(_ON_RECORD, (json.dumps(list(found)), side)):
                version, arrived, doubts, since = row
                standing = found[version]
                standing.dates.add(datetime.fromisoformat(arrived))
                standing.doubted |= doubts > 0
                standing.since = min(filter(None, (standing.since, since)), default=0)
        return found

    def learn(self, commit: Commit, side: str, found: Mapping[str, int]) -> tuple[int, int]:
        """Takes in versions by identity. Says how many identities were known already, and how many of another one."""
        known = self.held(side, found)
        fresh = [(side, identity, version) for identity, version in found.items() if identity not in known]
        for row in fresh:
            commit.digest.add(identity_fact(row))
        self._database.connection.executemany("INSERT INTO identity VALUES (?, ?, ?)", fresh)
        return len(known), sum(found[identity] != held.version for identity, held in known.items())
