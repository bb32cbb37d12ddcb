"""The catalog in one SQLCipher database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from connectors.errors import StaleLease, StoreError
from replicator.mailstore.catalog import schema
from replicator.mailstore.catalog.model import LOST, Batch, Blob, Mark, Place, Segment, Totals
from replicator.mailstore.catalog.watching import RowWatch
from replicator.mailstore.keys.derivation import expand
from replicator.mailstore.problem import Problem
from replicator.mailstore.sqlcipher import fold_wal, open_database, page_problems, snapshot, transaction, translated

FIND_AT_ONCE = 500
PAGE = 1000


class SqliteCatalog:
    """One connection, for one thread, never across a fork."""

    def __init__(self, path: Path, key: bytes, *, create: bool = False) -> None:
        """Raises Tampered, Locked, StorageFull; StoreError if the file is absent or of another version."""
        self.path = path
        self._connection = open_database(path, key, create=create)
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        with translated(path):
            made = self._check_version(create=create)
            self._watch = RowWatch(self._connection, expand(key, b"catalog digest", 32))
        if made:
            with self._transaction():
                self._connection.execute("INSERT INTO sequence VALUES (1, 0)")

    def close(self) -> None:
        """Closes the connection; more than once does no harm."""
        self._connection.close()

    def fold(self) -> None:
        """Leaves everything in the one file, so that it may be renamed. Raises StorageFull, StoreError."""
        fold_wal(self._connection, self.path)

    def find(self, ids: Iterable[bytes]) -> dict[bytes, Place]:
        """See Catalog."""
        found: dict[bytes, Place] = {}
        rest = iter(ids)
        while some := list(islice(rest, FIND_AT_ONCE)):
            marks = ",".join("?" * len(some))
            with translated(self.path):
                rows = self._connection.execute(f"{schema.FIND} ({marks})", some).fetchall()
                found.update((blob_id, self._place(*place)) for blob_id, *place in rows)
        return found

    def record(self, batch: Batch, epoch: int) -> None:
        """See Catalog."""
        with self._transaction():
            self._check_lease(epoch)
            for segment in batch.segments:
                self._connection.execute(schema.GROW_SEGMENT, (segment.length, segment.sealed, segment.name))
            self._connection.executemany(schema.ADD_BLOB, (self._row(blob, epoch) for blob in batch.blobs))
            for blob_id in batch.used:
                if self._connection.execute(schema.USE_BLOB, (epoch, blob_id)).rowcount == 0:
                    raise StaleLease("a blob was collected while this worker relied on it", "run again")
            if batch.mark is not None:
                mark = batch.mark
                self._connection.execute(schema.SET_MARK, (mark.mailbox_id, mark.commits, mark.digest))

    def lease(self, mailbox_id: str) -> int:
        """See Catalog."""
        with self._transaction():
            epoch: int = self._connection.execute(schema.NEXT_EPOCH).fetchone()[0]
            self._connection.execute(schema.SET_LEASE, (mailbox_id, epoch))
        return epoch

    def release(self, mailbox_id: str, epoch: int) -> None:
        """See Catalog."""
        with self._transaction():
            self._connection.execute("DELETE FROM lease WHERE mailbox = ? AND epoch = ?", (mailbox_id, epoch))

    def leases(self) -> dict[str, int]:
        """See Catalog."""
        with translated(self.path):
            return dict(self._connection.execute("SELECT mailbox, epoch FROM lease").fetchall())

    def mark(self, mailbox_id: str) -> Mark | None:
        """See Catalog."""
        with translated(self.path):
            row = self._connection.execute(
                "SELECT mailbox, commits, digest FROM mark WHERE mailbox = ?", (mailbox_id,)
            ).fetchone()
        return None if row is None else Mark(*row)

    def marks(self) -> list[Mark]:
        """See Catalog."""
        with translated(self.path):
            rows = self._connection.execute("SELECT mailbox, commits, digest FROM mark ORDER BY mailbox").fetchall()
        return [Mark(*row) for row in rows]

    def lose_marks(self, mailbox_ids: Iterable[str]) -> None:
        """See Catalog."""
        with self._transaction():
            self._connection.executemany(schema.SET_MARK, ((each, LOST, b"") for each in mailbox_ids))

    def add_segment(self, segment: Segment) -> None:
        """See Catalog."""
        with self._transaction():
            self._connection.execute(schema.ADD_SEGMENT, (segment.name, segment.length, segment.sealed))

    def segments(self) -> list[Segment]:
        """See Catalog."""
        with translated(self.path):
            rows = self._connection.execute("SELECT name, length, sealed FROM segment ORDER BY number").fetchall()
        return [Segment(name, length, bool(sealed)) for name, length, sealed in rows]

    def blobs(self) -> Iterator[Blob]:
        """See Catalog. Pages by id, so that no transaction stays open between two blobs."""
        last = b""
        while True:
            with translated(self.path):
                rows = self._connection.execute(schema.BLOBS_AFTER, (last, PAGE)).fetchall()
                page = [Blob(blob_id, self._place(*place)) for blob_id, *place in rows]
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1].id

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the pages, or with the rows as a whole."""
        yield from (Problem("catalog", what) for what in page_problems(self._connection, self.path))
        with snapshot(self._connection, self.path):
            agrees = self._watch.agrees()
        if not agrees:
            yield Problem("catalog", "its rows are not those that were written: a page was replaced or rolled back")

    def totals(self) -> Totals:
        """See Catalog."""
        with translated(self.path):
            (blobs,) = self._connection.execute("SELECT count(*) FROM blob").fetchone()
            (size,) = self._connection.execute("SELECT coalesce(sum(length), 0) FROM segment").fetchone()
        return Totals(blobs, size)

    def restore(self, segment: Segment, blobs: Iterable[tuple[Blob, int]]) -> None:
        """See Catalog."""
        with self._transaction():
            # An upsert would look for every blob of the segment, for the foreign key's sake.
            if not self._connection.execute(
                schema.GROW_SEGMENT, (segment.length, segment.sealed, segment.name)
            ).rowcount:
                self._connection.execute(schema.ADD_SEGMENT, (segment.name, segment.length, segment.sealed))
            self._connection.executemany(schema.ADD_BLOB, (self._row(blob, epoch) for blob, epoch in blobs))

    def raise_epoch(self, floor: int) -> None:
        """See Catalog."""
        with self._transaction():
            self._connection.execute("UPDATE sequence SET epoch = max(epoch, ?)", (floor,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._connection, self.path), self._watch.moving():
            yield

    def _check_version(self, *, create: bool) -> bool:
        """Whether the schema was made just now."""
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and create:
            schema.create_schema(self._connection)
            return True
        if version != schema.VERSION:
            raise StoreError(
                f"{self.path.name} has format {version}, this program knows {schema.VERSION}",
                "use the version of the program that wrote it, or a newer one",
            )
        return False

    def _check_lease(self, epoch: int) -> None:
        if self._connection.execute("SELECT 1 FROM lease WHERE epoch = ?", (epoch,)).fetchone() is None:
            raise StaleLease("another worker was given this mailbox", "nothing is lost: its pass goes on there")

    def _row(self, blob: Blob, epoch: int) -> tuple[bytes, int, int, int, int, int]:
        place = blob.place
        return blob.id, self._number(place.segment), place.offset, place.length, place.plain, epoch

    def _place(self, number: int, offset: int, length: int, plain: int) -> Place:
        name = self._names.get(number)
        if name is None:
            (name,) = self._connection.execute("SELECT name FROM segment WHERE number = ?", (number,)).fetchone()
            self._names[number] = name
        return Place(name, offset, length, plain)

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            (number,) = self._connection.execute("SELECT number FROM segment WHERE name = ?", (name,)).fetchone()
            self._numbers[name] = number
        return number
