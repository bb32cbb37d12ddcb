"""One step of the engine: what it counts, what it retries, where it stops, and who may write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.errors import (
    Disconnected,
    FolderRefused,
    ItemUnreadable,
    LoginRefused,
    ReplicationError,
    StaleLease,
    Unreachable,
)
from connectors.memory import INBOX, MemorySource
from connectors.model import Capabilities
from connectors.protocols import Source
from connectors.testing.faulty import EACH, Faults, Faulty, Raise, Refuse
from tests.shelf import NAME, Shelf

DAY = 86_400


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def faulty(shelf: Shelf, *script: Raise | Refuse) -> Callable[[], Source]:
    faults = Faults(*script)
    return lambda: Faulty(MemorySource(shelf.server), faults)


def test_a_move_is_seen_once_merged_once_and_removed_once(shelf: Shelf) -> None:
    shelf.server.create_folder(("Archive",))
    shelf.fill(3)
    first = shelf.sync().counts
    assert (first.seen, first.stored, first.merged) == (3, 3, 0)
    shelf.server.move(INBOX, "2", ("Archive",))
    second = shelf.sync().counts
    assert (second.seen, second.stored, second.merged, second.removed) == (1, 0, 1, 1)
    with shelf.open() as mailstore:
        items = [listed.item for listed in mailstore.mailbox(NAME).listing(state="all")]
    assert len(items) == 4
    assert len(set(items)) == 3


def test_twins_in_one_folder_are_two_placements_of_one_item(shelf: Shelf) -> None:
    for _ in range(2):
        shelf.server.append(INBOX, b"Subject: twin\r\n\r\n")
    counts = shelf.sync().counts
    assert (counts.seen, counts.stored, counts.merged) == (2, 1, 1)
    with shelf.open() as mailstore:
        assert mailstore.totals().messages == 2
        assert mailstore.totals().unique_messages == 1


@pytest.mark.parametrize("at_once", [False, True])
def test_what_cannot_be_taken_is_quarantined_and_tried_again(shelf: Shelf, at_once: bool) -> None:
    shelf.fill(3)
    refuse = Refuse("1:2", ItemUnreadable("the server cannot read it"), EACH)
    report = shelf.sync(source=faulty(shelf, refuse))
    assert (report.counts.seen, report.counts.quarantined, report.unaccepted, report.ok) == (3, 1, 1, False)
    assert len(shelf.held()) == 2
    again = shelf.sync(source=faulty(shelf, refuse))
    assert (again.counts.seen, again.counts.quarantined, again.counts.recovered, again.unaccepted) == (0, 0, 0, 1)
    # Two failures: the next try comes after a pause, not in the next run.
    assert shelf.sync().unaccepted == 1
    if at_once:
        last = shelf.sync(full=True)
    else:
        shelf.now += DAY
        last = shelf.sync()
    assert (last.counts.recovered, last.counts.seen, last.unaccepted, last.ok) == (1, 0, 0, True)
    assert len(shelf.held()) == 3
    with shelf.open() as mailstore:
        assert all(folder.balanced for folder in mailstore.mailbox(NAME).status().folders)


def test_a_quarantined_message_that_leaves_is_forgotten(shelf: Shelf) -> None:
    shelf.fill(2)
    shelf.sync(source=faulty(shelf, Refuse("1:2", ItemUnreadable("no"), EACH)))
    shelf.server.expunge(INBOX, "2")
    assert shelf.sync().ok
    assert shelf.problems() == []


def test_a_folder_that_fails_does_not_stop_the_others(shelf: Shelf) -> None:
    shelf.server.create_folder(("Broken",))
    shelf.fill(2)
    shelf.fill(2, seed=2, path=("Broken",))
    report = shelf.sync(source=faulty(shelf, Raise("changes", FolderRefused("no permission"), call=1)))
    assert [trouble.message for trouble in report.folder_errors] == ["Broken: no permission"]
    assert (report.counts.seen, report.ok, report.error) == (2, False, None)
    assert shelf.sync().counts.seen == 2


@pytest.mark.parametrize(("error", "dead"), [(Unreachable("refused"), True), (LoginRefused("wrong"), False)])
def test_a_source_that_does_not_open_is_reported(shelf: Shelf, error: ReplicationError, dead: bool) -> None:
    def refuse() -> Source:
        raise error

    report = shelf.sync(source=refuse)
    assert report.error is not None
    assert (report.error.code, report.error.exit_code) == (error.code, 14)


def test_what_was_recorded_before_an_error_stands(shelf: Shelf) -> None:
    shelf.fill(6)
    faults = Faults(Raise("changes", Disconnected("cut"), after=2))
    report = shelf.sync(source=lambda: Faulty(MemorySource(shelf.server, page_changes=2), faults))
    assert report.error is not None
    assert report.counts.seen == 4
    rest = shelf.sync()
    assert (rest.counts.seen, rest.full_passes) == (2, 1)


def test_a_step_ends_at_its_deadline_and_the_next_goes_on(shelf: Shelf) -> None:
    shelf.fill(4)
    small = Capabilities(reports_removals=True, exact_sizes=True, stable_folder_ids=True)
    report = shelf.sync(source=lambda: MemorySource(shelf.server, small, page_changes=1), expired=True)
    assert (report.folders, report.counts.seen) == (0, 0)
    assert shelf.sync().counts.seen == 4


def test_a_writer_that_was_overtaken_is_refused(shelf: Shelf) -> None:
    """Two machines cannot share a kernel lock; the epoch of the lease is what keeps them apart."""
    shelf.fill(1)
    shelf.sync()
    with shelf.open() as one, shelf.open() as other:
        slow, fast = one.ensure_mailbox(NAME), other.ensure_mailbox(NAME)
        slow.begin("slow", one.catalog.lease(slow.id))
        fast.begin("fast", other.catalog.lease(fast.id))
        row = next(slow.folders.all())
        with pytest.raises(StaleLease):
            slow.forget_cursor(row)
        fast.forget_cursor(row)
        with pytest.raises(StaleLease):
            slow.begin("slow", 1)


def test_a_second_run_on_the_same_mailbox_is_told_so(shelf: Shelf) -> None:
    shelf.fill(1)
    with shelf.open() as mailstore, mailstore.lease(mailstore.ensure_mailbox(NAME)):
        report = shelf.sync()
        assert report.error is not None
        assert report.error.exit_code == 11
    assert shelf.sync().ok


def test_an_older_copy_of_the_catalog_gives_no_old_epochs(shelf: Shelf) -> None:
    """Restored from a backup, it has forgotten the latest leases; the mailbox has not."""
    shelf.fill(1)
    shelf.sync()
    catalog = shelf.path / "catalog.db"
    old = catalog.read_bytes()
    for number in range(3):
        shelf.fill(1, seed=number + 2)
        shelf.sync()
    catalog.write_bytes(old)
    report = shelf.sync()
    assert report.error is None


def test_full_compares_everything_and_changes_nothing(shelf: Shelf) -> None:
    shelf.fill(5)
    shelf.sync()
    report = shelf.sync(full=True)
    assert (report.full_passes, report.counts.seen, report.counts.removed, report.counts.bytes) == (1, 0, 0, 0)


def test_a_folder_that_left_keeps_its_messages_as_removed(shelf: Shelf) -> None:
    shelf.server.create_folder(("Old",))
    shelf.fill(2, path=("Old",))
    shelf.sync()
    shelf.server.delete_folder(("Old",))
    assert shelf.sync().counts.removed == 2
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        gone = list(store.listing(folder="Old", state="removed"))
        assert [b"".join(store.read(listed))[:10] for listed in gone] == [b"Message-ID"] * 2


STATEMENT_EXEMPT = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")


def test_no_statement_sorts_more_than_a_page(shelf: Shelf) -> None:
    """A sort would spill, or hold the mailbox in memory: the plan of every statement of a pass and of the commands."""
    shelf.fill(5)
    shelf.server.create_folder(("Other",))
    with shelf.open() as mailstore:
        store = mailstore.ensure_mailbox(NAME)
        statements: set[str] = set()
        store.database.connection.set_trace_callback(statements.add)
        shelf.sync(mailstore)
        shelf.server.set_flags(INBOX, "1", {"\\Answered"})
        shelf.server.expunge(INBOX, "2")
        shelf.server.rename_folder(("Other",), ("Renamed",))
        shelf.sync(mailstore, full=True)
        list(store.listing(state="all", side=None, at=shelf.now))
        store.status(), store.totals(), list(store.problems()), store.placements_of(1)
        store.database.connection.set_trace_callback(None)
        checked = [each for each in statements if not each.lstrip("- ").upper().startswith(STATEMENT_EXEMPT)]
        assert len(checked) > 25
        for statement in checked:
            plan = store.database.connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert "TEMP B-TREE" not in str(plan), statement
