"""What it costs to look at mailboxes in which nothing happened, and what a look finds that no delta has told."""

from pathlib import Path

import pytest

from connectors.testing.corpus import plain
from fixtures.graph import Quirks
from tests.cost.test_no_change import pages
from tests.flow.test_graph_engine import NAME, SESSION, Office, office

CASES = 6
DAY = 86400.0


def commits(desk: Office) -> int:
    with desk.shelf.open() as mailstore:
        return mailstore.mailbox(NAME).mark().commits


def listings(desk: Office) -> int:
    """How often a folder's ids were listed."""
    entries = desk.server.log.entries(method="GET")
    return sum(each.path.endswith("/messages") for each in entries)


def filled(desk: Office) -> None:
    for number in range(CASES):
        place = desk.alice.make_folder(f"Case {number}")
        desk.alice.deliver(place.id, plain(number))
    assert desk.sync().ok
    desk.sync()
    desk.server.log.forget()


@pytest.mark.parametrize("same_link", [True, False], ids=["the same link", "another link"])
def test_looks_without_changes_write_little_and_need_no_full_pass(tmp_path: Path, same_link: bool) -> None:
    """Graph may give another link each time and forget older ones: each is kept, and nothing else is written for it."""
    with office(tmp_path, quirks=Quirks(same_link=same_link, generations=2)) as desk:
        filled(desk)
        before, done = pages(desk.shelf.path), commits(desk)
        for number in range(1, 5):
            desk.server.log.forget()
            report = desk.sync()
            assert (report.counts.seen, report.full_passes, listings(desk)) == (0, 0, 0)
            asked = [each for each in desk.server.log.entries() if not each.inner and "oauth2" not in each.path]
            assert len(asked) <= report.folders + SESSION
            assert commits(desk) - done == (0 if same_link else number * report.folders)
        assert (pages(desk.shelf.path) - before).total() <= 24
        desk.alice.deliver("inbox", plain(77))
        report = desk.sync()
        assert (report.counts.seen, report.full_passes) == (1, 0)


def test_each_folder_is_listed_once_a_week_and_no_body_read(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        filled(desk)
        folders, before = 0, desk.held()
        for _ in range(14):
            desk.shelf.now += DAY
            report = desk.sync()
            assert (report.ok, report.counts.seen, report.full_passes) == (True, 0, 0)
            folders = report.folders
        assert listings(desk) == 2 * folders
        assert desk.server.log.entries(path="$value") == []
        assert desk.held() == before
