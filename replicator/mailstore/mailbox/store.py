"""One mailbox of the mailstore: what the engine writes to and the commands read from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from connectors.errors import StoreError
from connectors.model import Folder, Page, Ref
from replicator.folderpath import join_path
from replicator.mailstore.catalog import Catalog, Mark
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.answers import Answer, Counts, Held
from replicator.mailstore.mailbox.balance import Books, MailboxBalance, MailboxTotals
from replicator.mailstore.mailbox.checking import MailboxCheck
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.history import NOW, History, Listed, State
from replicator.mailstore.mailbox.presence import Presence, PresenceCheck
from replicator.mailstore.mailbox.quarantine import FailureRows, Quarantined
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.retrial import Retrial
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.problem import Problem


class MailboxStore:
    """Reading needs nothing more. Writing needs `begin` with the epoch of a lease, once, and one writer at a time."""

    def __init__(self, database: MailboxDatabase, catalog: Catalog, reader: ContentReader) -> None:
        self.database = database
        self.folders = Folders(database)
        self._failures = FailureRows(database)
        self._recorder = Recorder(database, self.folders, self._failures)
        self._retrial = Retrial(database, self._recorder, self._failures)
        self._presence = PresenceCheck(database, self._recorder)
        self._history = History(database, self.folders)
        self._books = Books(database, self.folders)
        self.reader = reader
        self._check = MailboxCheck(database, catalog, reader)
        self._run = ""

    @property
    def id(self) -> str:
        """The mailbox's opaque id, which says nothing about whose it is."""
        return self.database.keys.id

    # Writing: what a pass does, in this order.

    def begin(self, run: str, epoch: int) -> None:
        """Makes this the writer, under a lease's epoch; `run` is what its changes will be stamped with."""
        self.database.adopt(epoch)
        self._run = run

    def open_folder(self, side: str, folder: Folder) -> FolderRow:
        """The row of a folder that the source lists."""
        return self.folders.open(side, folder, self._run)

    @contextmanager
    def lookup(self) -> Iterator[Callable[[FolderRow, Page], list[Ref]]]:
        """Which messages of a page have to be fetched: for a thread of its own, with a connection of its own."""
        database = self.database.again()
        try:
            yield Recorder(database, Folders(database), FailureRows(database)).unknown
        finally:
            database.close()

    def held(self, digests: Iterable[bytes]) -> dict[bytes, Held]:
        """Those of the contents that this mailbox holds, by their SHA-256."""
        return self._recorder.held(digests)

    def record(
        self, folder: FolderRow, page: Page, answers: Mapping[Ref, Answer], *, full: bool, ending: bool
    ) -> tuple[FolderRow, Counts]:
        """Keeps a page and its cursor in one transaction. Whatever `answers` refers to is durable already."""
        return self._recorder.record(folder, page, answers, self._run, full=full, ending=ending)

    def due_folders(self, now: float) -> set[int]:
        """The folders with quarantined messages that are to be tried again at a time."""
        return self._failures.due_folders(now)

    def due(self, folder: FolderRow, now: float, after: int = 0) -> list[Quarantined]:
        """Some of the quarantined messages that are to be tried again at a time, beyond a placement."""
        return self._failures.due(folder, now, after)

    def retried(self, folder: FolderRow, tried: Sequence[Quarantined], answers: Mapping[str, Answer]) -> Counts:
        """Records how trying again ended."""
        return self._retrial.record(folder, tried, answers, self._run)

    def close_absent(self, folder: FolderRow, inventory: Iterable[Ref]) -> Presence:
        """Marks as removed what the source does not list."""
        return self._presence.close_absent(folder, inventory, self._run)

    def live(self, folder: FolderRow) -> int:
        """How many messages are on record as there, in any state."""
        return self._presence.live(folder)

    def settle(self, folder: FolderRow, stamp: str, source_count: int, listed: int) -> FolderRow:
        """Ends a folder's pass."""
        return self.folders.settle(folder, stamp, source_count, listed, self._run)

    def forget_cursor(self, folder: FolderRow) -> FolderRow:
        """Makes the next pass over the folder a full one."""
        return self.folders.forget_cursor(folder, self._run)

    def close_folder(self, folder: FolderRow) -> int:
        """A folder that the source lists no more: its messages are marked as removed, then itself."""
        closed = self.close_absent(folder, ()).closed
        with self.database.commit(self._run) as commit:
            self.folders.update(commit, folder, died=commit.change, cursor=None, full=True, stamp="")
        return closed

    def declare_sides(self, names: Sequence[str]) -> None:
        """Says which sides this mailbox has."""
        self._books.declare_sides(names)

    def note_look(self, side: str, looked: float, not_covered: Sequence[tuple[str, ...]], *, complete: bool) -> None:
        """Records that the source was looked at, and what of it is not replicated."""
        self._books.note_look(side, looked, [join_path(path) for path in not_covered], complete=complete)

    def mark(self) -> Mark:
        """What the catalog is to repeat of this database."""
        return self.database.mark()

    # Reading.

    def listing(
        self, folder: str | None = None, side: str | None = "primary", state: str = "live", at: float | None = None
    ) -> Iterator[Listed]:
        """Placements, as of a time if one is given (seconds since the epoch), in the order in which they came."""
        wanted = None if state == "all" else State(state)
        change = NOW if at is None else self.database.change_at(at)
        for listed in self._history.listing(side=side, state=wanted, change=change):
            if folder is None or join_path(listed.path) == folder:
                yield listed

    def find(self, number: int) -> Listed | None:
        """A placement by its number within the mailbox."""
        return self._history.placement(number)

    def placements_of(self, item: int) -> list[Listed]:
        """Every placement of an item."""
        return list(self._history.placements_of(item))

    def status(self) -> MailboxBalance:
        """The books of the mailbox."""
        return self._books.balance()

    def unaccepted(self) -> int:
        """Quarantined messages that nobody has accepted as lost."""
        return self._books.unaccepted()

    def totals(self) -> MailboxTotals:
        """Counts for the totals of the mailstore."""
        return self._books.totals()

    def read(self, listed: Listed) -> Iterator[bytes]:
        """The exact bytes of a message. Raises Tampered; StoreError if there are none."""
        if listed.content is None:
            raise StoreError(f"{listed.id} has no bytes here: it is {listed.state}", "`replicator list --state all`")
        return self.reader.read(listed.content)

    def problems(self) -> Iterator[Problem]:
        """Whatever is wrong with the database and its references, without reading a body."""
        return self._check.structure()

    def contents(self, wanted: Callable[[], bool]) -> Iterator[Content | Problem]:
        """Every message held, or what is wrong with it; those that `wanted` picks are decrypted and hashed."""
        return self._check.contents(wanted)

    def close(self) -> None:
        """Closes the database."""
        self.database.close()
