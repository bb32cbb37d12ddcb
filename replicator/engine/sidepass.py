"""One pass over one side of a mailbox: every folder that is covered, then those that have left."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.errors import FolderError, FolderGone, FolderRefused, ReplicationError
from connectors.model import Folder, Role
from connectors.protocols import Source
from replicator.engine.folderpass import FolderPass, Relay, Retry
from replicator.engine.keeping import Intake
from replicator.engine.renaming import follow_renames
from replicator.engine.report import MailboxReport, Trouble
from replicator.engine.rereading import Rereading
from replicator.engine.turns import WEEK, is_due
from replicator.folderpath import join_path
from replicator.mailstore.mailbox.presence import Orphans
from replicator.mailstore.mailbox.store import MailboxStore

log = logging.getLogger(__name__)

Covers = Callable[[tuple[str, ...], Role], bool]
"""Whether the folder with this path and role is to be replicated."""


@dataclass(slots=True)
class SideProgress:
    """How far a side's pass has come: when it began, the folders (ids) that are done, and the errors of some, by path.

    `before` is when the side was last looked at, 0 if never.
    `gone` are those on record of which the source, asked by their ids, says that they were deleted. `settled`: all
    folders are done with. Bodies have been read again up to the `Doubt.position` `reread`; `budget` more bytes may be.
    `error` is what ended the side, and `pause` for how many seconds from then on its server wants to be left alone.
    """

    looked: float
    before: float = 0.0
    done: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    failed: dict[str, Trouble] = field(default_factory=dict)
    settled: bool = False
    complete: bool = False
    reread: tuple[int, int] = (0, 0)
    budget: float = 0.0
    error: Trouble | None = None
    pause: float = 0.0

    def fail(self, error: ReplicationError, where: str) -> None:
        """The side ends here, for now or for good."""
        self.error, self.complete = Trouble.of(error, where), True
        self.pause = (error.retry_after or 0.0) if error.transient else 0.0

    def resume(self) -> None:
        """What ended it has passed: it goes on where it was, and settles its books anew."""
        self.error, self.pause = None, 0.0
        self.settled = self.complete = False


class SidePass:
    """Goes on with a side's pass, until it is complete or `expired`. `full` compares every folder in full.

    Each `period`, in seconds, the ids of a folder are compared, where the source's changes may have gaps.
    """

    def __init__(
        self,
        store: MailboxStore,
        intake: Intake,
        expired: Callable[[], bool],
        relay: Relay,
        *,
        full: bool,
        period: float = WEEK,
    ) -> None:
        self._store = store
        self._intake = intake
        self._expired = expired
        self._relay = relay
        self._full = full
        self._period = period
        self._found: Orphans | None = None

    def run(
        self, side: str, source: Source, covers: Covers, at: SideProgress, report: MailboxReport, retry: Retry
    ) -> None:
        """Moves `at` on, and counts into the report."""
        if not at.settled:
            self._folders(side, source, covers, at, report, retry)
        if at.settled:
            self._reread(side, source, covers, at, report)

    def _folders(
        self, side: str, source: Source, covers: Covers, at: SideProgress, report: MailboxReport, retry: Retry
    ) -> None:
        """All folders, as far as the deadline lets."""
        listed = list(source.folders())
        fit = [folder for folder in listed if covers(folder.path, folder.role)]
        for phase in (self._unlisted(side, listed), listed):
            for folder in self._known_first(side, phase):
                if folder.id in at.done or not (folder.selectable or self._holds(side, folder)):
                    continue
                if not covers(folder.path, folder.role):
                    self._ask(source, folder, at)
                elif not self._folder(side, source, folder, at, report, retry):
                    return
            if phase is not listed:
                follow_renames(source, self._store, side, fit, at.gone)
                self._found = None  # what was renamed is not gone
        left_out = [each.path for each in listed if each.selectable and each not in fit]
        self._end(side, at, left_out, report)

    def _folder(
        self, side: str, source: Source, folder: Folder, at: SideProgress, report: MailboxReport, retry: Retry
    ) -> bool:
        """One folder's pass; false if the deadline came first."""
        one = FolderPass(
            source, self._store, self._intake, self._expired, self._relay, lambda: self._orphans(side, at.gone)
        )
        compare = source.capabilities.gaps and is_due(folder.id, at.before, at.looked, self._period)
        try:
            one.run(side, folder, retry, full=self._full, compare=compare)
        except FolderGone:
            if not folder.selectable:
                at.gone.add(folder.id)
        except FolderError as error:
            path = join_path(folder.path)
            at.failed[path] = Trouble.of(error)
            self._store.troubles.add(side, path, at.failed[path].reason(), at.looked)
            report.folder_errors.append(Trouble.of(error, path))
        finally:
            report.counts.add(one.result.counts)
            report.full_passes += one.result.full_passes
        if one.result.complete:
            at.done.add(folder.id)
            report.folders += folder.id not in at.gone
        return one.result.complete

    def _orphans(self, side: str, gone: set[str]) -> Orphans:
        """What the folders held that are gone: found once for all folders in which it may turn up."""
        if self._found is None:
            self._found = Orphans()
            for row in self._store.folders.all(side):
                if row.died is None and row.ref in gone:
                    self._found |= self._store.orphans(row, ())
        return self._found

    def _reread(self, side: str, source: Source, covers: Covers, at: SideProgress, report: MailboxReport) -> None:
        """Reads some of the bodies again that were matched unread: last, since everything else is more urgent."""
        rereading = Rereading(source, self._store, self._intake, self._expired)
        covered = {row.ref for row in self._store.folders.all(side) if covers(row.path, row.role)}
        try:
            at.reread, at.budget = rereading.run(side, covered, at.reread, at.budget)
        finally:
            report.counts.add(rereading.counts)
        at.complete = at.budget <= 0

    def _unlisted(self, side: str, listed: list[Folder]) -> list[Folder]:
        """Folders on record that the source does not list. Out of sight is not deleted: each is asked for by its id.

        Dovecot, for one, leaves out all that is below a folder which it cannot read.
        """
        missing = self._store.folders.missing(side, {folder.id for folder in listed})
        return [Folder(row.ref, row.path, row.role, selectable=False) for row in missing]

    def _known_first(self, side: str, folders: list[Folder]) -> list[Folder]:
        """Those on record first: they tell whether the server is still the one that it was (`Matching`)."""
        known = {row.ref for row in self._store.folders.all(side) if row.died is None}
        return sorted(folders, key=lambda folder: folder.id not in known)

    def _ask(self, source: Source, folder: Folder, at: SideProgress) -> None:
        """Whether a folder that is on record and no longer covered is still there. A refusal says nothing."""
        if folder.selectable:
            return
        try:
            source.count(folder)
        except FolderGone:
            at.gone.add(folder.id)
        except FolderRefused:
            log.debug("mailbox %s: a folder that is not covered cannot be asked for", self._store.id)

    def _end(self, side: str, at: SideProgress, left_out: list[tuple[str, ...]], report: MailboxReport) -> None:
        for row in self._store.folders.all(side):
            if row.died is None and row.ref in at.gone:
                report.counts.removed += self._store.close_folder(row)
        self._store.note_look(side, at.looked, left_out, complete=not at.failed)
        found = {path: trouble.reason() for path, trouble in at.failed.items()}
        self._store.troubles.settle(side, found, at.looked)
        log.info("mailbox %s, %s: %d folders looked at, %d failed", self._store.id, side, len(at.done), len(found))
        at.settled = True

    def _holds(self, side: str, folder: Folder) -> bool:
        """Whether there is mail on record of a folder that cannot be opened now: then it must not go unsaid."""
        row = self._store.folders.get(side, folder.id)
        return row is not None and row.died is None
