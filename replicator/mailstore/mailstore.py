"""The mailstore as a whole: keyring, catalog, segments, and a database for each mailbox."""

import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from connectors.errors import ReplicationError, StoreError, Tampered
from replicator.mailstore.blobs import Disk, Segments
from replicator.mailstore.catalog import Batch, SqliteCatalog
from replicator.mailstore.content import Content, ContentReader, ContentWriter
from replicator.mailstore.directory import Directory
from replicator.mailstore.files import locking, storing, sync_folder
from replicator.mailstore.keys import Keyring, MailboxKeys, Root
from replicator.mailstore.lease import leasing
from replicator.mailstore.mailbox.balance import MailboxTotals
from replicator.mailstore.mailbox.database import Clock, MailboxDatabase
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.problem import Problem
from replicator.mailstore.restoring import restore_catalog
from replicator.mailstore.sqlcipher import fold_wal
from replicator.mailstore.verification import Verification

log = logging.getLogger(__name__)

KEEP_OPEN = 16
"""Mailbox databases that stay open; beyond, the one unused for longest is closed. Use at most two at a time."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What all mailboxes hold together. `unique_messages` counts a message once in each mailbox that holds it."""

    messages: int
    unique_messages: int
    bytes: int
    stored_bytes: int


class Mailstore:
    """One open mailstore, for one thread of one process. Closing it closes the mailboxes that it opened."""

    def __init__(self, directory: Directory, keyring: Keyring, clock: Clock, disk: Disk | None = None) -> None:
        self.directory = directory
        self.keyring = keyring
        self._catalog: SqliteCatalog | None = None
        self.segments = Segments(directory.segments, disk)
        self._clock = clock
        self._mailboxes: dict[str, MailboxStore] = {}

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a mailstore at this path."""
        return Directory(path).exists()

    @classmethod
    def create(cls, path: Path, root: Root, clock: Clock = time.time) -> "Mailstore":  # noqa: TID251 - the default clock
        """Makes an empty mailstore under a new master key that `root` opens. Raises StoreError if one is there."""
        directory = Directory(path)
        directory.prepare()
        keyring = Keyring.create(directory.keyring, root)
        SqliteCatalog(directory.catalog, keyring.catalog_key, create=True).close()
        directory.complete()
        return cls(directory, keyring, clock)

    @classmethod
    def open(
        cls,
        path: Path,
        root: Root,
        clock: Clock = time.time,  # noqa: TID251 - the default clock
        disk: Disk | None = None,
        *,
        damaged: bool = False,
    ) -> "Mailstore":
        """Raises NoMailstore, KeyRefused, Tampered, StoreError.

        With `damaged`, a catalog that cannot be opened raises only when it is asked, so that `verify` can report it.
        """
        directory = Directory(path)
        directory.check()
        mailstore = cls(directory, Keyring.open(directory.keyring, root), clock, disk)
        if not damaged:
            mailstore.catalog  # noqa: B018 - opens it
        return mailstore

    def __enter__(self) -> "Mailstore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes everything; more than once does no harm."""
        while self._mailboxes:
            self._mailboxes.popitem()[1].close()
        self.segments.close()
        if self._catalog is not None:
            self._catalog.close()

    @property
    def catalog(self) -> SqliteCatalog:
        """Opened when it is first asked for, and rebuilt before if its file is missing. Raises as `open` does."""
        if self._catalog is None:
            restore_catalog(self.directory, self.keyring)
            self._catalog = SqliteCatalog(self.directory.catalog, self.keyring.catalog_key)
        return self._catalog

    @property
    def key_id(self) -> str:
        """The public name of the master key."""
        return self.keyring.key_id

    def names(self) -> list[str]:
        """The mailboxes held here, sorted by name."""
        return sorted(name for name, mailbox_id in self.keyring.names().items() if self.is_held(mailbox_id))

    def is_held(self, mailbox_id: str) -> bool:
        """Whether anything is kept under an opaque id; now, for another process may be about to.

        Neither file nor mark is what a crash between the keyring's entry and the database leaves: nothing.
        """
        try:
            return self.directory.mailbox(mailbox_id).exists() or self.catalog.mark(mailbox_id) is not None
        except Tampered:
            return True  # without the catalog nobody can tell, so that it has to count as lost

    def mailbox(self, name: str) -> MailboxStore:
        """An open mailbox. Raises StoreError if there is none of that name, Tampered if it was rolled back."""
        keys = self.keyring.mailbox(name)
        if keys is None or not self.is_held(keys.id):
            raise StoreError(f"the mailstore holds no mailbox {name!r}", "`replicator status` lists those it holds")
        return self._mailbox(keys)

    def mailbox_by_id(self, mailbox_id: str) -> MailboxStore:
        """An open mailbox, by the opaque id that begins every placement's and item's id."""
        return self._mailbox(self.keyring.by_id(mailbox_id))

    def ensure_mailbox(self, name: str) -> MailboxStore:
        """The mailbox of that name, made if there is none."""
        keys = self.keyring.mailbox(name) or self.keyring.add(name)
        self._ensure_database(keys)
        return self._mailbox(keys)

    def ensure_mailboxes(self, names: Sequence[str]) -> None:
        """All of these mailboxes, with one write of the keyring for those that there are not."""
        self.keyring.add_all(name for name in names if self.keyring.mailbox(name) is None)
        for name in names:
            keys = self.keyring.mailbox(name)
            assert keys is not None
            self._ensure_database(keys)

    def lease(self, store: MailboxStore, *, wait: bool = False) -> AbstractContextManager[int]:
        """The right to write to a mailbox, as an epoch. Raises Locked if another run has it, unless `wait`."""
        lock = self.directory.lock(store.id)
        return leasing(self.catalog, store.id, lock, above=store.database.epoch, wait=wait)

    @contextmanager
    def writer(self, store: MailboxStore, epoch: int) -> Iterator[ContentWriter]:
        """What seals a mailbox's content under a lease. At the end the catalog learns the mailbox's last commit."""
        keys = store.database.keys
        writer = ContentWriter(self.segments, self.catalog, keys, self.keyring.content_key, epoch)
        try:
            yield writer
            mark = store.mark()
            if mark != self.catalog.mark(store.id):
                writer.sync(mark)
        except ReplicationError:
            self._record_mark(store, epoch)
            raise
        finally:
            writer.close()

    def verify(
        self, names: Sequence[str], read_data: float | None, chance: Callable[[], float] = random.random
    ) -> Iterator[Content | Problem]:
        """Each message that is as it was written, and each thing that is not. Changes nothing.

        `read_data` is the share of messages, in percent, that are decrypted and hashed; with it every record's CRC is
        read too. `chance` gives numbers in [0, 1).
        """
        share = 0.0 if read_data is None else read_data / 100
        return Verification(self, lambda: chance() < share, segments=read_data is not None).run(names)

    def totals(self) -> Totals:
        """Counts over all mailboxes that can be opened, and the bytes on disk."""
        books = [book for name in self.names() if (book := self._totals(name)) is not None]
        return Totals(
            messages=sum(book.messages for book in books),
            unique_messages=sum(book.unique_messages for book in books),
            bytes=sum(book.bytes for book in books),
            stored_bytes=sum(_sizes(self.directory.root)),
        )

    def _totals(self, name: str) -> MailboxTotals | None:
        try:
            return self.mailbox(name).totals()
        except StoreError as error:
            log.warning("a mailbox is left out of the totals: %s", error.code)
            return None

    def _record_mark(self, store: MailboxStore, epoch: int) -> None:
        """After an error: what was committed before it shall not be rolled back unnoticed. The error matters more."""
        try:
            self.catalog.record(Batch(mark=store.mark()), epoch)
        except StoreError as error:
            log.debug("the mark of mailbox %s was not written: %s", store.id, error.code)

    def _ensure_database(self, keys: MailboxKeys) -> None:
        if self.directory.mailbox(keys.id).exists():
            return
        with locking(self.directory.lock(f"{keys.id}.new")):
            # With no commit on record, a database that is missing is one whose making was interrupted.
            if not self.directory.mailbox(keys.id).exists() and self.catalog.mark(keys.id) is None:
                self._make_database(keys)

    def _make_database(self, keys: MailboxKeys) -> None:
        """Under another name first, so that a database is there whole or not at all. Raises StorageFull, StoreError."""
        path = self.directory.mailbox(keys.id)
        unfinished = path.with_suffix(".new")
        with storing(path):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            for leftover in (*path.parent.glob(f"{keys.id}.new*"), *path.parent.glob(f"{keys.id}.db-*")):
                leftover.unlink()
            database = MailboxDatabase(unfinished, keys, self._clock, create=True)
            try:
                fold_wal(database.connection, unfinished)
            finally:
                database.close()
            unfinished.replace(path)
            sync_folder(path.parent)
            sync_folder(path.parent.parent)

    def _mailbox(self, keys: MailboxKeys) -> MailboxStore:
        store = self._mailboxes.pop(keys.id, None)
        if store is None:
            while len(self._mailboxes) >= KEEP_OPEN:
                self._mailboxes.pop(next(iter(self._mailboxes))).close()
            database = MailboxDatabase(self.directory.mailbox(keys.id), keys, self._clock)
            try:
                database.check_mark(self.catalog.mark(keys.id))
            except StoreError:
                database.close()
                raise
            store = MailboxStore(database, self.catalog, ContentReader(self.segments, self.catalog, keys))
        self._mailboxes[keys.id] = store
        return store


def _sizes(root: Path) -> Iterator[int]:
    """Of all files below. One that leaves meanwhile, as a WAL does, counts nothing."""
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    yield entry.stat().st_size
