"""One pass over one folder: changes, removals, the server's own count."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from connectors.errors import CursorExpired
from connectors.model import Folder, Ref
from connectors.protocols import Heading, Source
from replicator.engine.keeping import Intake, Keeping
from replicator.engine.reading import Reading, Sink
from replicator.mailstore.mailbox.answers import Answer, Counts
from replicator.mailstore.mailbox.presence import Orphans, Presence
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.store import MailboxStore

Relay = Callable[[Callable[[Sink], None], Sink], None]
"""Calls the first with a sink that leads to the second."""


@dataclass(slots=True)
class Retry:
    """The folders whose quarantine is to be tried again in this run, and up to which due time."""

    folders: set[int]
    due: float


@dataclass(slots=True)
class FolderResult:
    """What a pass did. Not `complete`: the deadline came first, and the next step goes on from the cursor."""

    counts: Counts = field(default_factory=Counts)
    full_passes: int = 0
    complete: bool = True


class FolderPass:
    """Replicates one folder. `expired` is asked at the end of each page; `gone` is what folders held that have gone."""

    def __init__(
        self,
        source: Source,
        store: MailboxStore,
        intake: Intake,
        expired: Callable[[], bool],
        relay: Relay,
        gone: Callable[[], Orphans] = Orphans,
    ) -> None:
        self._source = source
        self._store = store
        self._intake = intake
        self._expired = expired
        self._relay = relay
        self._gone = gone
        self.result = FolderResult()

    def run(
        self, side: str, folder: Folder, retry: Retry, *, full: bool = False, compare: bool = False
    ) -> FolderResult:
        """One pass; `compare`: ids are compared whatever the count says. What was recorded stands if it fails.

        Raises what the source raises for more than one message.
        """
        row = self._store.open_folder(side, folder)
        if full and not row.full:
            row = self._store.forget_cursor(row)
        if row.id in retry.folders:
            retry.folders.discard(row.id)
            self._retry_quarantined(row, retry.due)
        if compare or not _unchanged(row, folder):
            row = self._replicate(row, folder, resumed=row.full and row.cursor is not None)
            if self.result.complete:
                self._balance(row, folder, compare=compare and not row.full)
        return self.result

    def _replicate(self, row: FolderRow, folder: Folder, *, resumed: bool = False) -> FolderRow:
        """Changes, then removals; an unusable cursor is answered by a full pass.

        One that is `resumed` ends with a cursor of its start, and the folder's stamp is younger: what changed between
        the two in what had been listed before would stay unseen as long as the stamp stands. So one more delta follows.
        """
        full = row.full or row.cursor is None
        try:
            row = self._read(row, folder, full=full, again=resumed)
        except CursorExpired:
            full = True
            row = self._read(self._store.forget_cursor(row), folder, full=full)
        if self.result.complete and (full or not self._source.capabilities.reports_removals):
            self._close_absent(row, folder)
        return row

    def _read(self, row: FolderRow, folder: Folder, *, full: bool, again: bool = False) -> FolderRow:
        orphans = self._orphans(row, folder) if full else Orphans()
        row = self._pages(row, folder, orphans, full=full)
        return self._pages(row, folder, orphans, full=full) if again and self.result.complete else row

    def _pages(self, row: FolderRow, folder: Folder, orphans: Orphans, *, full: bool) -> FolderRow:
        reading = Reading(self._source, folder, row.cursor, self._expired)
        keeping = Keeping(self._store, self._intake, row, self._expired, full=full)

        def read(sink: Sink) -> None:
            with self._store.lookup(row, orphans, self._headers) as need:
                reading.into(sink, need)

        try:
            self._relay(read, keeping)
        finally:
            self.result.counts.add(keeping.counts)
        self.result.complete = reading.complete
        return keeping.folder

    def _orphans(self, row: FolderRow, folder: Folder) -> Orphans:
        """What is on record and not listed by its ids: of this folder, and of folders that are no more."""
        orphans = self._store.orphans(row, self._source.inventory(folder)) if self._store.live(row) else Orphans()
        return orphans | self._gone()

    def _headers(self, refs: list[Ref]) -> Iterable[tuple[Ref, bytes]]:
        return self._source.headers(refs) if isinstance(self._source, Heading) else ()

    def _balance(self, row: FolderRow, folder: Folder, *, compare: bool) -> None:
        """Asks the server's own count. One more delta answers a difference, then a comparison of ids, then nothing."""
        count = self._source.count(folder)
        listed = self._store.live(row)
        if listed != count or (compare and self._differs(row, folder)):
            row = self._replicate(row, folder)
            presence = self._close_absent(row, folder)
            if presence.unrecorded and self.result.complete:
                row = self._replicate(self._store.forget_cursor(row), folder)
                presence = self._close_absent(row, folder)
            count, listed = self._source.count(folder), presence.listed
        if self.result.complete:
            self.result.full_passes += row.full
            self._store.settle(row, folder.stamp, count, listed)

    def _differs(self, row: FolderRow, folder: Folder) -> bool:
        """Whether other ids are listed than those on record, though there are as many."""
        presence = self._close_absent(row, folder)
        return presence.closed > 0 or presence.unrecorded > 0

    def _close_absent(self, row: FolderRow, folder: Folder) -> Presence:
        presence = self._store.close_absent(row, self._source.inventory(folder))
        self.result.counts.removed += presence.closed
        return presence

    def _retry_quarantined(self, row: FolderRow, now: float) -> None:
        after = 0
        while due := self._store.due(row, now, after):
            answers: dict[str, Answer] = {}
            for answer in self._source.fetch(Ref(row.ref, old.ref) for old in due):
                (kept,) = self._intake.keep((answer,))
                if kept is not None:
                    answers[answer.ref.id] = kept
            self._intake.sync()
            self.result.counts.add(self._store.retried(row, due, answers))
            self._intake.recorded(answers.values())
            after = due[-1].placement


def _unchanged(row: FolderRow, folder: Folder) -> bool:
    """Whether the server's stamp says that nothing happened since the last complete pass."""
    return bool(folder.stamp) and folder.stamp == row.stamp and not row.full and row.cursor is not None
