"""One mailbox of the mailstore: what the engine writes to and the commands read from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from connectors.errors import StoreError
from connectors.model import Folder, Page, Ref, Seen
from reconcile.fingerprint import Fingerprint
from replicator.folderpath import join_path
from replicator.mailstore.catalog import Catalog, Mark
from replicator.mailstore.content import Content, ContentReader
from replicator.mailstore.mailbox.answers import Answer, Counts, Held, Need
from replicator.mailstore.mailbox.balance import Books, MailboxBalance, MailboxTotals
from replicator.mailstore.mailbox.checking import MailboxCheck
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.folders import Folders
from replicator.mailstore.mailbox.headings import fill_headings
from replicator.mailstore.mailbox.history import NOW, History, Listed, State
from replicator.mailstore.mailbox.index import Index
from replicator.mailstore.mailbox.kindred import Kindred
from replicator.mailstore.mailbox.matching import Headers, Matching
from replicator.mailstore.mailbox.presence import Orphans, Presence, PresenceCheck
from replicator.mailstore.mailbox.quarantine import FailureRows, Quarantined
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.resemblance import Resemblance
from replicator.mailstore.mailbox.retrial import Retrial
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.traffic import Traffic, traffic_since
from replicator.mailstore.mailbox.troubles import Troubles
from replicator.mailstore.mailbox.unverified import Doubt
from replicator.mailstore.problem import Problem


class MailboxStore:
    """Reading needs nothing more. Writing needs `begin` with the epoch of a lease, once, and one writer at a time."""

    def __init__(self, database: MailboxDatabase, catalog: Catalog, reader: ContentReader) -> None:
        self.database = database
        self.folders = Folders(database)
        self._failures = FailureRows(database)
        self._recorder = Recorder(database, self.folders, self._failures)
        self._resemblance = Resemblance(database, self._recorder.claims)
        self._retrial = Retrial(database, self._recorder, self._failures)
        self._presence = PresenceCheck(database, self._recorder)
        self._history = History(database, self.folders)
        self._books = Books(database, self.folders)
        self.troubles = Troubles(database)
        self.reader = reader
        self.index = Index(database, reader)
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
    def lookup(self, folder: FolderRow, orphans: Orphans, headers: Headers) -> Iterator[Callable[[Page], Need]]:
        """What of a page has to be fetched: for a thread of its own, with a connection of its own."""
        database = self.database.again()
        try:
            recorder = Recorder(database, Folders(database), FailureRows(database))
            yield Matching(database, recorder, folder, orphans, headers).need
        finally:
            database.close()

    def orphans(self, folder: FolderRow, inventory: Iterable[Ref]) -> Orphans:
        """Messages on record that an inventory does not list, ready to be matched."""
        orphans = self._presence.orphans(folder, inventory)
        if orphans:
            self.fill_headings(folder)
        return orphans

    def fill_headings(self, folder: FolderRow) -> None:
        """Makes sure that the folder's messages can be known again by their headers."""
        fill_headings(self.database, self.reader, folder)

    def resemblance(self, folder: FolderRow, listed: Sequence[Seen]) -> list[tuple[Ref, bytes]] | None:
        """Messages on record in a folder under ids that are listed now: refs and headings. None if one is another."""
        return self._resemblance.compare(folder, listed)

    def rename_folder(self, row: FolderRow, folder: Folder) -> FolderRow:
        """The row goes on under another id of the source's."""
        return self.folders.rename(row, folder, self._run)

    def doubts(self, side: str, after: tuple[int, int]) -> list[Doubt]:
        """Some of the messages whose bodies are to be read again, beyond a position; no doubts that this run raised."""
        return self._recorder.unverified.due(side, self._run, after)

    def reread(self, doubts: Sequence[Doubt], answers: Mapping[Ref, Answer]) -> Counts:
        """Records what reading them again told."""
        return self._retrial.reread(doubts, answers, self._run)

    def kindred(self) -> Kindred:
        """For what comes from a mail system that makes bytes anew."""
        return Kindred(self.database, self.index, self.reader)

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
        """Says which sides this mailbox has. What stood in the way of one that is gone goes with it."""
        for name in self._books.declare_sides(names):
            self.troubles.settle(name, {}, 0)

    def note_look(self, side: str, looked: float, not_covered: Sequence[tuple[str, ...]], *, complete: bool) -> None:
        """Records that the source was looked at, and what of it is not replicated."""
        self._books.note_look(side, looked, [join_path(path) for path in not_covered], complete=complete)

    def looked(self, side: str) -> float:
        """When a side was last looked at, in seconds since the epoch; 0 if never."""
        return self._books.looked(side)

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

    def traffic(self, side: str, since: float) -> Traffic:
        """How many bytes were recorded from a side since a time (seconds since the epoch)."""
        return traffic_since(self.database, side, since)

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

    def search_text(self, match: str) -> Iterator[int]:
        """The versions that an FTS5 query finds, the newest first (see FullText.search)."""
        return self.index.search(match)

    def candidates(self, keys: Iterable[int]) -> frozenset[int]:
        """The versions that share a join key: whoever is the same message is among them, if it is indexed."""
        return self.index.candidates(keys)

    def fingerprint(self, version: int) -> Fingerprint | None:
        """That of a version; None if it has none yet, or failed."""
        return self.index.fingerprint(version)

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
