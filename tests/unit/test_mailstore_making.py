"""What is half made: databases on a disk that fills up, mailboxes between two steps, half a format.json."""

import errno
import os
from pathlib import Path

import pytest

from connectors.errors import StorageFull, StoreError
from replicator.mailstore import Mailstore
from replicator.mailstore import mailstore as module
from replicator.mailstore.directory import Directory
from replicator.mailstore.keys.document import Document
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.sqlcipher import open_database
from tests.shelf import NAME, Shelf

BOB = "bob@corp.example"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.fill(5)
    assert shelf.sync().ok
    return shelf


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_database_is_not_renamed_without_what_is_still_in_its_wal(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader keeps the WAL from being folded in, as a full disk does."""
    readers = []

    class Watched(MailboxDatabase):
        def __init__(self, path, keys, clock, *, create=False) -> None:  # type: ignore[no-untyped-def]
            super().__init__(path, keys, clock, create=create)
            self.connection.execute("PRAGMA busy_timeout=0")
            readers.append(open_database(path, keys.database))
            readers[-1].execute("BEGIN")
            readers[-1].execute("SELECT * FROM state").fetchone()

    with shelf.open() as mailstore:
        with monkeypatch.context() as patch:
            patch.setattr(module, "MailboxDatabase", Watched)
            with pytest.raises(StoreError, match="in use"):
                mailstore.ensure_mailbox(BOB)
        for reader in readers:
            reader.close()
        assert len(list(shelf.path.glob("mailbox/*/*.db"))) == 1
        assert mailstore.ensure_mailbox(BOB).status().messages == 0
    assert shelf.problems() == []
    assert shelf.sync(name=BOB).ok


@pytest.mark.parametrize("call", ["open", "mkdir", "unlink", "replace", "fsync"])
def test_a_mailbox_that_finds_no_room_is_a_full_disk_and_is_made_later(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with shelf.open() as mailstore:
        keys = mailstore.keyring.add(BOB)
        if call == "unlink":
            leftover = mailstore.directory.mailbox(keys.id).with_suffix(".new-wal")
            leftover.parent.mkdir(exist_ok=True)
            leftover.touch()
        with monkeypatch.context() as patch:
            patch.setattr(os, call, no_space)
            with pytest.raises(StorageFull):
                mailstore.ensure_mailbox(BOB)
        mailstore.ensure_mailbox(BOB)
    assert shelf.problems() == []


def test_a_key_without_a_database_is_an_empty_mailbox(shelf: Shelf) -> None:
    """A crash came between the two."""
    with shelf.open() as mailstore:
        mailstore.keyring.add(BOB)
        assert mailstore.names() == [NAME]
        assert mailstore.totals().messages == 5
        with pytest.raises(StoreError, match="holds no mailbox"):
            mailstore.mailbox(BOB)
    assert shelf.problems() == []
    assert shelf.sync(name=BOB).ok
    with shelf.open() as mailstore:
        assert mailstore.names() == [NAME, BOB]


def test_many_mailboxes_are_made_with_one_write_of_the_keyring(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = Document.write
    monkeypatch.setattr(Document, "write", lambda self, *to: (writes.append(1), write(self, *to)))
    names = [f"{number}@corp.example" for number in range(5)]
    with shelf.open() as mailstore:
        mailstore.ensure_mailboxes([*names, NAME])
        assert len(writes) == 1
        assert mailstore.names() == sorted([*names, NAME])
    assert shelf.problems() == []


def test_a_mailstore_whose_making_was_broken_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    (shelf.path / "format.json").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(StorageFull):
            Directory(shelf.path).complete()
    assert not Mailstore.exists(shelf.path)
    Directory(shelf.path).complete()
    shelf.open().close()


def test_totals_survive_a_file_that_leaves_meanwhile(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = next(shelf.path.glob("seg/*.seg"))
    scandir = os.scandir

    class Leaving:
        def __init__(self, path: Path) -> None:
            with scandir(path) as entries:
                self._entries = list(entries)
            if Path(path) == segment.parent:
                segment.rename(shelf.directory / "elsewhere")

        def __enter__(self) -> list["os.DirEntry[str]"]:
            return self._entries

        def __exit__(self, *_: object) -> None: ...

    with shelf.open() as mailstore:
        monkeypatch.setattr(os, "scandir", Leaving)
        assert mailstore.totals().messages == 5
