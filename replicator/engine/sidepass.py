"""One pass over one side of a mailbox: every folder that is covered, then those that have left."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.errors import FolderError, FolderGone
from connectors.model import Folder, Role
from connectors.protocols import Source
from replicator.engine.folderpass import FolderPass, Relay, Retry
from replicator.engine.keeping import Intake
from replicator.engine.report import MailboxReport, Trouble
from replicator.folderpath import join_path
from replicator.mailstore.mailbox.store import MailboxStore

log = logging.getLogger(__name__)

Covers = Callable[[tuple[str, ...], Role], bool]
"""Whether the folder with this path and role is to be replicated."""


@dataclass(slots=True)
class SideProgress:
    """How far a side's pass has come: when it began, the folders (ids) that are done, and how many of them failed.

    `gone` are those that the source still names, and of which it says that they were deleted.
    """

    looked: float
    done: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    failed: int = 0
    complete: bool = False


class SidePass:
    """Goes on with a side's pass, until it is complete or `expired`. `full` compares every folder in full."""

    def __init__(
        self, store: MailboxStore, intake: Intake, expired: Callable[[], bool], relay: Relay, *, full: bool
    ) -> None:
        self._store = store
        self._intake = intake
        self._expired = expired
        self._relay = relay
        self._full = full

    def run(
        self, side: str, source: Source, covers: Covers, at: SideProgress, report: MailboxReport, retry: Retry
    ) -> None:
        """Moves `at` on, and counts into the report."""
        listed = list(source.folders())
        covered = [folder for folder in listed if covers(folder.path, folder.role)]
        for folder in covered:
            if folder.id in at.done or not (folder.selectable or self._holds(side, folder)):
                continue
            one = FolderPass(source, self._store, self._intake, self._expired, self._relay)
            try:
                one.run(side, folder, retry, full=self._full)
            except FolderGone:
                if not folder.selectable:
                    at.gone.add(folder.id)
            except FolderError as error:
                at.failed += 1
                report.folder_errors.append(Trouble.of(error, join_path(folder.path)))
            finally:
                report.counts.add(one.result.counts)
                report.full_passes += one.result.full_passes
            if not one.result.complete:
                return
            at.done.add(folder.id)
            report.folders += 1
        self._end(side, at, listed, covered, report)

    def _end(
        self, side: str, at: SideProgress, listed: list[Folder], covered: list[Folder], report: MailboxReport
    ) -> None:
        present = {folder.id for folder in listed} - at.gone
        for row in self._store.folders.missing(side, present):
            report.counts.removed += self._store.close_folder(row)
        left_out = [folder.path for folder in listed if folder.selectable and folder not in covered]
        self._store.note_look(side, at.looked, left_out, complete=not at.failed)
        log.info("mailbox %s, %s: %d folders looked at, %d failed", self._store.id, side, len(at.done), at.failed)
        at.complete = True

    def _holds(self, side: str, folder: Folder) -> bool:
        """Whether there is mail on record of a folder that cannot be opened now: then it must not go unsaid."""
        row = self._store.folders.get(side, folder.id)
        return row is not None and row.died is None
