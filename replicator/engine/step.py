"""The job: one pass over one mailbox, for so many seconds."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.errors import ReplicationError, Scope, StaleLease, StorageFull, StoreError
from connectors.metered import Metered
from connectors.protocols import Delayed, Source
from connectors.rationed import Rationed
from replicator.engine.ahead import read_ahead
from replicator.engine.allowance import DAY, Allowance
from replicator.engine.folderpass import Relay, Retry
from replicator.engine.indexing import Indexing
from replicator.engine.keeping import Advance, Intake
from replicator.engine.report import MailboxReport, Trouble
from replicator.engine.sidepass import Covers, SidePass, SideProgress
from replicator.engine.turns import WEEK
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
    """One mailbox to bring up to date. `full` compares every folder in full; `wait` lets another run finish first.

    `reread` is how many bytes of bodies that were matched unread may be read again on each side; with `full`, all.
    `compare` is after how many seconds the ids of a folder are compared, on a source whose changes may have gaps.
    """

    mailbox: str
    sides: tuple[SideJob, ...]
    full: bool = False
    wait: bool = False
    reread: float = 64_000_000
    compare: float = WEEK


@dataclass(slots=True)
class Progress:
    """How far a pass has come, from step to step: its report, and each side by its name.

    `durable`: every side is done, and what is left is the index, of which what failed before is `tried` again in full
    passes. `dead` are the sources that were found unreachable in this run, for whichever mailbox: they are not tried
    again.
    """

    report: MailboxReport
    sides: dict[str, SideProgress] = field(default_factory=dict)
    retry: Retry | None = None
    durable: bool = False
    tried: bool = False
    complete: bool = False
    dead: dict[str, ReplicationError] = field(default_factory=dict)

    @property
    def pause(self) -> float:
        """For how many seconds, from its last step on, the mailbox is to be left alone; 0 if that would not help."""
        failed = [side for side in self.sides.values() if side.error]
        if not self.complete or self.report.error not in [side.error for side in failed]:
            return 0.0
        return max(side.pause for side in failed)

    def resume(self) -> None:
        """The pause has passed: the sides whose servers asked for it go on."""
        for side in self.sides.values():
            if side.pause:
                side.resume()
        self.durable = self.complete = False


class Engine:
    """Steps over mailboxes. `clock` gives seconds since the epoch, `timer` seconds that never go back.

    `relay` carries what is read to where it is kept: through another thread, unless a test wants one thread only.
    `indexing` is how many seconds all further steps together may spend on the index.
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
        self.indexing = float("inf")

    def step(self, job: MailboxJob, progress: Progress, seconds: float) -> None:
        """Goes on with a pass until it is complete, or at the end of a page once so many seconds have gone.

        The index comes after all that is durable: at once, or where seconds are counted in the step after that.

        An error of one side is in the report, and the other side goes on. Only StorageFull, which would meet every
        other mailbox too, is raised. What was recorded stands in any case.
        """
        started = self._timer()
        try:
            with self._writing(job) as (store, intake):
                deadline = self._timer() + seconds
                in_turn = progress.durable or seconds == float("inf")
                if not progress.durable:
                    self._sides(job, progress, store, intake, lambda: self._timer() >= deadline)
                    progress.report.unaccepted = store.unaccepted()
                if progress.durable:
                    self._index(job, progress, store, intake, deadline if in_turn else 0.0)
        except StorageFull:
            raise
        except Exception as error:  # noqa: BLE001 - one mailbox's bug does not stop the others
            if not isinstance(error, ReplicationError):  # not its text, which may hold content
                log.debug("a bug: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            progress.report.error = _trouble(error)
            progress.complete = True
        finally:
            progress.report.seconds += self._timer() - started

    @contextmanager
    def _writing(self, job: MailboxJob) -> Iterator[tuple[MailboxStore, Intake]]:
        store = self._mailstore.ensure_mailbox(job.mailbox)
        with self._mailstore.lease(store, wait=job.wait) as epoch, self._mailstore.writer(store, epoch) as writer:
            store.begin(self._run, epoch)
            store.declare_sides([side.name for side in job.sides])
            try:
                yield store, Intake(store, writer, self._advance)
                store.troubles.settle("", {}, self._clock())
            except (StorageFull, StaleLease):
                raise
            except Exception as error:
                self._note(store, "", _trouble(error))
                raise

    def _note(self, store: MailboxStore, side: str, trouble: Trouble) -> None:
        """Keeps for `status` what ended a side's pass, or the whole mailbox's."""
        try:
            store.troubles.add(side, "", trouble.reason(), self._clock())
        except StoreError as error:  # the pass has ended with an error already, and that is the one to be reported
            log.info("mailbox %s: its error cannot be kept: %s", store.id, error.code)

    def _sides(
        self, job: MailboxJob, progress: Progress, store: MailboxStore, intake: Intake, expired: Callable[[], bool]
    ) -> None:
        if progress.retry is None:
            due = self._clock() + (LONGEST_PAUSE if job.full else 0)
            progress.retry = Retry(store.due_folders(due), due)
        for side in job.sides:
            budget = float("inf") if job.full else job.reread
            fresh = SideProgress(self._clock(), store.looked(side.name), budget=budget)
            at = progress.sides.setdefault(side.name, fresh)
            if not at.complete:
                one = SidePass(store, intake, expired, self._relay, full=job.full, period=job.compare)
                self._side(side, progress, store, intake, one)
            progress.report.error = next((each.error for each in progress.sides.values() if each.error), None)
            if not at.complete:
                return
        progress.durable = True

    def _index(self, job: MailboxJob, progress: Progress, store: MailboxStore, intake: Intake, deadline: float) -> None:
        """The second stage. Without a turn of its own it only looks whether one is needed."""
        began, counts = self._timer(), progress.report.indexed
        deadline = min(deadline, began + self.indexing)
        indexing = Indexing(store, lambda: self._timer() >= deadline, counts, again=job.full and not progress.tried)
        if not indexing.is_needed():
            progress.complete = True
            return
        intake.sync()
        try:
            progress.tried = indexing.run()
        finally:
            spent = self._timer() - began
            counts.seconds += spent
            self.indexing -= spent
        counts.backlog = indexing.left()
        progress.complete = not counts.backlog or self.indexing <= 0

    def _side(self, side: SideJob, progress: Progress, store: MailboxStore, intake: Intake, one: SidePass) -> None:
        """One side. Its source's error ends it, and not the other side."""
        at = progress.sides[side.name]
        assert progress.retry is not None
        try:
            source = _opened(side, progress)
            try:
                intake.kindred = None if source.capabilities.exact_bytes else store.kindred()
                rationed = self._ration(side, source, store, at)
                one.run(side.name, rationed, side.covers, at, progress.report, progress.retry)
            finally:
                source.close()
                _note_delay(source, progress)
        except StoreError:
            raise
        except ReplicationError as error:
            at.fail(error, "" if side.name == "primary" else side.name)
            self._note(store, side.name, Trouble.of(error))

    def _ration(self, side: SideJob, source: Source, store: MailboxStore, at: SideProgress) -> Source:
        """The source to read through, where its mail system allows so much a day. All is re-read only if asked for."""
        if not source.capabilities.daily_bytes:
            return source
        metered = Metered(source)
        allowance = Allowance(metered, store.traffic(side.name, self._clock() - DAY))
        if allowance.spent():
            at.budget = 0.0
        elif not at.settled and at.budget < float("inf"):
            at.budget = min(at.budget, allowance.for_doubts(self._clock() - store.looked(side.name)))
        return Rationed(metered, allowance.spent, lambda: allowance.error(self._clock()))


def _opened(side: SideJob, progress: Progress) -> Source:
    """The side's source with its session, so that a source that no one can reach is found out once."""
    if side.source in progress.dead:
        raise progress.dead[side.source]
    source: Source | None = None
    try:
        source = side.open_source()
        source.capabilities  # noqa: B018 - the first use of a Retrying is what opens it
    except ReplicationError as error:
        _note_delay(source, progress)
        if error.scope is Scope.SOURCE:
            progress.dead[side.source] = error
        raise
    return source


def _note_delay(source: Source | None, progress: Progress) -> None:
    """How long the mail system kept this pass waiting."""
    if isinstance(source, Delayed):
        progress.report.throttled_seconds += source.throttled_seconds


def _trouble(error: Exception) -> Trouble:
    """Whatever ended a mailbox's pass."""
    if isinstance(error, ReplicationError):
        return Trouble.of(error)
    return Trouble(type(error).__name__, f"unexpected {type(error).__name__}", "a bug: -vv shows where", 1)
