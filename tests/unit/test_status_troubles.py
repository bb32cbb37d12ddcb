"""What stands in the way of a mailbox's passes is on record, and in `status`, until a good pass."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.errors import FolderRefused, LoginRefused, ReplicationError, StorageFull, Unreachable
from connectors.memory import MemorySource
from connectors.protocols import Source
from connectors.testing.faulty import Faults, Faulty, Raise
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.mailbox.troubles import KnownTrouble
from tests.shelf import NAME, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.server.create_folder(("A", "b/c"))
    shelf.fill(2)
    return shelf


def refusing(shelf: Shelf, error: ReplicationError) -> Callable[[], Source]:
    """A server whose first folder fails with this error."""
    return lambda: Faulty(MemorySource(shelf.server), Faults(Raise("changes", error, call=1)))


def raising(error: Exception) -> Callable[[], Source]:
    def refuse() -> Source:
        raise error

    return refuse


def known(shelf: Shelf) -> list[KnownTrouble]:
    with shelf.open() as mailstore:
        return mailstore.mailbox(NAME).troubles.all()


def test_a_broken_folder_is_told_until_it_is_whole(shelf: Shelf) -> None:
    error = FolderRefused("no permission", "ask its owner")
    assert not shelf.sync(source=refusing(shelf, error)).ok
    (first,) = known(shelf)
    assert (first.side, first.folder, first.code) == ("primary", "A/b%2Fc", "FolderRefused")
    assert (first.message, first.advice) == ("no permission", "ask its owner")
    shelf.now += 3600
    shelf.sync(source=refusing(shelf, error))
    (second,) = known(shelf)
    assert second.since == first.since == first.last
    assert second.last > first.last
    assert shelf.problems() == []
    assert shelf.sync().ok
    assert known(shelf) == []
    assert shelf.problems() == []


def test_another_error_of_the_same_folder_begins_anew(shelf: Shelf) -> None:
    shelf.sync(source=raising(LoginRefused("wrong password")))
    shelf.now += 3600
    shelf.sync(source=raising(Unreachable("no route")))
    (now,) = known(shelf)
    assert (now.code, now.folder, now.since) == ("Unreachable", None, now.last)


def test_a_folder_stays_broken_while_its_side_cannot_be_reached(shelf: Shelf) -> None:
    """Nothing is known better of it; the next pass that comes to its end says what is left."""
    shelf.sync(source=refusing(shelf, FolderRefused("no")))
    shelf.sync(source=raising(Unreachable("no route")))
    assert [(each.folder, each.code) for each in known(shelf)] == [(None, "Unreachable"), ("A/b%2Fc", "FolderRefused")]
    shelf.sync()
    assert known(shelf) == []


def test_each_side_has_its_own_until_it_is_no_more(shelf: Shelf) -> None:
    primary, standby = shelf.side("primary"), shelf.side("standby", raising(Unreachable("no route")), at="dr")
    with shelf.open() as mailstore:
        shelf.step(mailstore, MailboxJob(NAME, (primary, standby)), Progress(MailboxReport(NAME)))
        store = mailstore.mailbox(NAME)
        assert [each.side for each in store.troubles.all()] == ["standby"]
        shelf.step(mailstore, MailboxJob(NAME, (primary,)), Progress(MailboxReport(NAME)))
        assert store.troubles.all() == []
    assert shelf.problems() == []


def test_a_bug_is_told_of_the_mailbox_without_its_text(shelf: Shelf) -> None:
    shelf.sync(source=raising(KeyError("Subject: SECRET")))
    (bug,) = known(shelf)
    assert (bug.side, bug.folder, bug.code, bug.message) == (None, None, "KeyError", "unexpected KeyError")
    shelf.sync()
    assert known(shelf) == []


def test_a_full_disk_is_not_asked_to_keep_that_it_is_full(shelf: Shelf) -> None:
    with pytest.raises(StorageFull):
        shelf.sync(source=raising(StorageFull("the disk is full")))
    assert known(shelf) == []


def test_a_good_pass_over_a_good_mailbox_writes_no_note_of_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.sync()
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        before = _notes(store)
        store.troubles.settle("primary", {}, shelf.now)
        assert _notes(store) == before


def _notes(store: MailboxStore) -> tuple[bytes, int]:
    return store.database.digests()[1], store.database.connection.total_changes


def test_a_trouble_that_was_put_there_by_someone_else_is_found(shelf: Shelf) -> None:
    shelf.sync()
    with shelf.open() as mailstore:
        connection = mailstore.mailbox(NAME).database.connection
        connection.execute("INSERT INTO trouble VALUES ('primary', '', 'X', 'x', '', 1, 1)")
        connection.commit()
    assert "its rows are not those that were written" in shelf.problems()[0]
