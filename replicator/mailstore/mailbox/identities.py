"""Which content a side's own ids stand for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from replicator.mailstore.mailbox.answers import Held
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import identity_fact
from replicator.mailstore.sqlcipher import translated

_ON_RECORD = """SELECT p.version, p.arrived, EXISTS (SELECT 1 FROM unverified u WHERE u.placement = p.id)
    FROM placement p CROSS JOIN folder f ON f.id = p.folder
    WHERE p.version IN (SELECT value FROM json_each(?)) AND f.side = ?"""


@dataclass(slots=True)
class Standing:
    """Of a content on one side: the dates under which it is on record, and whether any of its rows is unverified."""

    dates: set[datetime] = field(default_factory=set)
    doubted: bool = False


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
                version, arrived, doubted = row
                found[version].dates.add(datetime.fromisoformat(arrived))
                found[version].doubted |= bool(doubted)
        return found

    def learn(self, commit: Commit, side: str, found: Mapping[str, int]) -> tuple[int, int]:
        """Takes in versions by identity. Says how many identities were known already, and how many of another one."""
        known = self.held(side, found)
        fresh = [(side, identity, version) for identity, version in found.items() if identity not in known]
        for row in fresh:
            commit.digest.add(identity_fact(row))
        self._database.connection.executemany("INSERT INTO identity VALUES (?, ?, ?)", fresh)
        return len(known), sum(found[identity] != held.version for identity, held in known.items())
