"""A mailstore under attack: whatever is done to its files is reported, and nothing but the truth is served."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from connectors.errors import ProtocolError, StorageFull, StoreError, Tampered
from connectors.memory import INBOX
from replicator.mailstore import Mailstore
from replicator.mailstore.catalog import Mark, SqliteCatalog
from replicator.mailstore.mailbox.store import MailboxStore
from tests.shelf import NAME, Shelf

PAGE = 8192
LOST_MARK = "the catalog was rebuilt: until the next `sync` no rollback before that can be noticed"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.fill(60)
    assert shelf.sync().ok
    return shelf


def databases(shelf: Shelf) -> list[Path]:
    return [*shelf.path.glob("mailbox/*/*.db"), shelf.path / "catalog.db"]


def truth(shelf: Shelf) -> dict[str, bytes]:
    return {ref: kept.raw for ref, kept in shelf.server.listing(INBOX).items()}


def assert_noticed_and_harmless(shelf: Shelf, what: object, earlier: dict[str, bytes] | None = None) -> None:
    """Reported by `verify`, and each message that is still served has the bytes that it has or had at the source."""
    assert shelf.problems(), what
    try:
        held = shelf.held()
    except StoreError:
        return
    true = truth(shelf) | (earlier or {})
    assert [ref for ref, raw in held.items() if raw is not None and raw != true[ref]] == [], what


def test_an_untouched_mailstore_has_no_problems(shelf: Shelf) -> None:
    assert shelf.problems() == []
    assert shelf.held() == truth(shelf)


def test_a_flipped_bit_in_any_page_of_any_database_is_reported(shelf: Shelf) -> None:
    rng = Random(1)
    for path in databases(shelf):
        good = path.read_bytes()
        for page in range(len(good) // PAGE):
            at = page * PAGE + rng.randrange(PAGE)
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
            assert_noticed_and_harmless(shelf, (path.name, at))
        path.write_bytes(good)
    assert shelf.problems() == []


def test_two_pages_that_changed_places_are_reported(shelf: Shelf) -> None:
    rng = Random(2)
    for path in databases(shelf):
        good = path.read_bytes()
        pages = [good[at : at + PAGE] for at in range(0, len(good), PAGE)]
        for _ in range(8):
            one, other = sorted(rng.sample(range(len(pages)), 2))
            swapped = list(pages)
            swapped[one], swapped[other] = pages[other], pages[one]
            path.write_bytes(b"".join(swapped))
            assert_noticed_and_harmless(shelf, (path.name, one, other))
        path.write_bytes(good)


def rows(shelf: Shelf) -> list[object]:
    """Every row of every table of both databases."""
    with shelf.open() as mailstore:
        connections = [mailstore.mailbox(NAME).database.connection, mailstore.catalog._connection]
        return [
            connection.execute(f"SELECT * FROM {table}").fetchall()
            for connection in connections
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        ]


def test_an_old_page_put_back_is_reported(shelf: Shelf) -> None:
    """SQLCipher finds nothing wrong with it: its HMAC was right once."""
    before, earlier = {path: path.read_bytes() for path in databases(shelf)}, truth(shelf)
    shelf.server.set_flags(INBOX, "3", {"\\Flagged"})
    shelf.server.expunge(INBOX, "5")
    shelf.fill(30, seed=2)
    assert shelf.sync().ok
    for path, old in before.items():
        new = path.read_bytes()
        changed = [at for at in range(0, len(old), PAGE) if old[at : at + PAGE] != new[at : at + PAGE]]
        noticed, good = 0, rows(shelf)
        for at in changed:
            path.write_bytes(new[:at] + old[at : at + PAGE] + new[at + PAGE :])
            if shelf.problems():
                assert_noticed_and_harmless(shelf, (path.name, at), earlier)
                noticed += 1
            else:  # what differs in it are the remains of deleted rows
                assert rows(shelf) == good
        assert noticed > len(changed) // 2
        path.write_bytes(new)
    assert shelf.problems() == []


def test_a_mailbox_database_that_was_rolled_back_is_not_opened(shelf: Shelf) -> None:
    (path, _) = databases(shelf)
    old = path.read_bytes()
    shelf.fill(5, seed=3)
    shelf.sync()
    path.write_bytes(old)
    assert any("rolled back" in problem for problem in shelf.problems())
    with pytest.raises(Tampered, match="rolled back"):
        shelf.held()
    report = shelf.sync()
    assert report.error is not None
    assert report.error.exit_code == Tampered.exit_code


def test_a_truncated_database_is_reported(shelf: Shelf) -> None:
    for path in databases(shelf):
        good = path.read_bytes()
        for size in (0, 100, PAGE, len(good) // PAGE // 2 * PAGE, len(good) - PAGE, len(good) - 1):
            path.write_bytes(good[:size])
            assert_noticed_and_harmless(shelf, (path.name, size))
        path.write_bytes(good)


def test_a_missing_mailbox_database_is_reported_and_not_made_anew(shelf: Shelf) -> None:
    databases(shelf)[0].unlink()
    assert any("missing" in problem for problem in shelf.problems())
    report = shelf.sync()
    assert report.error is not None
    assert "missing" in report.error.message


def wals(shelf: Shelf) -> Iterator[tuple[Path, bytes]]:
    """Copies of the mailstore as a crash leaves it, with its WALs not yet folded in: each WAL and its bytes."""
    with shelf.open() as mailstore:
        shelf.fill(20, seed=4)
        assert shelf.sync(mailstore).ok
        copy = shelf.directory / "crashed"
        shutil.copytree(shelf.path, copy)
    shutil.rmtree(shelf.path)
    copy.rename(shelf.path)
    for wal in [*shelf.path.glob("mailbox/*/*.db-wal"), shelf.path / "catalog.db-wal"]:
        assert wal.stat().st_size > PAGE
        yield wal, wal.read_bytes()


def test_a_wal_is_read_whole_or_its_loss_is_reported(shelf: Shelf) -> None:
    """SQLite drops what follows a damaged frame without a word, and takes the rest for all there was."""
    crashed = list(wals(shelf))
    saved = shelf.directory / "saved"
    shutil.copytree(shelf.path, saved)
    rng = Random(5)
    lost = 0
    for wal, good in crashed:
        damaged = [good[: rng.randrange(len(good))] for _ in range(8)]
        for _ in range(8):
            at = rng.randrange(len(good))
            damaged.append(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        for wrong in damaged:
            shutil.rmtree(shelf.path)
            shutil.copytree(saved, shelf.path)
            wal.write_bytes(wrong)
            if not shelf.problems():
                assert shelf.held() == truth(shelf)
            else:
                lost += 1
    assert lost, "no damage hit anything: the test shows nothing"


def test_a_lost_catalog_is_rebuilt_from_the_segments(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    for leftover in shelf.path.glob("catalog.db*"):
        leftover.unlink()
    assert shelf.held() == truth(shelf)
    assert "rebuilding it from the segments" in caplog.text
    assert shelf.problems() == []
    assert LOST_MARK in caplog.text
    shelf.fill(5, seed=6)
    assert shelf.sync().ok
    assert shelf.held() == truth(shelf)
    caplog.clear()
    assert shelf.problems() == []
    assert LOST_MARK not in caplog.text


def test_missing_and_short_segments_are_reported_without_reading_them(shelf: Shelf) -> None:
    (segment,) = shelf.path.glob("seg/*.seg")
    good = segment.read_bytes()
    segment.write_bytes(good[:-1])
    assert any("before its committed end" in problem for problem in shelf.problems(read_data=None))
    segment.unlink()
    assert any("missing" in problem for problem in shelf.problems(read_data=None))
    segment.write_bytes(good)
    assert shelf.problems(read_data=None) == []


def test_verify_that_rebuilds_a_lost_catalog_says_what_was_lost_with_it(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    (shelf.path / "catalog.db").unlink()
    assert shelf.problems() == []
    assert LOST_MARK in caplog.text
    assert shelf.sync().counts.seen == 0
    assert shelf.problems() == []


def test_a_mailbox_that_was_lost_with_the_catalog_is_not_made_anew(shelf: Shelf) -> None:
    for path in (*shelf.path.glob("mailbox/*/*.db*"), *shelf.path.glob("catalog.db*")):
        path.unlink()
    assert any("missing" in problem for problem in shelf.problems())
    report = shelf.sync()
    assert report.error is not None
    assert "missing" in report.error.message
    assert list(shelf.path.glob("mailbox/*/*")) == []


def test_a_rebuild_that_is_not_whole_is_not_put_in_place(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in shelf.path.glob("catalog.db*"):
        path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(SqliteCatalog, "fold", full)
        with pytest.raises(StorageFull):
            shelf.open()
        assert not (shelf.path / "catalog.db").exists()
    assert shelf.held() == truth(shelf)


def test_an_older_keyring_is_reported(shelf: Shelf) -> None:
    keyring = shelf.path / "keyring.json"
    old = keyring.read_bytes()
    shelf.sync(name="bob@corp.example")
    keyring.write_bytes(old)
    (problem,) = shelf.problems()
    assert problem.endswith("an older copy of it was put back")


def test_a_mailbox_that_is_added_during_a_check_is_no_stranger(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = SqliteCatalog.marks

    def sync_and_ask(catalog: SqliteCatalog) -> list[Mark]:
        monkeypatch.undo()
        shelf.sync(name="bob@corp.example")
        return marks(catalog)

    monkeypatch.setattr(SqliteCatalog, "marks", sync_and_ask)
    assert shelf.problems() == []


@pytest.mark.parametrize("wrong", [b"\0", b"another"])
def test_a_catalog_that_cannot_be_opened_is_a_problem_for_verify(shelf: Shelf, wrong: bytes) -> None:
    path = shelf.path / "catalog.db"
    good = path.read_bytes()
    assert good[5 : 5 + len(wrong)] != wrong
    path.write_bytes(good[:5] + wrong + good[5 + len(wrong) :])
    with pytest.raises(Tampered):
        shelf.open()
    first, second = shelf.problems()
    assert first.startswith("catalog: catalog.db: ")
    assert "move catalog.db away" in second
    path.unlink()
    assert shelf.sync().ok
    assert shelf.problems() == []


def test_the_first_page_of_a_mailbox_database_is_tampered_with_like_any_other(shelf: Shelf) -> None:
    path, _ = databases(shelf)
    good = path.read_bytes()
    path.write_bytes(good[:5] + bytes([good[5] ^ 1]) + good[6:])
    (problem,) = shelf.problems()
    assert problem.startswith(f"mailbox {path.stem}: {path.name}: ")
    with pytest.raises(Tampered):
        shelf.held()


def test_a_truncated_segment_stops_no_mailbox(shelf: Shelf) -> None:
    assert shelf.sync(name="bob@corp.example").ok
    (segment,) = shelf.path.glob("seg/*.seg")
    os.truncate(segment, segment.stat().st_size - 10)
    shelf.fill(3, seed=2)
    assert [shelf.sync(name=name).ok for name in (NAME, "bob@corp.example", "carol@corp.example")] == [True] * 3
    assert any("before its committed end" in problem for problem in shelf.problems())
    assert None not in shelf.held().values()


def test_a_rollback_to_before_a_step_that_failed_is_noticed(shelf: Shelf) -> None:
    """What was committed before the error counts, and so does its mark."""
    (path, _) = databases(shelf)
    old = path.read_bytes()
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        with pytest.raises(ProtocolError), mailstore.lease(store) as epoch:
            commit_and_fail(mailstore, store, epoch)
        assert mailstore.catalog.mark(store.id) == store.mark()
    assert shelf.problems() == []
    path.write_bytes(old)
    assert any("rolled back" in problem for problem in shelf.problems())


def commit_and_fail(mailstore: Mailstore, store: MailboxStore, epoch: int) -> None:
    with mailstore.writer(store, epoch):
        store.begin("run", epoch)
        store.close_folder(next(iter(store.folders.all())))
        raise ProtocolError("the server said something that cannot be")


def full(*_: object) -> None:
    raise StorageFull("full")


def test_records_of_another_mailbox_are_of_no_use(shelf: Shelf) -> None:
    """One mailbox's key opens nothing of the other's, and destroying it leaves what they share to the other."""
    assert shelf.sync(name="bob@corp.example").ok
    with shelf.open() as mailstore:
        alice, bob = (mailstore.mailbox(name) for name in (NAME, "bob@corp.example"))
        theirs = next(iter(bob.listing()))
        with pytest.raises(Tampered):
            b"".join(alice.read(theirs))
