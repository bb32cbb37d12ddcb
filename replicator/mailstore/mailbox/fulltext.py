"""The words of a mailbox, encrypted as all of its database is: FTS5, by version.

It holds no text, only words and where they stand. A version is found by what it said when it was indexed.
"""

from collections.abc import Iterable, Iterator

from sqlcipher3 import dbapi2

from connectors.errors import StoreError
from reconcile.canonical.prose import prose
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.searchable import Searchable, wordy
from replicator.mailstore.sqlcipher import translated

COLUMNS = ("subject", "sender", "recipient", "cc", "bcc", "names", "body")
_WRITE = f"INSERT INTO fulltext (rowid, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SEARCH = "SELECT rowid FROM fulltext WHERE fulltext MATCH ? ORDER BY rowid DESC"
"""The newest first, which FTS5 gives without sorting."""


def phrase(text: str) -> str:
    """A text as an FTS5 phrase: its words, one after the other, in the form in which they were indexed."""
    return '"' + wordy(prose(text)).replace('"', '""').replace("\0", " ") + '"'


class FullText:
    """The table. Writing belongs into a transaction of the caller's."""

    def __init__(self, database: MailboxDatabase) -> None:
        self._database = database

    def write(self, rows: Iterable[tuple[int, Searchable]]) -> None:
        """Versions that are not in it, with their words."""
        self._database.connection.executemany(
            _WRITE, ((version, *(getattr(words, column) for column in COLUMNS)) for version, words in rows)
        )

    def search(self, match: str) -> Iterator[int]:
        """The versions that an FTS5 query finds, the newest first. Raises StoreError for one that cannot be read.

        The query is made of `phrase`s: `phrase("a b")`, `subject : phrase`, `a AND b`, `a NOT b`, `NEAR(a b, 8)`.
        """
        with translated(self._database.path):
            try:
                rows = self._database.connection.execute(SEARCH, (match,))
                found = rows.fetchone()
            except dbapi2.OperationalError as error:
                if getattr(error, "sqlite_errorname", "") != "SQLITE_ERROR":
                    raise
                # Its own text quotes the query, which no log shall have.
                raise StoreError("the full text query cannot be read", "quote its words") from None
            while found is not None:
                yield found[0]
                found = rows.fetchone()
