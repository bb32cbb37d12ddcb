"""Messages that are edited under their ids: the new content is fetched once, and the old one stays in the history."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import ItemUnreadable
from connectors.memory import FULL, INBOX, MemorySource
from connectors.model import Failure, Message, Ref, Seen
from connectors.protocols import Source
from replicator.engine.keeping import Intake
from replicator.engine.report import MailboxReport
from replicator.mailstore.mailbox.failures import FailureBook
from tests.shelf import NAME, Shelf

EDITS = replace(FULL, edits=True)


class Counting(MemorySource):
    """Counts what is fetched, and refuses some."""

    asked: Counter[str]
    refused: set[str]

    def answer(self, ref: Ref) -> Message | Failure:
        self.asked[ref.native] += 1
        if ref.native in self.refused:
            return Failure(ref, ItemUnreadable(f"message {ref.id} cannot be read"))
        return super().answer(ref)


class Desk:
    """A shelf over a server whose messages may be edited."""

    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf(directory)
        self.server = self.shelf.server
        self.asked: Counter[str] = Counter()
        self.refused: set[str] = set()

    def source(self) -> Source:
        source = Counting(self.server, EDITS)
        source.asked, source.refused = self.asked, self.refused
        return source

    def sync(self, *, full: bool = False) -> MailboxReport:
        self.asked.clear()
        report = self.shelf.sync(source=self.source, full=full)
        assert report.error is None
        assert self.shelf.problems() == []
        return report

    def held(self) -> list[bytes | None]:
        return list(self.shelf.held().values())

    def items(self) -> list[str | None]:
        with self.shelf.open() as mailstore:
            return [each.item for each in mailstore.mailbox(NAME).listing()]

    def at(self, time: float) -> list[bytes]:
        with self.shelf.open() as mailstore:
            store = mailstore.mailbox(NAME)
            return [b"".join(store.read(each)) for each in store.listing(at=time)]


def text(word: str) -> bytes:
    return f"Subject: draft\r\n\r\n{word}\r\n".encode()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    for word in ("one", "two", "three"):
        desk.server.append(INBOX, text(word))
    desk.sync()
    return desk


def numbers(report: MailboxReport) -> tuple[int, ...]:
    counts = report.counts
    return counts.seen, counts.edited, counts.removed, counts.quarantined


def test_an_edited_message_is_fetched_once_and_its_old_content_stays(desk: Desk) -> None:
    items, before = desk.items(), desk.shelf.clock()
    desk.server.edit(INBOX, "2", text("two and more"))
    assert numbers(desk.sync()) == (0, 1, 0, 0)
    assert desk.asked == {"2": 1}
    assert desk.held() == [text("one"), text("two and more"), text("three")]
    assert desk.items() == items
    assert desk.at(before) == [text("one"), text("two"), text("three")]
    assert numbers(desk.sync()) == (0, 0, 0, 0)
    assert not desk.asked


def test_a_change_of_flags_alone_makes_no_version(desk: Desk) -> None:
    """The revision of such servers moves with the flags: the body is read, and found to be the same."""
    desk.server.set_flags(INBOX, "1", {"\\Seen"})
    report = desk.sync()
    assert (report.counts.edited, report.counts.flags_changed) == (0, 1)
    assert desk.asked == {"1": 1}
    desk.sync(full=True)
    assert not desk.asked


def test_an_edit_back_to_what_it_was_is_that_version_again(desk: Desk) -> None:
    for word in ("other", "one"):
        desk.server.edit(INBOX, "1", text(word))
        assert numbers(desk.sync()) == (0, 1, 0, 0)
    assert desk.held()[0] == text("one")


def test_an_edit_that_cannot_be_read_is_in_quarantine_until_it_can(desk: Desk) -> None:
    before = desk.shelf.clock()
    desk.server.edit(INBOX, "2", text("two and more"))
    desk.refused.add("2")
    report = desk.sync()
    assert (numbers(report), report.unaccepted, report.ok) == ((0, 0, 0, 0), 1, False)
    assert desk.at(before) == [text("one"), text("two"), text("three")]
    desk.server.set_flags(INBOX, "2", {"\\Seen"})
    assert desk.sync().unaccepted == 1
    desk.refused.clear()
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        assert len(list(FailureBook(store.database).placements())) == 1
    assert desk.sync(full=True).counts.recovered == 1
    assert desk.held()[1] == text("two and more")
    assert desk.sync().ok


def test_an_edit_that_is_told_again_recovers_what_could_not_be_read(desk: Desk) -> None:
    desk.refused.add("4")
    desk.server.append(INBOX, text("four"))
    assert numbers(desk.sync()) == (1, 0, 0, 1)
    desk.refused.clear()
    desk.server.edit(INBOX, "4", text("four at last"))
    assert desk.sync().counts.recovered == 1
    assert desk.held()[3] == text("four at last")


def test_an_edit_of_what_was_in_doubt_ends_the_doubt(desk: Desk) -> None:
    for number in range(20):
        desk.server.append(INBOX, text(f"more of it {number}"))
    desk.sync()
    desk.server.renumber(INBOX)
    assert desk.sync().counts.unverified > 0
    (first, *_) = desk.server.kept[INBOX].messages
    desk.server.edit(INBOX, str(first), text("edited"))
    report = desk.sync()
    assert (report.counts.edited, report.counts.corrected) == (1, 0)
    with desk.shelf.open() as mailstore:
        assert not any(each.unverified for each in mailstore.mailbox(NAME).listing())


def test_a_page_that_tells_again_what_was_just_recorded_changes_nothing(desk: Desk) -> None:
    """Two pages were looked up before either was recorded: the second answer, here a refusal, is of no use."""
    desk.server.edit(INBOX, "2", text("two and more"))
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        (row,) = [each for each in store.folders.all("primary") if each.path == INBOX]
        source = desk.source()
        (page,) = source.changes(next(source.folders()), row.cursor)
        (seen,) = page.changes
        assert isinstance(seen, Seen)
        (message,) = source.fetch([seen.ref])
        assert isinstance(message, Message)
        with mailstore.lease(store) as epoch, mailstore.writer(store, epoch) as writer:
            store.begin("twice", epoch)
            intake = Intake(store, writer, lambda *_: None)
            (kept,) = intake.keep([message])
            intake.sync()
            assert kept is not None
            refused = Failure(seen.ref, ItemUnreadable("message cannot be read"))
            row, first = store.record(row, page, {seen.ref: kept}, full=False, ending=True)
            _, second = store.record(row, page, {seen.ref: refused}, full=False, ending=True)
        assert (first.edited, second.edited, second.quarantined) == (1, 0, 0)
        assert [each.state for each in store.listing()] == ["live"] * 3
    assert desk.held()[1] == text("two and more")
