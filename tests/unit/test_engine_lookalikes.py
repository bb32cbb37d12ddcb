"""Many messages of one date, as a restore that lost its dates makes them: matched at a bounded cost."""

from pathlib import Path

import pytest

from connectors.memory import INBOX
from replicator.mailstore.mailbox import lookalikes
from replicator.mailstore.mailbox.lookalikes import Lookalikes
from tests.unit.test_engine_renumbering import DATE, Counting, Desk

COUNT = 40


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    for number in range(COUNT):
        desk.server.append(INBOX, f"Subject: {number}\r\n\r\n{'body' * (number % 7)}\r\n".encode(), (), DATE)
    desk.sync()
    return desk


def renumbered(desk: Desk, page: int = 5) -> int:
    """How many messages were matched, so many to a page."""
    desk.server.renumber(INBOX)
    desk.asked.clear()

    def source() -> Counting:
        made = Counting(desk.server, page_changes=page)
        made.asked = desk.asked
        return made

    report = desk.shelf.sync(source=source)
    desk.check()
    assert desk.bodies() == desk.truth()
    return report.counts.unverified


def test_rows_of_one_date_are_read_once_for_all_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    rows = Lookalikes._rows

    def counting(self: Lookalikes, dates: set[str]) -> list[lookalikes._Row]:
        found = rows(self, dates)
        read.append(len(found))
        return found

    monkeypatch.setattr(Lookalikes, "_rows", counting)
    assert renumbered(desk) == COUNT
    assert sum(read) == COUNT
    assert desk.asked == {"headers": COUNT}


def test_a_crowd_under_one_date_is_fetched_and_the_others_are_matched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.post(12, start=50)
    desk.sync()
    monkeypatch.setattr(lookalikes, "CROWD", COUNT - 1)
    assert renumbered(desk) == 12
    assert desk.asked == {"headers": 12, "bodies": COUNT}


def test_dates_that_are_a_crowd_only_together_are_matched(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.post(12, start=50)
    desk.sync()
    monkeypatch.setattr(lookalikes, "CROWD", COUNT)
    assert renumbered(desk, page=100) == COUNT + 12
