"""Checks one mailbox's database: pages, rows against digest, digest against catalog, content against segments."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from connectors.errors import StoreError
from replicator.mailstore.catalog import Catalog
from replicator.mailstore.content import ID, PIECE_REF, Content, ContentReader
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.history import History
from replicator.mailstore.mailbox.indexchecking import IndexCheck
from replicator.mailstore.mailbox.rows import (
    FAILURE_COLUMNS,
    PLACEMENT_COLUMNS,
    TROUBLE_COLUMNS,
    PlacementRow,
    claim_fact,
    condition,
    failure_fact,
    identity_fact,
    revision_fact,
    shared_fact,
    side_fact,
    trouble_fact,
    unverified_fact,
    version_fact,
)
from replicator.mailstore.problem import Problem
from replicator.mailstore.setdigest import Fact, SetDigest
from replicator.mailstore.sqlcipher import page_problems

_BATCH = 200
_PLAIN: tuple[tuple[str, str, Callable[..., Fact]], ...] = (
    ("failure", FAILURE_COLUMNS, failure_fact),
    ("shared", "blob, sealed", lambda row: shared_fact(*row)),
    ("change", "n, at, run", lambda row: ("change", *row)),
    ("identity", "side, identity, version", identity_fact),
    ("claim", "side, kind, checked, wrong", claim_fact),
    ("unverified", "placement, since", unverified_fact),
    ("revision", "placement, stamp", revision_fact),
)


class MailboxCheck:
    """Everything that can be said against one mailbox's database. Nothing is changed."""

    def __init__(self, database: MailboxDatabase, catalog: Catalog, reader: ContentReader) -> None:
        self._database = database
        self._catalog = catalog
        self._index = IndexCheck(database, reader)
        self._folders = Folders(database)
        self._history = History(database, self._folders)
        self._where = f"mailbox {database.keys.id}"

    def structure(self) -> Iterator[Problem]:
        """Pages, rows, and whether every piece of every message has a place. No body is read."""
        for check in (self._pages, self._rows, self._mark, self._places, self._index.problems):
            try:
                yield from check()
            except StoreError as error:
                yield Problem(self._where, error.message)

    def contents(self, wanted: Callable[[], bool]) -> Iterator[Content | Problem]:
        """Every message held, or what is wrong with it; those that `wanted` picks are decrypted and hashed.

        Where they have a fingerprint, that is compared too.
        """
        for content in self._history.contents():
            if not wanted():
                yield content
                continue
            try:
                self._index.read(content)
                yield content
            except StoreError as error:
                yield Problem(f"{self._where}, message {content.sha256.hex()}", error.message)

    def _pages(self) -> Iterator[Problem]:
        for what in page_problems(self._database.connection, self._database.path):
            yield Problem(self._where, what)

    def _rows(self) -> Iterator[Problem]:
        history, notes = SetDigest(self._database.keys.digest), SetDigest(self._database.keys.digest)
        with self._database.snapshot():
            history.add_all(self._facts())
            notes.add_all(self._notes())
            stored = self._database.digests()
        if (history.value(), notes.value()) != stored:
            yield Problem(self._where, "its rows are not those that were written: a page was replaced or rolled back")

    def _mark(self) -> Iterator[Problem]:
        self._database.check_mark(self._catalog.mark(self._database.keys.id))
        yield from ()

    def _places(self) -> Iterator[Problem]:
        contents = self._history.contents()
        while batch := list(islice(contents, _BATCH)):
            wanted = {blob: content for content in batch for blob in _blobs(content)}
            known = self._catalog.find(wanted)
            for blob in wanted.keys() - known.keys():
                message = wanted[blob].sha256.hex()
                yield Problem(f"{self._where}, message {message}", f"blob {blob.hex()} is in no segment")

    def _facts(self) -> Iterator[Fact]:
        execute = self._database.connection.execute
        for folder in self._folders.all():
            yield folder.fact()
        for row in execute("SELECT folder, until, path FROM folder_was"):
            yield ("folder was", *row)
        for version, item, sha256, size in execute("SELECT id, item, sha256, size FROM version"):
            yield version_fact(version, item, sha256, size)
        for row in execute(f"SELECT {PLACEMENT_COLUMNS} FROM placement"):
            yield from PlacementRow(*row).facts()
        for row in execute("SELECT placement, since, flags, version FROM placement_was"):
            yield condition(*row)
        for table, columns, fact in _PLAIN:
            yield from map(fact, execute(f"SELECT {columns} FROM {table}"))

    def _notes(self) -> Iterator[Fact]:
        for folder in self._folders.all():
            yield folder.note()
        for row in self._database.connection.execute("SELECT name, looked, completed, not_covered FROM side"):
            yield side_fact(row)
        yield from map(trouble_fact, self._database.connection.execute(f"SELECT {TROUBLE_COLUMNS} FROM trouble"))
        yield from self._index.notes()


def _blobs(content: Content) -> Iterable[bytes]:
    return (content.pieces[start : start + ID] for start in range(0, len(content.pieces), PIECE_REF))
