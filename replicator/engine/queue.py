"""Which mailbox is worked on next: in turn, within each source's connections, and none whose server wants a pause."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from connectors.errors import ReplicationError
from replicator.engine.opening import Jobs
from replicator.engine.report import MailboxReport
from replicator.engine.step import Progress

LEAST = 60.0
"""Seconds that a mailbox rests if its server named a pause; twice as long each time, since each try costs a session."""


class Queue:
    """The mailboxes of one run. A mailbox that is given out comes back, complete or to wait for another turn.

    One whose server asked for a pause rests. If the run still lasts when that has passed, it gets another turn; no run
    lasts for its sake. `timer` gives seconds that never go back.
    """

    def __init__(self, names: Sequence[str], jobs: Jobs, timer: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._timer = timer
        self._resting: dict[str, tuple[float, Progress]] = {}
        self._rests: Counter[str] = Counter()
        self._waiting = deque(Progress(MailboxReport(name)) for name in names)
        self._busy: Counter[str] = Counter()
        self._used: dict[str, tuple[str, ...]] = {}
        self._dead: dict[str, ReplicationError] = {}
        self._given = 0
        self.reports = {progress.report.mailbox: progress.report for progress in self._waiting}

    def __bool__(self) -> bool:
        """Whether any mailbox is not complete, but for those that rest."""
        self._wake()
        return bool(self._waiting) or self._given > 0

    @property
    def idle(self) -> float | None:
        """In how many seconds one that rests may go on; None if none rests."""
        ends = [end for end, _ in self._resting.values()]
        return max(min(ends) - self._timer(), 0.0) if ends else None

    @property
    def contended(self) -> bool:
        """Whether some mailbox waits, so that a slice of time has to end."""
        return bool(self._waiting)

    def take(self) -> Progress | None:
        """The first mailbox that waits and whose sources have a connection free; None if there is none now.

        One that is durable, and needs no source, comes after all others.
        """
        self._wake()
        for progress in sorted(self._waiting, key=lambda each: each.durable):
            sources = () if progress.durable else self._jobs.sources(progress.report.mailbox)
            if all(self._busy[source] < self._jobs.max_connections(source) for source in sources):
                self._waiting.remove(progress)
                self._busy.update(sources)
                self._used[progress.report.mailbox] = sources
                self._given += 1
                progress.dead = dict(self._dead)
                return progress
        return None

    def give_back(self, progress: Progress) -> None:
        """A mailbox after its step."""
        self._given -= 1
        self._busy.subtract(self._used.pop(progress.report.mailbox))
        self.reports[progress.report.mailbox] = progress.report
        self._dead.update(progress.dead)
        if not progress.complete:
            self._waiting.append(progress)
        elif progress.pause:
            self._rest(progress)

    def _rest(self, progress: Progress) -> None:
        name = progress.report.mailbox
        pause = max(progress.pause, LEAST * 2 ** self._rests[name])
        self._rests[name] += 1
        self._resting[name] = (self._timer() + pause, progress)

    def _wake(self) -> None:
        """Those whose pause has passed get in line again."""
        for name, (end, progress) in list(self._resting.items()):
            if self._timer() >= end:
                del self._resting[name]
                progress.resume()
                self._waiting.append(progress)
