"""A mailbox whose server asked for a pause is left alone until it has passed, and goes on where it was."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.errors import Disconnected, LoginRefused, ReplicationError, Throttled
from connectors.memory import MemorySource
from connectors.protocols import Source
from connectors.testing.faulty import Fault, Faults, Faulty, Raise
from replicator.engine.queue import LEAST, Queue
from replicator.engine.report import MailboxReport, Trouble
from replicator.engine.sidepass import SideProgress
from replicator.engine.step import MailboxJob, Progress
from replicator.mailstore import Mailstore
from tests.shelf import NAME, Shelf


class Jobs:
    """Mailboxes without a limit on connections."""

    def sources(self, name: str) -> tuple[str, ...]:
        return ("a",)

    def max_connections(self, source: str) -> int:
        return 9


class Line:
    """A queue, and the time of its run."""

    def __init__(self, *names: str) -> None:
        self.now = 0.0
        self.queue = Queue(names, Jobs(), lambda: self.now)  # type: ignore[arg-type]

    def take(self) -> str | None:
        """Who is next; it is at work from then on."""
        progress = self.queue.take()
        if progress is None:
            return None
        self.at_work = progress
        return progress.report.mailbox

    def fail(self, *errors: ReplicationError) -> None:
        """Whoever is at work comes back from another process: each error is what a side of it ended with."""
        progress = self.at_work
        progress.sides = {str(number): SideProgress(0.0) for number in range(len(errors))}
        for side, error in zip(progress.sides.values(), errors, strict=True):
            side.fail(error, "")
        progress.report.error = next(side.error for side in progress.sides.values())
        progress.durable = progress.complete = True
        self.queue.give_back(pickle.loads(pickle.dumps(progress)))


def throttled(seconds: float | None) -> Throttled:
    return Throttled("Graph answers 429", "nothing", seconds)


def test_who_was_told_to_wait_is_not_opened_before_that_and_is_then() -> None:
    line = Line("a", "b", "c")
    assert line.take() == "a"
    line.fail(throttled(200))
    assert line.take() == "b"
    assert (line.take(), line.queue.contended) == ("c", False)
    assert line.take() is None
    assert line.queue.idle == 200
    line.now = 199
    assert (line.take(), line.queue.idle) == (None, 1)
    line.now = 201
    assert line.take() == "a"
    assert (line.at_work.complete, line.at_work.durable, line.queue.idle) == (False, False, None)


def test_no_run_lasts_for_the_sake_of_one_that_waits() -> None:
    line = Line("a")
    line.take()
    line.fail(throttled(200))
    assert not line.queue
    assert line.take() is None
    error = line.queue.reports["a"].error
    assert error is not None
    assert error.code == "Throttled"


def test_a_pause_that_passed_while_the_last_one_was_at_work_is_over() -> None:
    line = Line("a", "b")
    line.take()
    line.fail(throttled(200))
    line.take()
    line.now = 300
    line.at_work.complete = True
    line.queue.give_back(line.at_work)
    assert line.queue
    assert line.take() == "a"


def test_each_pause_is_twice_as_long_at_least() -> None:
    line, waited = Line("a"), []
    for _ in range(4):
        assert line.take() == "a"
        line.fail(throttled(5))
        waited.append(line.queue.idle)
        line.now += waited[-1] or 0
    assert waited == [LEAST, 2 * LEAST, 4 * LEAST, 8 * LEAST]


@pytest.mark.parametrize("error", [throttled(None), Disconnected("cut"), LoginRefused("no", "", 99)], ids=str)
def test_what_names_no_pause_or_does_not_pass_ends_the_mailbox(error: ReplicationError) -> None:
    line = Line("a")
    line.take()
    line.fail(error)
    line.now = 1e6
    assert (bool(line.queue), line.queue.idle) == (False, None)


def test_the_longest_pause_of_its_sides_counts() -> None:
    line = Line("a")
    line.take()
    line.fail(LoginRefused("no"), throttled(90), throttled(400))
    assert line.queue.idle == 400


def test_a_worker_that_died_meanwhile_is_no_pause() -> None:
    line = Line("a")
    line.take()
    side = SideProgress(0.0)
    side.fail(throttled(90), "")
    line.at_work.sides = {"primary": side}
    line.at_work.report.error = Trouble("WorkerDied", "it ended unexpectedly", "run again", 1)
    line.at_work.complete = True
    line.queue.give_back(line.at_work)
    line.now = 1e6
    assert not line.queue


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def faulty(shelf: Shelf, *script: Fault) -> Callable[[], Source]:
    faults = Faults(*script)
    return lambda: Faulty(MemorySource(shelf.server), faults)


def troubles(mailstore: Mailstore) -> list[str]:
    return [each.code for each in mailstore.mailbox(NAME).troubles.all()]


@pytest.mark.parametrize("when", ["in a fetch", "in a listing"])
def test_a_pass_goes_on_where_the_pause_began(shelf: Shelf, when: str) -> None:
    """What it counted, which folders are done: all of it is of one run. The other side's error stays."""
    shelf.server.create_folder(("Archive",))
    shelf.fill(5)
    shelf.fill(3, seed=2, path=("Archive",))
    fault = Raise("fetch", throttled(90), call=2) if when == "in a fetch" else Raise("folders", throttled(90))
    opened: list[str] = []

    def refused() -> Source:
        opened.append("standby")
        raise LoginRefused("bob may not log in", "renew his password")

    job = MailboxJob(NAME, (shelf.side("primary", faulty(shelf, fault)), shelf.side("standby", refused, "dr")))
    progress = Progress(MailboxReport(NAME))
    with shelf.open() as mailstore:
        shelf.step(mailstore, job, progress)
        first = progress.report.error
        assert first is not None
        assert (first.code, progress.pause, progress.complete) == ("Throttled", 90, True)
        assert troubles(mailstore) == ["Throttled", "LoginRefused"]
        progress.resume()
        shelf.step(mailstore, job, progress)
        assert troubles(mailstore) == ["LoginRefused"]
    last = progress.report.error
    assert last is not None
    assert (last.code, last.message, progress.pause) == ("LoginRefused", "standby: bob may not log in", 0)
    assert (progress.report.counts.seen, progress.report.folders, opened) == (8, 2, ["standby"])
    assert len(shelf.held()) == 8


def test_a_pause_while_bodies_are_read_again_is_forgotten_with_its_end(shelf: Shelf) -> None:
    """The books were settled before it: they are once more after it, so that `status` does not tell of it for ever."""
    shelf.fill(2)
    job = MailboxJob(NAME, (shelf.side("primary"),), reread=10)
    progress = Progress(MailboxReport(NAME))
    with shelf.open() as mailstore:
        shelf.step(mailstore, job, progress)
        side = progress.sides["primary"]
        assert side.settled
        side.fail(throttled(70), "")
        assert side.error
        mailstore.mailbox(NAME).troubles.add("primary", "", side.error.reason(), shelf.clock())
        progress.report.error = side.error
        progress.resume()
        shelf.step(mailstore, job, progress)
        assert troubles(mailstore) == []
    assert (progress.report.error, progress.report.counts.seen, progress.report.folders) == (None, 2, 1)
