"""The index of one mailbox: a fingerprint and the words of each version, made after the version is durable.

All of it follows from the content, so it is written apart, in batches; docs/format.md has it under "Index".
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.errors import ReplicationError, Tampered
from reconcile.fingerprint import VERSION as CANONICAL
from reconcile.fingerprint import Fingerprint
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.fulltext import FullText
from replicator.mailstore.mailbox.indexrows import FINGERPRINT_COLUMNS, FingerprintRow, IndexState
from replicator.mailstore.mailbox.prints import decode_print, encode_print, join_keys, signed
from replicator.mailstore.mailbox.searchable import WORDS, Cut, Searchable, read_searchable
from replicator.mailstore.mailbox.wordseal import WordSeal
from replicator.mailstore.setdigest import SetDigest
from replicator.mailstore.sqlcipher import translated

log = logging.getLogger(__name__)

BACKLOG = """SELECT id, sha256, size, recipe, pieces FROM version WHERE id > ? ORDER BY id LIMIT ?"""
FAILED = """SELECT v.id, v.sha256, v.size, v.recipe, v.pieces
    FROM fingerprint f INDEXED BY fingerprint_failed CROSS JOIN version v ON v.id = f.version
    WHERE f.reason <> '' AND f.version > ? ORDER BY f.version LIMIT ?"""
CANDIDATES = "SELECT k.version FROM json_each(?) w CROSS JOIN fingerprint_key k ON k.key = w.value"
COUNTS = """SELECT (SELECT count(*) FROM version), (SELECT count(*) FROM version WHERE id > ?)"""
REASONS = "SELECT reason FROM fingerprint INDEXED BY fingerprint_failed WHERE reason <> ''"
_INSERT = f"INSERT OR REPLACE INTO fingerprint ({FINGERPRINT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A version that is to be indexed."""

    version: int
    content: Content


@dataclass(frozen=True, slots=True)
class Entry:
    """What was found of a version: its row, what it can be joined by, and its words; none of these if it failed."""

    row: FingerprintRow
    keys: tuple[int, ...] = ()
    words: Searchable | None = None

    @property
    def length(self) -> int:
        """Characters that are held until it is written."""
        return len(self.words.body) if self.words else 0


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """Versions that are in the index, those that wait, and those that failed, with the number of each reason."""

    done: int
    backlog: int
    failed: int
    reasons: dict[str, int]


class Index:
    """Reading needs nothing more. Writing needs the mailbox's lease."""

    def __init__(self, database: MailboxDatabase, reader: ContentReader) -> None:
        self._database = database
        self._reader = reader
        self._fulltext = FullText(database)
        self._seal = WordSeal(database)

    def backlog(self, limit: int) -> list[Unindexed]:
        """Some versions that wait, the oldest first."""
        with translated(self._database.path):
            rows = self._database.connection.execute(BACKLOG, (self._state().through, limit)).fetchall()
        return [Unindexed(version, Content(*content)) for version, *content in rows]

    def failed(self, after: int, limit: int) -> list[Unindexed]:
        """Some that failed at the present versions, beyond a version."""
        with translated(self._database.path):
            execute = self._database.connection.execute
            rows = execute(FAILED, (after, limit)).fetchall() if self._state().through else []
        return [Unindexed(version, Content(*content)) for version, *content in rows]

    def read(self, wanted: Unindexed) -> Entry:
        """Reads a version's content. What is wrong with it is in the entry; OSError and StoreError say more than that.

        Nothing that a message holds may end the stage, not even by a bug of ours.
        """
        try:
            content = wanted.content
            found, words = read_searchable(self._reader.read(content), content.size, content.sha256)
            return _entry(wanted.version, found, words)
        except Tampered as error:
            return self._refused(wanted, f"{error.code}: {error.message}")
        except (ReplicationError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - recorded, counted and shown; its text may quote the message
            return self._refused(wanted, f"unexpected {type(error).__name__}")

    def write(self, entries: Sequence[Entry]) -> None:
        """Keeps entries, of a backlog in its order or of what had failed, in one transaction."""
        connection = self._database.connection
        with self._database.note() as notes:
            old = self._stored()
            state = self._state()
            if old is not None and old != state:  # of other versions, which nothing of these can be compared with
                connection.execute("DELETE FROM fingerprint")
                connection.execute("DELETE FROM fingerprint_key")
                self._seal.clear()
            digest = SetDigest(self._database.keys.digest, state.digest)
            for entry in entries:
                if entry.row.version <= state.through:
                    self._forget(entry.row.version, digest)
                digest.add(entry.row.fact())
            connection.executemany(_INSERT, (entry.row.values() for entry in entries))
            keys = sorted((key, entry.row.version) for entry in entries for key in entry.keys)
            connection.executemany("INSERT INTO fingerprint_key VALUES (?, ?)", keys)
            self._fulltext.write((entry.row.version, entry.words) for entry in entries if entry.words)
            self._seal.update(digest, (entry.row.version for entry in entries))
            through = max((state.through, *(entry.row.version for entry in entries)))
            new = IndexState(CANONICAL, WORDS, through, digest.value())
            connection.execute("INSERT OR REPLACE INTO indexing VALUES (1, ?, ?, ?, ?)", new.values())
            if old is not None:
                notes.remove(old.fact())
            notes.add(new.fact())

    def through(self) -> int:
        """The version up to which it goes."""
        return self._state().through

    def counts(self) -> IndexCounts:
        """How far the index is."""
        with self._database.snapshot():
            execute = self._database.connection.execute
            state = self._state()
            held, backlog = execute(COUNTS, (state.through,)).fetchone()
            reasons = Counter(row[0] for row in execute(REASONS)) if state.through else Counter()
        failed = reasons.total()
        return IndexCounts(held - backlog - failed, backlog, failed, dict(reasons))

    def fingerprint(self, version: int) -> Fingerprint | None:
        """That of a version; None if it has none yet, or failed."""
        sql = "SELECT f.print, v.sha256 FROM fingerprint f JOIN version v ON v.id = f.version WHERE f.version = ?"
        with translated(self._database.path):
            row = self._database.connection.execute(sql, (version,)).fetchone()
        return decode_print(*row) if row and row[0] else None

    def candidates(self, keys: Iterable[int]) -> frozenset[int]:
        """The versions that have one of these keys (`Fingerprint.keys`): whoever is the same message is among them."""
        wanted = [signed(key) for key in keys]
        found: set[int] = set()
        with translated(self._database.path):
            for start in range(0, len(wanted), _KEYS_AT_ONCE):
                batch = json.dumps(wanted[start : start + _KEYS_AT_ONCE])
                found.update(row[0] for row in self._database.connection.execute(CANDIDATES, (batch,)))
        return frozenset(found)

    def search(self, match: str) -> Iterator[int]:
        """See FullText.search."""
        return self._fulltext.search(match)

    def _stored(self) -> IndexState | None:
        row = self._database.connection.execute("SELECT canonical, words, through, digest FROM indexing").fetchone()
        return IndexState(*row) if row else None

    def _state(self) -> IndexState:
        """As of the present versions: an index of others is worth nothing."""
        stored = self._stored()
        is_present = stored is not None and (stored.canonical, stored.words) == (CANONICAL, WORDS)
        return stored if stored is not None and is_present else IndexState(CANONICAL, WORDS, 0, bytes(32))

    def _forget(self, version: int, digest: SetDigest) -> None:
        """The row of a version that had failed."""
        sql = f"SELECT {FINGERPRINT_COLUMNS} FROM fingerprint WHERE version = ?"
        row = FingerprintRow(*self._database.connection.execute(sql, (version,)).fetchone())
        assert row.reason, "only what failed is indexed twice"
        digest.remove(row.fact())

    def _refused(self, wanted: Unindexed, reason: str) -> Entry:
        log.warning("mailbox %s: version %d cannot be indexed: %s", self._database.keys.id, wanted.version, reason)
        return Entry(FingerprintRow(wanted.version, CANONICAL, b"", None, 0, Cut.NONE, reason))


def _entry(version: int, found: Fingerprint, words: Searchable) -> Entry:
    heading, body = found.heading, found.body
    row = FingerprintRow(
        version, CANONICAL, encode_print(found), heading.date, body.attachment_count, words.cut.value, ""
    )
    return Entry(row, tuple(join_keys(found)), words)
