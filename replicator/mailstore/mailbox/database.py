"""One mailbox's database: its connection, its commits, and the counter and digest that make a rollback visible."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import StaleLease, StoreError, Tampered
from replicator.mailstore.catalog import Mark
from replicator.mailstore.keys import MailboxKeys
from replicator.mailstore.mailbox import schema
from replicator.mailstore.setdigest import SetDigest
from replicator.mailstore.sqlcipher import Connection, open_database, snapshot, transaction, translated

Clock = Callable[[], float]
"""Seconds since the epoch, as `time.time` gives them."""


@dataclass(slots=True)
class Commit:
    """The transaction under way: its change number, its time (microseconds since the epoch), and what it will move.

    `digest` is over everything that is history, `notes` over what is not (see `note`).
    """

    epoch: int
    change: int
    at: int
    digest: SetDigest
    notes: SetDigest
    sealed: int
    next_version: int
    next_placement: int

    def new_version(self) -> int:
        """An id for a version, never given before."""
        self.next_version += 1
        return self.next_version - 1

    def new_placement(self) -> int:
        """An id for a placement, never given before."""
        self.next_placement += 1
        return self.next_placement - 1


class MailboxDatabase:
    """The only way to this mailbox's rows. One thread only; readers in other threads open their own."""

    def __init__(self, path: Path, keys: MailboxKeys, clock: Clock, *, create: bool = False) -> None:
        self.path = path
        self.keys = keys
        self._clock = clock
        self._epoch = 0
        self.connection: Connection = open_database(path, keys.database, create=create)
        with translated(path):
            version = self.connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and create:
                schema.create_schema(self.connection)
            elif version == 1:
                schema.migrate(self.connection, path)
            elif version != schema.VERSION:
                raise StoreError(
                    f"{path.name} has format {version}, this program knows {schema.VERSION}",
                    "use the version of the program that wrote it, or a newer one",
                )

    def adopt(self, epoch: int) -> None:
        """Makes this the writer: every commit from now on carries the lease's epoch, and an older one is refused."""
        with transaction(self.connection, self.path):
            done = self.connection.execute("UPDATE state SET epoch = ? WHERE epoch < ?", (epoch, epoch))
        if done.rowcount != 1:
            raise StaleLease("a newer lease on this mailbox exists", "let the other run finish")
        self._epoch = epoch

    @contextmanager
    def commit(self, run: str) -> Iterator[Commit]:
        """One change, all or nothing. Raises StaleLease if another worker has taken over since `adopt`."""
        with transaction(self.connection, self.path):
            commit = self._state()
            if commit.epoch != self._epoch:
                raise StaleLease("another worker took this mailbox over", "nothing is lost: it goes on from here")
            commit.change += 1
            # The clock may be set back; the order of changes may not.
            commit.at = max(commit.at + 1, int(self._clock() * 1e6))
            commit.digest.add(("change", commit.change, commit.at, run))
            yield commit
            self.connection.execute(
                """UPDATE state SET commits = ?, at = ?, digest = ?, notes = ?, sealed = ?, next_version = ?,
                    next_placement = ?""",
                (
                    commit.change,
                    commit.at,
                    commit.digest.value(),
                    commit.notes.value(),
                    commit.sealed,
                    commit.next_version,
                    commit.next_placement,
                ),
            )
            self.connection.execute("INSERT INTO change VALUES (?, ?, ?)", (commit.change, commit.at, run))

    @contextmanager
    def note(self) -> Iterator[SetDigest]:
        """A write of times and counts, which are no part of the history and bump no counter; and their own digest.

        Raises StaleLease as `commit` does, where there was an `adopt`.
        """
        with transaction(self.connection, self.path):
            state = self._state()
            if self._epoch and state.epoch != self._epoch:
                raise StaleLease("another worker took this mailbox over", "nothing is lost: it goes on from here")
            notes = state.notes
            yield notes
            self.connection.execute("UPDATE state SET notes = ?", (notes.value(),))

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything read inside is of one moment, whoever writes meanwhile."""
        return snapshot(self.connection, self.path)

    def digests(self) -> tuple[bytes, bytes]:
        """Those of history and notes, as stored; for `verify`."""
        with translated(self.path):
            state = self._state()
        return state.digest.value(), state.notes.value()

    def mark(self) -> Mark:
        """The counter and digest of the last commit, for the catalog to repeat."""
        with translated(self.path):
            state = self._state()
        return Mark(self.keys.id, state.change, state.digest.value())

    def check_mark(self, known: Mark | None) -> None:
        """Raises Tampered if this database is older than, or different from, what the catalog last heard of it."""
        if known is None:
            return
        mine = self.mark()
        if mine.commits < known.commits or (mine.commits == known.commits and mine.digest != known.digest):
            raise Tampered(
                f"mailbox {self.keys.id}: its database was rolled back (commit {mine.commits}, known {known.commits})",
                "restore the newest copy of it; `replicator verify` tells what else is affected",
            )

    def change_at(self, at: float) -> int:
        """The number of the last change at or before a time (seconds since the epoch); 0 before the first."""
        with translated(self.path):
            row = self.connection.execute(
                "SELECT n FROM change WHERE at <= ? ORDER BY n DESC LIMIT 1", (int(at * 1e6),)
            ).fetchone()
        return int(row[0]) if row else 0

    def began(self) -> float | None:
        """When the first change was made, in seconds since the epoch; None before it."""
        with translated(self.path):
            row = self.connection.execute("SELECT at FROM change ORDER BY n LIMIT 1").fetchone()
        return row[0] / 1e6 if row else None

    def epoch(self) -> int:
        """The highest epoch that ever wrote here."""
        with translated(self.path):
            return self._state().epoch

    def again(self) -> "MailboxDatabase":
        """A connection of its own for another thread."""
        return MailboxDatabase(self.path, self.keys, self._clock)

    def close(self) -> None:
        """Ends the connection; the last one folds the WAL into the database."""
        self.connection.close()

    def _state(self) -> Commit:
        row = self.connection.execute(
            "SELECT epoch, commits, at, digest, notes, sealed, next_version, next_placement FROM state"
        ).fetchone()
        if row is None:
            raise Tampered(f"{self.path.name} has lost its state row", "restore it from a backup")
        epoch, commits, at, digest, notes, *rest = row
        key = self.keys.digest
        return Commit(epoch, commits, at, SetDigest(key, digest), SetDigest(key, notes), *rest)
