"""The index takes its turn when everything is durable: of the mailbox, and of all others that wait."""

from pathlib import Path

import pytest

from connectors.errors import Unreachable
from connectors.memory import MemorySource
from replicator.engine.queue import Queue
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress
from tests.shelf import NAME, Shelf


class Jobs:
    """Each mailbox has a source of its own with one connection."""

    def sources(self, name: str) -> tuple[str, ...]:
        return (name,)

    def max_connections(self, source: str) -> int:
        return 1


def test_durable_mailboxes_come_last_and_need_no_connection() -> None:
    queue = Queue(("a", "b", "c"), Jobs())  # type: ignore[arg-type]
    order = []
    first = queue.take()
    assert first is not None
    first.durable = True
    queue.give_back(first)
    while (progress := queue.take()) is not None:
        order.append((progress.report.mailbox, progress.durable))
        progress.complete, progress.durable = progress.durable, True
        queue.give_back(progress)
    assert order == [("b", False), ("c", False), ("a", True), ("b", True), ("c", True)]
    assert not queue


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    made.fill(6)
    return made


def test_while_others_wait_the_index_has_a_step_of_its_own(shelf: Shelf) -> None:
    opened: list[MemorySource] = []

    def source() -> MemorySource:
        opened.append(MemorySource(shelf.server))
        return opened[-1]

    job, progress = MailboxJob(NAME, (shelf.side("primary", source),)), Progress(MailboxReport(NAME))
    with shelf.open() as mailstore:
        shelf.step(mailstore, job, progress, 1000.0)
        assert (progress.durable, progress.complete) == (True, False)
        assert (progress.report.counts.stored, progress.report.indexed.done) == (6, 0)
        assert progress.report.indexed.backlog == 6
        shelf.step(mailstore, job, progress, 1000.0)
    assert progress.complete
    assert (progress.report.indexed.done, progress.report.indexed.backlog) == (6, 0)
    assert len(opened) == 1, "no source is needed for it"


def test_with_nothing_to_index_no_step_is_needed(shelf: Shelf) -> None:
    assert shelf.sync().ok
    progress = Progress(MailboxReport(NAME))
    with shelf.open() as mailstore:
        shelf.step(mailstore, MailboxJob(NAME, (shelf.side("primary"),)), progress, 1000.0)
    assert progress.complete


def test_a_slice_ends_the_index_and_the_next_goes_on(shelf: Shelf) -> None:
    job, progress = MailboxJob(NAME, (shelf.side("primary"),)), Progress(MailboxReport(NAME))
    steps = 0
    with shelf.open() as mailstore:
        while not progress.complete:
            shelf.step(mailstore, job, progress, 6.0 if progress.durable else 1000.0)
            steps += 1
    assert steps > 2
    assert progress.report.indexed.done == 6
    assert shelf.problems() == []


def test_a_dead_source_does_not_keep_the_index_waiting(shelf: Shelf) -> None:
    def dead() -> MemorySource:
        raise Unreachable("no route")

    progress = Progress(MailboxReport(NAME))
    with shelf.open() as mailstore:
        shelf.step(mailstore, MailboxJob(NAME, (shelf.side("primary"),)), progress, 1000.0)
        later = Progress(MailboxReport(NAME))
        shelf.step(mailstore, MailboxJob(NAME, (shelf.side("primary", dead),)), later)
    assert later.report.error is not None
    assert later.report.error.code == "Unreachable"
    assert later.report.indexed.done == 6
