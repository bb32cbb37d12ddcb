"""The mailstore as a whole: keyring, catalog, segments, and a database for each mailbox."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from connectors.errors import StoreError
from replicator.mailstore.blobs import Disk, Segments
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.content import Content, ContentReader, ContentWriter
from replicator.mailstore.directory import Directory
from replicator.mailstore.keys import Keyring, MailboxKeys, Root
from replicator.mailstore.keys.locking import locking
from replicator.mailstore.keys.roots import sync_folder
from replicator.mailstore.lease import leasing
from replicator.mailstore.mailbox.database import Clock, MailboxDatabase
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.problem import Problem
from replicator.mailstore.restoring import restore_catalog
from replicator.mailstore.verification import Verification

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

    def __init__(
        self, directory: Directory, keyring: Keyring, catalog: SqliteCatalog, clock: Clock, disk: Disk | None = None
    ) -> None:
        self.directory = directory
        self.keyring = keyring
        self.catalog = catalog
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
        catalog = SqliteCatalog(directory.catalog, keyring.catalog_key, create=True)
        directory.complete()
        return cls(directory, keyring, catalog, clock)

    @classmethod
    def open(
        cls,
        path: Path,
        root: Root,
        clock: Clock = time.time,  # noqa: TID251 - the default clock
        disk: Disk | None = None,
    ) -> "Mailstore":
        """Raises NoMailstore, KeyRefused, Tampered, StoreError."""
        directory = Directory(path)
        directory.check()
        keyring = Keyring.open(directory.keyring, root)
        restore_catalog(directory.catalog, keyring.catalog_key, directory.segments, directory.lock("catalog"))
        return cls(directory, keyring, SqliteCatalog(directory.catalog, keyring.catalog_key), clock, disk)

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
        self.catalog.close()

    @property
    def key_id(self) -> str:
        """The public name of the master key."""
        return self.keyring.key_id

    def names(self) -> list[str]:
        """The mailboxes held here, sorted by name."""
        return sorted(self.keyring.names())

    def mailbox(self, name: str) -> MailboxStore:
        """An open mailbox. Raises StoreError if there is none of that name, Tampered if it was rolled back."""
        keys = self.keyring.mailbox(name)
        if keys is None:
            raise StoreError(f"the mailstore holds no mailbox {name!r}", "`replicator status` lists those it holds")
        return self._mailbox(keys)

    def mailbox_by_id(self, mailbox_id: str) -> MailboxStore:
        """An open mailbox, by the opaque id that begins every placement's and item's id."""
        return self._mailbox(self.keyring.by_id(mailbox_id))

    def ensure_mailbox(self, name: str) -> MailboxStore:
        """The mailbox of that name, made if there is none."""
        keys = self.keyring.mailbox(name) or self.keyring.add(name)
        with locking(self.directory.lock(f"{keys.id}.new")):
            # With no commit on record, a database that is missing is one whose making was interrupted.
            if not self.directory.mailbox(keys.id).exists() and self.catalog.mark(keys.id) is None:
                self._make_database(keys)
        return self._mailbox(keys)

    def lease(self, store: MailboxStore, *, wait: bool = False) -> AbstractContextManager[int]:
        """The right to write to a mailbox, as an epoch. Raises Locked if another run has it, unless `wait`."""
        lock = self.directory.lock(store.id)
        return leasing(self.catalog, store.id, lock, above=store.database.epoch, wait=wait)

    @contextmanager
    def writer(self, store: MailboxStore, epoch: int) -> Iterator[ContentWriter]:
        """What seals a mailbox's content under a lease. On a clean end the catalog learns the mailbox's last commit."""
        keys = store.database.keys
        writer = ContentWriter(self.segments, self.catalog, keys, self.keyring.content_key, epoch)
        try:
            yield writer
            mark = store.mark()
            if mark != self.catalog.mark(store.id):
                writer.sync(mark)
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
        """Counts over all mailboxes, and the bytes on disk."""
        books = [self.mailbox(name).totals() for name in self.names()]
        return Totals(
            messages=sum(book.messages for book in books),
            unique_messages=sum(book.unique_messages for book in books),
            bytes=sum(book.bytes for book in books),
            stored_bytes=sum(entry.stat().st_size for entry in _files(self.directory.root)),
        )

    def _make_database(self, keys: MailboxKeys) -> None:
        """Under another name first, so that a database is there whole or not at all."""
        path = self.directory.mailbox(keys.id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        for leftover in path.parent.glob(f"{keys.id}.new*"):
            leftover.unlink()
        unfinished = path.with_suffix(".new")
        MailboxDatabase(unfinished, keys, self._clock, create=True).close()
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


def _files(root: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield entry
