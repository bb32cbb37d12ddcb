"""Which mailbox is worked on next: in turn, and within each source's connections."""

from collections import Counter, deque
from collections.abc import Sequence

from connectors.errors import ReplicationError
from replicator.engine.opening import Jobs
from replicator.engine.report import MailboxReport
from replicator.engine.step import Progress


class Queue:
    """The mailboxes of one run. A mailbox that is given out comes back, complete or to wait for another turn."""

    def __init__(self, names: Sequence[str], jobs: Jobs) -> None:
        self._jobs = jobs
        self._waiting = deque(Progress(MailboxReport(name)) for name in names)
        self._busy: Counter[str] = Counter()
        self._used: dict[str, tuple[str, ...]] = {}
        self._dead: dict[str, ReplicationError] = {}
        self._given = 0
        self.reports = {progress.report.mailbox: progress.report for progress in self._waiting}

    def __bool__(self) -> bool:
        """Whether any mailbox is not complete."""
        return bool(self._waiting) or self._given > 0

    @property
    def contended(self) -> bool:
        """Whether some mailbox waits, so that a slice of time has to end."""
        return bool(self._waiting)

    def take(self) -> Progress | None:
        """The first mailbox that waits and whose sources have a connection free; None if there is none now.

        One that is durable, and needs no source, comes after all others.
        """
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
