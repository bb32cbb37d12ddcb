"""What a mail system said of a message's content, where messages may be edited under their ids."""

import json
from collections.abc import Iterable, Mapping

from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.rows import revision_fact
from replicator.mailstore.sqlcipher import translated


class Revisions:
    """By placement, that of the content on record. One stays with a row that has left."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def of(self, placements: Iterable[int]) -> dict[int, str]:
        """Those of the placements that have one."""
        sql = "SELECT placement, stamp FROM revision WHERE placement IN (SELECT value FROM json_each(?))"
        with translated(self._database.path):
            return dict(self._database.connection.execute(sql, (json.dumps(list(placements)),)).fetchall())

    def put(self, commit: Commit, stamps: Mapping[int, str]) -> None:
        """The present ones; what was known before is history that nobody needs."""
        if not stamps:
            return
        for row in self.of(stamps).items():
            commit.digest.remove(revision_fact(row))
        for row in stamps.items():
            commit.digest.add(revision_fact(row))
        self._database.connection.executemany("INSERT OR REPLACE INTO revision VALUES (?, ?)", stamps.items())
