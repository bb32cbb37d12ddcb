"""Checks the index of one mailbox: rows against digest and versions, and fingerprints against content."""

from collections.abc import Iterator

from connectors.errors import Tampered
from reconcile.fingerprint import VERSION as CANONICAL
from reconcile.fingerprint import fingerprint
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.indexrows import FINGERPRINT_COLUMNS, FingerprintRow, IndexState
from replicator.mailstore.mailbox.prints import decode_print, encode_print, join_keys
from replicator.mailstore.mailbox.searchable import WORDS, in_small_chunks
from replicator.mailstore.mailbox.wordseal import WordSeal
from replicator.mailstore.problem import Problem
from replicator.mailstore.setdigest import Fact, SetDigest
from replicator.mailstore.sqlcipher import translated

STRAYS: tuple[tuple[str, str], ...] = (
    (
        "SELECT f.version FROM fingerprint f LEFT JOIN version v ON v.id = f.version WHERE v.id IS NULL",
        "a fingerprint is of no message that is held",
    ),
    (
        """SELECT v.id FROM indexing i CROSS JOIN version v LEFT JOIN fingerprint f ON f.version = v.id
        WHERE v.id <= i.through AND f.version IS NULL""",
        "a message that was indexed has no fingerprint",
    ),
    (
        """SELECT f.version FROM fingerprint f LEFT JOIN fulltext_docsize d ON d.id = f.version
        WHERE f.reason = '' AND d.id IS NULL""",
        "a message that was indexed is not in the full text",
    ),
    (
        "SELECT d.id FROM fulltext_docsize d LEFT JOIN version v ON v.id = d.id WHERE v.id IS NULL",
        "the full text has a message that is not held",
    ),
)
PRINT = """SELECT f.print FROM version v CROSS JOIN fingerprint f ON f.version = v.id
    WHERE v.sha256 = ? AND f.canonical = ? AND f.reason = ''"""
_ALTERED = "the rows of its index are not those that were written: a page was replaced or rolled back"


class IndexCheck:
    """What can be said against the index. FTS5's own rows are checked with the pages. Nothing is changed."""

    def __init__(self, database: MailboxDatabase, reader: ContentReader) -> None:
        self._database = database
        self._reader = reader
        self._where = f"mailbox {database.keys.id}"

    def notes(self) -> Iterator[Fact]:
        """What the digest of the notes has of the index."""
        state = self._state()
        if state is not None:
            yield state.fact()

    def problems(self) -> Iterator[Problem]:
        """Without reading a body."""
        with self._database.snapshot():
            for statement, what in STRAYS:
                for (version,) in self._database.connection.execute(statement):
                    yield Problem(f"{self._where}, version {version}", what)
            if not self._is_as_written():
                yield Problem(self._where, _ALTERED)

    def read(self, content: Content) -> None:
        """Reads a message, and takes its fingerprint anew. Raises Tampered if that is not the one that was kept."""
        with translated(self._database.path):
            row = self._database.connection.execute(PRINT, (content.sha256, CANONICAL)).fetchone()
        chunks = self._reader.read(content)
        if row is None:
            for _ in chunks:
                pass
        elif encode_print(fingerprint(in_small_chunks(chunks))) != row[0]:
            raise Tampered("the fingerprint that was kept of it is not its own", "report it as a bug")

    def _is_as_written(self) -> bool:
        """Whether rows and keys have the digest that they had when they were written, and the keys follow from them."""
        rows, kept, due = (SetDigest(self._database.keys.digest) for _ in range(3))
        state = self._state() or IndexState(CANONICAL, WORDS, 0, bytes(32))
        is_present = state.canonical == CANONICAL  # keys of others are made in a way that is not known here
        rows.add_all(WordSeal(self._database).facts() if state.through else ())
        for row, sha256 in self._rows():
            rows.add(row.fact())
            if row.print and is_present:
                due.add_all(_key_fact(key, row.version) for key in join_keys(decode_print(row.print, sha256)))
        if is_present:
            pairs = self._database.connection.execute("SELECT key, version FROM fingerprint_key")
            kept.add_all(_key_fact(*pair) for pair in pairs)
        return (rows.value(), kept.value()) == (state.digest, due.value())

    def _rows(self) -> Iterator[tuple[FingerprintRow, bytes]]:
        columns = ", ".join(f"f.{name}" for name in FINGERPRINT_COLUMNS.split(", "))
        sql = f"SELECT {columns}, v.sha256 FROM fingerprint f CROSS JOIN version v ON v.id = f.version"
        for *columns_, sha256 in self._database.connection.execute(sql):
            yield FingerprintRow(*columns_), sha256

    def _state(self) -> IndexState | None:
        row = self._database.connection.execute("SELECT canonical, words, through, digest FROM indexing").fetchone()
        return IndexState(*row) if row else None


def _key_fact(key: int, version: int) -> Fact:
    return ("key", key, version)
