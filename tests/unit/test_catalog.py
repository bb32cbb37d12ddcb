"""The catalog: one transaction a batch, first place stays, leases, marks; encrypted, and nothing that sorts."""

import multiprocessing
from pathlib import Path

import pytest

from connectors.errors import StaleLease, StoreError, Tampered
from replicator.mailstore.catalog import Batch, Blob, Mark, Place, Segment, SqliteCatalog, Totals, schema
from replicator.mailstore.setdigest import SetDigest

KEY = bytes(range(32))
NAME = "ab" * 16


@pytest.fixture
def catalog(tmp_path: Path) -> SqliteCatalog:
    catalog = SqliteCatalog(tmp_path / "catalog.db", KEY, create=True)
    catalog.add_segment(Segment(NAME, 32))
    return catalog


def blob(number: int, offset: int = 32) -> Blob:
    return Blob(number.to_bytes(16, "big"), Place(NAME, offset, 100, 50))


def epoch_of(catalog: SqliteCatalog, wanted: Blob) -> int:
    row = catalog._connection.execute("SELECT epoch FROM blob WHERE id = ?", (wanted.id,)).fetchone()
    assert isinstance(row[0], int)
    return row[0]


def test_a_batch_is_found_by_another_connection(catalog: SqliteCatalog, tmp_path: Path) -> None:
    blobs = tuple(blob(number) for number in range(1200))
    catalog.record(Batch(blobs, (), (Segment(NAME, 500, sealed=True),), Mark("m", 3, b"d" * 32)), catalog.lease("m"))
    other = SqliteCatalog(tmp_path / "catalog.db", KEY)
    assert other.find(one.id for one in blobs) == {one.id: one.place for one in blobs}
    assert other.find([b"?" * 16]) == {}
    assert list(other.blobs()) == list(blobs)
    assert other.segments() == [Segment(NAME, 500, sealed=True)]
    assert other.mark("m") == Mark("m", 3, b"d" * 32)
    assert other.mark("n") is None
    assert other.totals() == Totals(1200, 500)
    other.close()


def test_the_first_place_of_a_blob_stays_and_its_use_is_stamped(catalog: SqliteCatalog) -> None:
    first, second = catalog.lease("a"), catalog.lease("b")
    catalog.record(Batch((blob(1, 32),)), second)
    catalog.record(Batch((blob(1, 900),)), first)
    assert catalog.find([blob(1).id])[blob(1).id].offset == 32
    assert epoch_of(catalog, blob(1)) == second
    third = catalog.lease("c")
    catalog.record(Batch((), (blob(1).id,)), third)
    assert epoch_of(catalog, blob(1)) == third


def test_epochs_only_grow_and_a_lease_ends_the_one_before(catalog: SqliteCatalog) -> None:
    one, two, three = catalog.lease("a"), catalog.lease("b"), catalog.lease("a")
    assert one < two < three
    assert catalog.leases() == {"a": three, "b": two}
    catalog.release("a", one)
    assert catalog.leases() == {"a": three, "b": two}
    catalog.release("a", three)
    assert catalog.leases() == {"b": two}
    assert catalog.lease("a") > three
    catalog.raise_epoch(1000)
    catalog.raise_epoch(10)
    assert catalog.lease("a") == 1001


@pytest.mark.parametrize("broken", ["lease", "use"])
def test_a_refused_batch_leaves_nothing(catalog: SqliteCatalog, broken: str) -> None:
    epoch = catalog.lease("a")
    if broken == "lease":
        catalog.lease("a")
    used = (b"gone" * 4,) if broken == "use" else ()
    with pytest.raises(StaleLease):
        catalog.record(Batch((blob(1),), used, (Segment(NAME, 700),), Mark("a", 1, bytes(32))), epoch)
    assert catalog.totals() == Totals(0, 32)
    assert catalog.mark("a") is None
    catalog.record(Batch((blob(1),)), catalog.lease("a"))


def test_marks_that_were_lost_say_so_until_there_are_new_ones(catalog: SqliteCatalog) -> None:
    catalog.lose_marks(["b", "a"])
    assert [(mark.mailbox_id, mark.lost) for mark in catalog.marks()] == [("a", True), ("b", True)]
    catalog.record(Batch(mark=Mark("a", 0, bytes(32))), catalog.lease("a"))
    assert [(mark.mailbox_id, mark.lost) for mark in catalog.marks()] == [("a", False), ("b", True)]


def test_a_write_during_a_check_raises_no_alarm(
    catalog: SqliteCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SqliteCatalog(tmp_path / "catalog.db", KEY)
    count = SetDigest.add_all

    def add_all(self: SetDigest, facts: object) -> None:
        count(self, facts)  # type: ignore[arg-type]
        other.lease("a")

    monkeypatch.setattr(SetDigest, "add_all", add_all)
    assert list(catalog.problems()) == []
    other.close()


def test_an_interrupt_while_the_digest_is_taken_is_not_swallowed(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = catalog.lease("a")
    with monkeypatch.context() as patch:
        patch.setattr(SetDigest, "_hash", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            catalog.record(Batch((blob(1),)), epoch)
    assert catalog.totals().blobs == 0
    catalog.record(Batch((blob(1),)), epoch)
    assert list(catalog.problems()) == []


def test_a_wrong_key_and_a_missing_or_newer_file_are_refused(catalog: SqliteCatalog, tmp_path: Path) -> None:
    with pytest.raises(Tampered):
        SqliteCatalog(tmp_path / "catalog.db", bytes(32))
    with pytest.raises(StoreError, match="missing"):
        SqliteCatalog(tmp_path / "none.db", KEY)
    catalog._connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(StoreError, match="format"):
        SqliteCatalog(tmp_path / "catalog.db", KEY)


def test_nothing_is_readable_without_the_key(catalog: SqliteCatalog, tmp_path: Path) -> None:
    catalog.record(Batch(mark=Mark("planted-marker", 1, b"digest-marker" * 2)), catalog.lease("planted-marker"))
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert b"marker" not in data, file.name
        assert NAME.encode() not in data, file.name


STATEMENTS = {
    f"{schema.FIND} (?, ?)": 2,
    schema.BLOBS_AFTER: 2,
    schema.ADD_BLOB: 6,
    schema.USE_BLOB: 2,
    schema.GROW_SEGMENT: 3,
    schema.SET_LEASE: 2,
    schema.SET_MARK: 3,
    "SELECT 1 FROM lease WHERE epoch = ?": 1,
    "SELECT number FROM segment WHERE name = ?": 1,
    "SELECT name, length, sealed FROM segment ORDER BY number": 0,
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_sorts_and_none_walks_the_blobs(catalog: SqliteCatalog, statement: str) -> None:
    rows = catalog._connection.execute(f"EXPLAIN QUERY PLAN {statement}", [1] * STATEMENTS[statement]).fetchall()
    plan = " ".join(row[3] for row in rows)
    assert "TEMP B-TREE" not in plan
    assert "SCAN blob" not in plan


def _lease_many(path: Path, name: str, count: int) -> list[int]:
    catalog = SqliteCatalog(path, KEY)
    epochs = [catalog.lease(name) for _ in range(count)]
    catalog.close()
    return epochs


def test_epochs_are_unique_over_processes(catalog: SqliteCatalog, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        jobs = [pool.apply_async(_lease_many, (tmp_path / "catalog.db", name, 50)) for name in ("a", "b")]
        one, two = (job.get(60) for job in jobs)
    assert sorted(one + two) == list(range(1, 101))
