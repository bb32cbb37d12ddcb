"""Where changes may have gaps, ids are compared from time to time: two gaps that hide each other are found."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.memory import FULL, INBOX, MemorySource
from connectors.memory.mailbox import MemoryMailbox
from connectors.model import Capabilities, Cursor, Folder, Page, Ref
from connectors.protocols import Source
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress, SideJob
from replicator.engine.turns import WEEK, is_due
from tests.shelf import NAME, Shelf

DAY = 86400.0
GAPS = replace(FULL, gaps=True)


class Forgetful(MemorySource):
    """Leaves out what it was told to, and says how often its ids were asked for. No stamps: they would tell."""

    hidden: set[str]
    asked: list[str]

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        for page in super().changes(folder, since):
            kept = tuple(change for change in page.changes if since is None or change.ref.id not in self.hidden)
            yield replace(page, changes=kept)

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        self.asked.append(folder.id)
        return super().inventory(folder)


class Desk:
    def __init__(self, directory: Path, capabilities: Capabilities = GAPS) -> None:
        self.shelf = Shelf(directory)
        self.capabilities = capabilities
        self.hidden: set[str] = set()
        self.asked: list[str] = []

    @property
    def server(self) -> MemoryMailbox:
        return self.shelf.server

    def source(self) -> Source:
        source = Forgetful(self.server, self.capabilities, stamps=False)
        source.hidden, source.asked = self.hidden, self.asked
        return source

    def sync(self, *, after: float = 600.0, compare: float = WEEK) -> MailboxReport:
        """One pass, so many seconds after the last."""
        self.shelf.now += after
        self.asked.clear()
        progress = Progress(MailboxReport(NAME))
        side = SideJob("primary", "memory", self.source, lambda *_: True)
        with self.shelf.open() as mailstore:
            self.shelf.step(mailstore, MailboxJob(NAME, (side,), compare=compare), progress)
        assert progress.report.ok, progress.report.as_json()
        return progress.report

    def exchange(self) -> str:
        """One message leaves and one comes, and the mail system tells of neither."""
        self.server.expunge(INBOX, "1")
        name = self.server.append(INBOX, b"Subject: lost\r\n\r\n")
        self.hidden.update(("1:1", f"1:{name}"))
        return f"1:{name}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.shelf.fill(3)
    made.sync()
    return made


def test_gaps_that_hide_each_other_are_found_in_the_folders_turn(desk: Desk) -> None:
    name = desk.exchange()
    for _ in range(3):
        report = desk.sync()
        assert (report.counts.seen, report.counts.removed, desk.asked) == (0, 0, []), "the count tells nothing"
    assert set(desk.shelf.held()) == {"1:1", "1:2", "1:3"}
    report = desk.sync(after=WEEK)
    assert (report.counts.seen, report.counts.stored, report.counts.removed, report.full_passes) == (1, 1, 1, 1)
    assert set(desk.shelf.held()) == {name, "1:2", "1:3"}
    assert desk.sync().counts.seen == 0
    assert desk.asked == []


def test_a_folder_that_is_in_order_costs_one_list_of_its_ids_and_no_more(desk: Desk) -> None:
    desk.server.create_folder(("Other",))
    desk.sync()
    asked: list[str] = []
    for _ in range(14 * 4):
        report = desk.sync(after=DAY / 4)
        assert (report.counts.seen, report.full_passes) == (0, 0)
        asked += desk.asked
    assert sorted(asked) == sorted(2 * [folder.id for folder in desk.source().folders()])


def test_only_one_of_two_is_a_matter_of_the_count(desk: Desk) -> None:
    name = desk.server.append(INBOX, b"Subject: lost\r\n\r\n")
    desk.hidden.add(f"1:{name}")
    assert desk.sync().counts.seen == 1


@pytest.mark.parametrize("capabilities", [FULL, replace(GAPS, reports_removals=False)], ids=["no gaps", "compared"])
def test_sources_without_gaps_are_not_asked(tmp_path: Path, capabilities: Capabilities) -> None:
    """One without removals is asked in every pass as it is."""
    desk = Desk(tmp_path, capabilities)
    desk.shelf.fill(3)
    desk.sync()
    desk.exchange()
    report = desk.sync(after=WEEK)
    assert report.counts.seen == (0 if capabilities is FULL else 1)


def test_how_often_is_a_setting(desk: Desk) -> None:
    desk.exchange()
    assert desk.sync(after=2 * DAY, compare=400 * DAY).counts.seen == 0
    assert desk.sync(after=2 * DAY, compare=DAY).counts.seen == 1


def test_turns_are_spread_and_none_is_left_out() -> None:
    looks = [1e9 + 700.0 * number for number in range(2000)]
    turns = [
        sum(is_due(f"folder {folder}", before, now, WEEK) for folder in range(50)) for before, now in pairwise(looks)
    ]
    assert sum(turns) in range(50 * 2, 50 * 3 + 1)
    assert max(turns) <= 4
    assert all(is_due(f"folder {folder}", 1e9, 1e9 + WEEK, WEEK) for folder in range(50))
    # A clock that was set back.
    assert not any(is_due(f"folder {folder}", 1e9, 1e9 - DAY, WEEK) for folder in range(50))
