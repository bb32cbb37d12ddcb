"""One step of the engine: what it counts, what it retries, where it stops, and who may write."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderError,
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ReplicationError,
    StaleLease,
    Unreachable,
)
from connectors.memory import INBOX, MemorySource
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Source
from connectors.testing.faulty import EACH, Cut, Fault, Faults, Faulty, Raise, Refuse
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress
from tests.shelf import NAME, Shelf

DAY = 86_400


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def faulty(shelf: Shelf, *script: Fault) -> Callable[[], Source]:
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


def test_a_cursor_that_expires_in_mid_pass_leaves_sound_books(shelf: Shelf) -> None:
    """`Retrying` may raise it after pages were recorded: numbers and digest must go on from those."""
    shelf.fill(6)
    faults = Faults(Raise("changes", CursorExpired("forgotten"), after=2))
    report = shelf.sync(source=lambda: Faulty(MemorySource(shelf.server, page_changes=2), faults))
    assert (report.ok, report.counts.seen) == (True, 6)
    assert shelf.problems() == []
    shelf.server.expunge(INBOX, "1")
    assert shelf.sync().counts.removed == 1
    assert len(shelf.held()) == 5


def test_a_streamed_message_that_fails_does_not_stop_its_folder(shelf: Shelf) -> None:
    shelf.fill(5)
    cut = Cut(ItemUnreadable("other bytes than before"), at=50)
    faults = Faults(cut)
    report = shelf.sync(source=lambda: Faulty(MemorySource(shelf.server, stream_over=60), faults))
    assert (report.error, report.counts.stored, report.counts.quarantined) == (None, 4, 1)
    shelf.now += DAY
    assert shelf.sync().counts.recovered == 1


def test_a_message_that_leaves_while_it_streams_is_no_failure(shelf: Shelf) -> None:
    shelf.fill(2)
    faults = Faults(Cut(ItemGone("expunged"), at=50))
    report = shelf.sync(source=lambda: Faulty(MemorySource(shelf.server, stream_over=60), faults))
    assert report.counts.quarantined == 0


def test_one_side_that_is_down_does_not_stop_the_other(shelf: Shelf) -> None:
    """Neither way round: in an outage of the primary the standby matters most."""

    def down() -> Source:
        raise Unreachable("no route")

    shelf.fill(2)
    for dead in ("primary", "standby"):
        with shelf.open() as mailstore:
            sides = tuple(shelf.side(name, down if name == dead else None, at=name) for name in ("primary", "standby"))
            progress = Progress(MailboxReport(NAME))
            shelf.step(mailstore, MailboxJob(NAME, sides), progress)
            assert progress.complete
            assert list(progress.dead) == [dead]
            assert progress.report.error is not None
            assert progress.report.counts.seen == 2
            assert mailstore.mailbox(NAME).status().last_success is None or dead == "standby"


def test_a_source_that_was_found_dead_is_not_opened_again(shelf: Shelf) -> None:
    def open_it() -> Source:
        raise AssertionError("opened")

    with shelf.open() as mailstore:
        progress = Progress(MailboxReport(NAME), dead={"memory": Unreachable("no route")})
        shelf.step(mailstore, MailboxJob(NAME, (shelf.side("primary", open_it),)), progress)
        assert progress.report.error is not None
        assert progress.report.error.code == "Unreachable"


def test_slices_of_a_full_comparison_come_to_an_end(shelf: Shelf) -> None:
    """Each turn goes on from the cursor of the last page, though that page told nothing new."""
    shelf.fill(30)
    shelf.sync()
    with shelf.open() as mailstore:
        side = shelf.side("primary", lambda: MemorySource(shelf.server, page_changes=1))
        progress = Progress(MailboxReport(NAME))
        turns = 0
        while not progress.complete:
            turns += 1
            shelf.step(mailstore, MailboxJob(NAME, (side,), full=turns == 1), progress, seconds=10.0)
            assert turns < 40
    assert turns > 1
    assert progress.report.counts.seen == 0
    assert shelf.problems() == []


class Locked(MemorySource):
    """Names the folder and will not open it; `error` is what it says of it."""

    error: FolderError = FolderRefused("no permission")

    def folders(self) -> Iterator[Folder]:
        yield from (replace(each, selectable=each.path != ("Work",), stamp="") for each in super().folders())

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        if folder.path == ("Work",):
            raise self.error
        return super().changes(folder, since)


class Deleted(Locked):
    error = FolderGone("deleted, but for what is below it")


def test_a_folder_that_cannot_be_opened_is_no_deleted_folder(shelf: Shelf) -> None:
    """A permission fault is reported, and the mail stands; a deletion is one; and who never held mail says nothing."""
    shelf.server.create_folder(("Work",))
    shelf.fill(2, path=("Work",))
    assert shelf.sync(source=lambda: Locked(shelf.server)).ok
    assert shelf.sync().counts.seen == 2
    report = shelf.sync(source=lambda: Locked(shelf.server))
    assert [trouble.message for trouble in report.folder_errors] == ["Work: no permission"]
    assert (report.counts.removed, len(shelf.held())) == (0, 2)
    assert shelf.sync(source=lambda: Deleted(shelf.server)).counts.removed == 2
    assert shelf.problems() == []


def test_large_mail_that_is_held_already_leaves_no_second_copy(shelf: Shelf) -> None:
    """It can be known only once it was read and sealed; what was sealed is taken back."""
    shelf.server.append(INBOX, b"Subject: large\r\n\r\n" + bytes(range(256)) * 2000)
    stream = lambda: MemorySource(shelf.server, stream_over=1000)  # noqa: E731
    shelf.sync(source=stream)
    with shelf.open() as mailstore:
        before = mailstore.catalog.totals()
    shelf.server.renumber(INBOX)
    assert shelf.sync(source=stream).counts.merged == 1
    with shelf.open() as mailstore:
        assert mailstore.catalog.totals() == before
    assert shelf.problems() == []


def test_a_failure_of_an_earlier_slice_is_not_forgotten(shelf: Shelf) -> None:
    """A pass in which a folder failed was not complete, whatever came after it."""
    shelf.server.create_folder(("A",))
    shelf.fill(20)
    faults = Faults(Raise("changes", FolderRefused("no"), call=1))
    with shelf.open() as mailstore:
        side = shelf.side("primary", lambda: Faulty(MemorySource(shelf.server, page_changes=1), faults))
        progress = Progress(MailboxReport(NAME))
        turns = 0
        while not progress.complete:
            turns += 1
            shelf.step(mailstore, MailboxJob(NAME, (side,)), progress, seconds=8.0)
        assert turns > 1
        assert mailstore.mailbox(NAME).status().last_success is None


def test_quarantine_is_tried_once_a_run_and_not_once_a_slice(shelf: Shelf) -> None:
    shelf.fill(12)
    refuse = Refuse("1:2", ItemUnreadable("no"), EACH)
    shelf.sync(source=faulty(shelf, refuse))
    asked = Faults(refuse)
    with shelf.open() as mailstore:
        small = lambda: Faulty(MemorySource(shelf.server, page_changes=1), asked)  # noqa: E731
        progress = Progress(MailboxReport(NAME))
        job = MailboxJob(NAME, (shelf.side("primary", small),), full=True)
        while not progress.complete:
            shelf.step(mailstore, job, progress, seconds=6.0)
        attempts = mailstore.mailbox(NAME).database.connection.execute("SELECT attempts FROM failure").fetchall()
    assert attempts == [(2,)]


def test_the_reader_is_not_outlived_by_its_error(shelf: Shelf) -> None:
    """Not even by one that is no Exception: a pass must not look complete."""

    class Leaving(MemorySource):
        def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
            raise SystemExit(7)

    shelf.fill(1)
    with pytest.raises(SystemExit):
        shelf.sync(source=lambda: Leaving(shelf.server))


def test_an_unforeseen_error_is_reported_without_its_text(shelf: Shelf) -> None:
    """It may quote the message."""

    def broken() -> Source:
        raise KeyError("Subject: SECRET")

    report = shelf.sync(source=broken)
    assert report.error is not None
    assert "SECRET" not in str(report.as_json())
    assert report.error.message == "unexpected KeyError"


STATEMENT_EXEMPT = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "--")
"""The last marks what FTS5 asks its own tables, by their keys."""


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
        checked = [each for each in statements if not each.upper().startswith(STATEMENT_EXEMPT)]
        assert len(checked) > 25
        for statement in checked:
            plan = store.database.connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert "TEMP B-TREE" not in str(plan), statement
