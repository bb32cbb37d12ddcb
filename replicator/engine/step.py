"""The job: one pass over one mailbox, for so many seconds."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.errors import ReplicationError, Scope, StorageFull, StoreError
from connectors.protocols import Source
from replicator.engine.ahead import read_ahead
from replicator.engine.folderpass import Relay, Retry
from replicator.engine.keeping import Advance, Intake
from replicator.engine.report import MailboxReport, Trouble
from replicator.engine.sidepass import Covers, SidePass, SideProgress
from replicator.mailstore import Mailstore
from replicator.mailstore.mailbox.quarantine import LONGEST_PAUSE
from replicator.mailstore.mailbox.store import MailboxStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SideJob:
    """One side of a mailbox: where it lies, how to open it (which may raise), which of its folders are covered."""

    name: str
    source: str
    open_source: Callable[[], Source]
    covers: Covers


@dataclass(frozen=True, slots=True)
class MailboxJob:
    """One mailbox to bring up to date. `full` compares every folder in full; `wait` lets another run finish first."""

    mailbox: str
    sides: tuple[SideJob, ...]
    full: bool = False
    wait: bool = False


@dataclass(slots=True)
class Progress:
    """How far a pass has come, from step to step: its report, and each side by its name.

    `dead` are the sources that were found unreachable in this run, for whichever mailbox: they are not tried again.
    """

    report: MailboxReport
    sides: dict[str, SideProgress] = field(default_factory=dict)
    retry: Retry | None = None
    complete: bool = False
    dead: dict[str, ReplicationError] = field(default_factory=dict)


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
        self._relay = relay

    def step(self, job: MailboxJob, progress: Progress, seconds: float) -> None:
        """Goes on with a pass until it is complete, or at the end of a page once so many seconds have gone.

        An error of one side is in the report, and the other side goes on. Only StorageFull, which would meet every
        other mailbox too, is raised. What was recorded stands in any case.
        """
        started = self._timer()
        try:
            with self._writing(job) as (store, intake):
                deadline = self._timer() + seconds
                self._sides(job, progress, store, intake, lambda: self._timer() >= deadline)
                progress.report.unaccepted = store.unaccepted()
        except StorageFull:
            raise
        except ReplicationError as error:
            _stop(progress, Trouble.of(error))
        except Exception as error:  # noqa: BLE001 - one mailbox's bug does not stop the others
            # Not its text, which may hold content.
            log.debug("a bug: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            text = f"unexpected {type(error).__name__}"
            _stop(progress, Trouble(type(error).__name__, text, "a bug: -vv shows where", 1))
        finally:
            progress.report.seconds += self._timer() - started

    @contextmanager
    def _writing(self, job: MailboxJob) -> Iterator[tuple[MailboxStore, Intake]]:
        store = self._mailstore.ensure_mailbox(job.mailbox)
        with self._mailstore.lease(store, wait=job.wait) as epoch, self._mailstore.writer(store, epoch) as writer:
            store.begin(self._run, epoch)
            store.declare_sides([side.name for side in job.sides])
            yield store, Intake(store, writer, self._advance)

    def _sides(
        self, job: MailboxJob, progress: Progress, store: MailboxStore, intake: Intake, expired: Callable[[], bool]
    ) -> None:
        if progress.retry is None:
            due = self._clock() + (LONGEST_PAUSE if job.full else 0)
            progress.retry = Retry(store.due_folders(due), due)
        for side in job.sides:
            at = progress.sides.setdefault(side.name, SideProgress(looked=self._clock()))
            if not at.complete:
                self._side(side, progress, SidePass(store, intake, expired, self._relay, full=job.full))
            if not at.complete:
                return
        progress.complete = True

    def _side(self, side: SideJob, progress: Progress, side_pass: SidePass) -> None:
        """One side. Its source's error ends it, and not the other side."""
        at = progress.sides[side.name]
        assert progress.retry is not None
        try:
            source = _opened(side, progress)
            try:
                side_pass.run(side.name, source, side.covers, at, progress.report, progress.retry)
            finally:
                source.close()
        except StoreError:
            raise
        except ReplicationError as error:
            where = "" if side.name == "primary" else side.name
            progress.report.error = progress.report.error or Trouble.of(error, where)
            at.complete = True


def _opened(side: SideJob, progress: Progress) -> Source:
    """The side's source with its session, so that a source that no one can reach is found out once."""
    if side.source in progress.dead:
        raise progress.dead[side.source]
    try:
        source = side.open_source()
        source.capabilities  # noqa: B018 - the first use of a Retrying is what opens it
    except ReplicationError as error:
        if error.scope is Scope.SOURCE:
            progress.dead[side.source] = error
        raise
    return source


def _stop(progress: Progress, trouble: Trouble) -> None:
    progress.report.error = trouble
    progress.complete = True
