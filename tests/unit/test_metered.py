"""What is fetched is counted, and where a mail system allows so much a day, no more is fetched."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import Throttled
from connectors.memory import FULL, INBOX, MemoryMailbox, MemorySource
from connectors.metered import Metered
from connectors.model import Message
from connectors.protocols import Source
from connectors.rationed import Rationed
from connectors.testing.suite import SourceSuite
from replicator.engine.allowance import DAY, Allowance
from replicator.mailstore.mailbox.traffic import Traffic
from tests.shelf import NAME, Shelf

ONE = 1000
LIMIT = 10 * ONE


class MeteredMailbox(MemoryMailbox):
    def open(self) -> Rationed:
        metered = Metered(MemorySource(self, page_changes=2))
        return Rationed(metered, lambda: metered.bytes > 1 << 40, lambda: Throttled("never"))


class TestMeteredAndRationed(SourceSuite):
    @pytest.fixture
    def driver(self) -> MeteredMailbox:
        return MeteredMailbox()


def mail(number: int) -> bytes:
    return (b"Subject: %d\r\n\r\n" % number).ljust(ONE, b".")


def test_bytes_are_counted_as_they_come() -> None:
    mailbox = MemoryMailbox()
    for number in range(3):
        mailbox.append(INBOX, mail(number))
    mailbox.append(INBOX, b"x" * 100_000)
    source = Metered(MemorySource(mailbox, stream_over=50_000))
    folder = next(source.folders())
    counted = []
    for answer in source.fetch(source.inventory(folder)):
        assert isinstance(answer, Message)
        if not isinstance(answer.raw, tuple):
            next(iter(answer.raw))
        counted.append(source.bytes)
    assert counted[:3] == [ONE, 2 * ONE, 3 * ONE]
    assert 3 * ONE < counted[3] < 3 * ONE + 100_000, "of a large body, what was read"


@pytest.mark.parametrize(("limit", "earlier", "spent"), [(0, 9**9, False), (5, 4, False), (5, 5, True), (5, 6, True)])
def test_a_limit_is_spent_or_not(limit: int, earlier: int, spent: bool) -> None:
    source = Metered(MemorySource(MemoryMailbox(), replace(FULL, daily_bytes=limit)))
    assert Allowance(source, Traffic(earlier, 1.0)).spent() is spent


def test_it_says_when_some_is_free_again() -> None:
    source = Metered(MemorySource(MemoryMailbox(), replace(FULL, daily_bytes=5)))
    error = Allowance(source, Traffic(5, 1000.0)).error(1000.0 + DAY - 7200)
    assert (type(error), error.retry_after) == (Throttled, 7200.0)
    assert "in 2.0 h" in error.message
    assert Allowance(source, Traffic()).error(50.0).retry_after == DAY


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    for number in range(25):
        shelf.server.append(INBOX, mail(number))
    return shelf


def limited(shelf: Shelf) -> Callable[[], Source]:
    return lambda: MemorySource(shelf.server, replace(FULL, daily_bytes=LIMIT), page_changes=2)


def test_a_mailbox_takes_as_many_days_as_its_limit_wants(shelf: Shelf) -> None:
    """The count holds over runs: it is the mailbox's own history."""
    stored = []
    for _ in range(3):
        report = shelf.sync(source=limited(shelf))
        stored.append(report.counts.stored)
        again = shelf.sync(source=limited(shelf))
        if len(stored) < 3:
            assert report.error is not None
            assert report.error.code == "Throttled"
            assert again.error is not None
            assert again.counts.seen == 0, "a second run in the same day fetched more"
        else:
            assert again.error is None, "nothing is left to be fetched"
        shelf.now += DAY + 1
    assert report.error is None
    assert sum(stored) == 25
    assert all(count <= 10 + 4 for count in stored), "more than the limit and the two pages under way"
    with shelf.open() as mailstore:
        assert len(list(mailstore.mailbox(NAME).listing())) == 25


def test_what_is_done_within_the_limit_is_no_error(shelf: Shelf) -> None:
    wide = lambda: MemorySource(shelf.server, replace(FULL, daily_bytes=26 * ONE), page_changes=30)  # noqa: E731
    assert shelf.sync(source=wide).error is None


def test_a_spent_limit_stops_no_look(shelf: Shelf) -> None:
    """What needs no body goes on, flags and removals; the books balance, and the pass is a whole one."""
    source = lambda: MemorySource(shelf.server, replace(FULL, daily_bytes=20 * ONE), page_changes=4)  # noqa: E731
    shelf.sync(source=lambda: MemorySource(shelf.server))
    shelf.server.set_flags(INBOX, "1", frozenset({"\\Seen"}))
    shelf.server.expunge(INBOX, "25")
    report = shelf.sync(source=source)
    assert report.error is None
    assert (report.counts.flags_changed, report.counts.removed, report.folders) == (1, 1, 1)
    shelf.server.append(INBOX, mail(99))
    report = shelf.sync(source=source)
    assert report.error is not None
    assert (report.error.code, report.counts.seen) == ("Throttled", 0)


def test_the_limit_stops_this_mailbox_between_pages_and_keeps_what_came(shelf: Shelf) -> None:
    report = shelf.sync(source=limited(shelf))
    with shelf.open() as mailstore:
        assert len(list(mailstore.mailbox(NAME).listing())) == report.counts.stored >= 10
        assert mailstore.mailbox(NAME).traffic("primary", shelf.now - DAY).bytes == report.counts.bytes
        assert mailstore.mailbox(NAME).traffic("standby", shelf.now - DAY).bytes == 0
        assert mailstore.mailbox(NAME).traffic("primary", shelf.now + 1).bytes == 0
