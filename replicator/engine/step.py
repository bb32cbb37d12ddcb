"""The job: one pass over one mailbox, up to a deadline."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from connectors.errors import FolderError, FolderGone, ReplicationError, Scope, StorageFull
from connectors.model import Folder, Role
from connectors.protocols import Source
from replicator.engine.ahead import read_ahead
from replicator.engine.folderpass import FolderPass, Relay
from replicator.engine.keeping import Advance, Intake
from replicator.engine.reading import Lookup
from replicator.engine.report import MailboxReport, Trouble
from replicator.folderpath import join_path
from replicator.mailstore import Mailstore
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.store import MailboxStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SideJob:
    """One side of a mailbox: where it lies, how to open it (which may raise), which of its folders are covered."""

    name: str
    source: str
    open_source: Callable[[], Source]
    covers: Callable[[tuple[str, ...], Role], bool]


@dataclass(frozen=True, slots=True)
class MailboxJob:
    """One mailbox to bring up to date. `full` compares every folder in full."""

    mailbox: str
    sides: tuple[SideJob, ...]
    full: bool = False
    wait: bool = False


@dataclass(slots=True)
class Progress:
    """How far a pass has come: its report so far, and the folders (side, id) that need no other look in this run.

    `dead_source` names a source that failed as a whole, so that other mailboxes need not find that out again.
    """

    report: MailboxReport
    done: set[tuple[str, str]] = field(default_factory=set)
    complete: bool = False
    dead_source: str = ""


class Engine:
    """Steps over mailboxes. `clock` gives seconds since the epoch, `timer` seconds that never go back.

    `relay` carries what is read to where it is kept: through another thread, unless a test wants one thread only.
    """

    def __init__(
        self,
        mailstore: Mailstore,
        run: str,
        clock: Callable[[], float],
        timer: Callable[[], float],
        advance: Advance,
        relay: Relay = read_ahead,
    ) -> None:
        self._mailstore = mailstore
        self._run = run
        self._clock = clock
        self._timer = timer
        self._advance = advance
        self.relay = relay

    def step(self, job: MailboxJob, progress: Progress, deadline: float) -> None:
        """Goes on with a pass until it is complete, or `timer` has passed `deadline` at the end of a page.

        An error that reaches beyond a folder ends the pass and is in the report; only StorageFull, which would meet
        every other mailbox too, is raised. What was recorded stands in any case.
        """
        started = self._timer()
        try:
            store = self._mailstore.ensure_mailbox(job.mailbox)
            with self._mailstore.lease(store, wait=job.wait) as epoch, self._mailstore.writer(store, epoch) as writer:
                store.begin(self._run, epoch)
                intake = Intake(store, writer, self._advance)
                work = _Work(self, store, intake, job, progress, lambda: self._timer() >= deadline)
                progress.complete = all(work.side(side) for side in job.sides)
                progress.report.unaccepted = store.unaccepted()
        except StorageFull:
            raise
        except ReplicationError as error:
            progress.report.error = Trouble.of(error)
            progress.complete = True
        except Exception as error:
            log.debug("a bug", exc_info=True)
            text = f"{type(error).__name__}: {error}"
            progress.report.error = Trouble(type(error).__name__, text, "a bug: -vv shows where", 1)
            progress.complete = True
        finally:
            progress.report.seconds += self._timer() - started

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    @contextmanager
    def looking_up(self, store: MailboxStore, row: FolderRow) -> Iterator[Lookup]:
        """Tells the thread that reads ahead which messages are not on record."""
        with store.lookup() as unknown:
            yield lambda page: unknown(row, page)


class _Work:
    """One step under way."""

    def __init__(
        self,
        engine: Engine,
        store: MailboxStore,
        intake: Intake,
        job: MailboxJob,
        progress: Progress,
        expired: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._store = store
        self._intake = intake
        self._job = job
        self._progress = progress
        self._report = progress.report
        self._expired = expired

    def side(self, side: SideJob) -> bool:
        """One side; whether it is complete."""
        source = side.open_source()
        try:
            self._connect(side, source)
            looked = self._engine.now()
            listed = list(source.folders())
            covered = [folder for folder in listed if side.covers(folder.path, folder.role)]
            failures = len(self._report.folder_errors)
            if not self._folders(side.name, source, covered):
                return False
            self._close_missing(side.name, listed)
            skipped = [folder.path for folder in listed if not side.covers(folder.path, folder.role)]
            complete = len(self._report.folder_errors) == failures
            self._store.note_look(side.name, looked, skipped, complete=complete)
            return True
        finally:
            source.close()

    def _connect(self, side: SideJob, source: Source) -> None:
        """Opens the session, so that a source that cannot be reached by anyone is told from one that fails later."""
        try:
            source.capabilities  # noqa: B018 - the first use of a Retrying is what opens it
        except ReplicationError as error:
            if error.scope is Scope.SOURCE:
                self._progress.dead_source = side.source
            raise

    def _folders(self, side: str, source: Source, folders: list[Folder]) -> bool:
        todo = [folder for folder in folders if (side, folder.id) not in self._progress.done]
        for folder in todo:
            if not self._folder(side, source, folder):
                return False
            self._progress.done.add((side, folder.id))
            self._report.folders += 1
        return True

    def _folder(self, side: str, source: Source, folder: Folder) -> bool:
        """One folder; whether it is complete. What stops only this folder is reported, and the others go on."""
        folder_pass = FolderPass(source, self._store, self._intake, self._open_lookup, self._expired, self._engine)
        try:
            folder_pass.run(side, folder, full=self._job.full)
        except FolderGone:
            log.info("a folder left while it was replicated; the next pass closes it")
        except FolderError as error:
            self._report.folder_errors.append(Trouble.of(error, join_path(folder.path)))
        finally:
            self._report.counts.add(folder_pass.result.counts)
            self._report.full_passes += folder_pass.result.full_passes
        return folder_pass.result.complete

    def _close_missing(self, side: str, listed: list[Folder]) -> None:
        for row in self._store.folders.missing(side, (folder.id for folder in listed)):
            self._report.counts.removed += self._store.close_folder(row)

    def _open_lookup(self, row: FolderRow) -> AbstractContextManager[Lookup]:
        return self._engine.looking_up(self._store, row)
