"""However often the index is broken off, and wherever: in the end it is the one that is made in one go."""

import shutil
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.memory import INBOX
from fixtures.copies import pairs
from fixtures.ugly import mails
from replicator.engine import indexing
from replicator.engine.report import MailboxReport
from replicator.engine.step import Engine, MailboxJob, Progress
from replicator.mailstore import Mailstore
from replicator.mailstore.mailbox import index
from tests.properties.crashing import Crash, Fuse, FusedDisk, fused_transactions
from tests.shelf import NAME, Shelf

COUNT = 12
STEPS = 40
"""More than the durable steps of the passes below."""

Picture = dict[str, list[tuple[object, ...]]]


def run(shelf: Shelf, fuse: Fuse, seconds: float = float("inf")) -> None:
    """One step, with so many looks at the clock for the index."""
    with Mailstore.open(shelf.path, shelf.root, shelf.clock, FusedDisk(fuse)) as mailstore:
        engine = Engine(mailstore, "run", shelf.clock, shelf.clock, lambda *_: None)
        engine.indexing = seconds
        progress = Progress(MailboxReport(NAME))
        engine.step(MailboxJob(NAME, (shelf.side("primary"),)), progress, float("inf"))
        assert progress.report.ok, progress.report.error


def picture(shelf: Shelf) -> Picture:
    """All that the index says: rows, keys, and every word with its places."""
    with shelf.open() as mailstore:
        connection = mailstore.mailbox(NAME).database.connection
        connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, fulltext, instance)")
        tables = ("fingerprint", "fingerprint_key", "temp.words")
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mailstore with everything durable and nothing indexed; of its messages one is poison."""
    shelf = Shelf(tmp_path_factory.mktemp("durable"))
    for pair in pairs(5, COUNT // 4):
        for raw in (pair.a, pair.b):
            shelf.server.append(INBOX, raw, ())
    for ugly in mails(5, COUNT // 2):
        shelf.server.append(INBOX, ugly.raw, ())
    run(shelf, Fuse(), 0)
    return shelf.directory


@pytest.fixture(autouse=True)
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    real = index.read_searchable

    def read(chunks, size):  # type: ignore[no-untyped-def]
        found = real(chunks, size)
        if found[0].raw[0] % 7 == 0:
            raise RecursionError
        return found

    monkeypatch.setattr(index, "read_searchable", read)
    monkeypatch.setattr(indexing, "BATCH", 3)


def copied(durable: Path, to: Path) -> Shelf:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(durable, to)
    shelf = Shelf(to)
    shelf.server = Shelf(durable).server
    return shelf


@pytest.fixture(scope="module")
def whole(durable: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Picture]:
    """Kept over the tests: the index that was made in one go."""
    return {}


def made_in_one_go(durable: Path, whole: dict[str, Picture], to: Path) -> Picture:
    if "it" not in whole:
        shelf = copied(durable, to)
        run(shelf, Fuse())
        whole["it"] = picture(shelf)
        assert any(row[6] for row in whole["it"]["fingerprint"]), "one is poison"
        assert shelf.problems() == []
    return whole["it"]


def test_a_crash_at_each_durable_step(durable: Path, whole: dict[str, Picture], tmp_path: Path) -> None:
    expected = made_in_one_go(durable, whole, tmp_path / "whole")
    survived = 0
    for step in range(STEPS):
        shelf, fuse = copied(durable, tmp_path / "copy"), Fuse()
        fuse.left = step
        with fused_transactions(fuse):
            try:
                run(shelf, fuse)
                survived += 1
            except Crash:
                fuse.left = None
                run(shelf, fuse)
        assert picture(shelf) == expected
    assert 0 < survived < STEPS - 10, "the steps were all met"
    assert shelf.problems() == []


crashes = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 12)), max_size=6)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(crashes=crashes, batch=st.integers(1, 5), seed=st.integers(0, 999))
def test_many_crashes_and_short_runs(
    durable: Path,
    whole: dict[str, Picture],
    tmp_path_factory: pytest.TempPathFactory,
    crashes: list[tuple[int, int]],
    batch: int,
    seed: int,
) -> None:
    """Batches of another size than those of the whole, short budgets, crashes; `verify` is content all the way."""
    place = tmp_path_factory.mktemp("crashes")
    expected = made_in_one_go(durable, whole, place / "whole")
    shelf, rng = copied(durable, place / "copy"), Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "BATCH", batch)
        for step, seconds in crashes:
            fuse = Fuse()
            fuse.left = step
            with fused_transactions(fuse), suppress(Crash):
                run(shelf, fuse, float("inf") if rng.random() < 0.5 else float(seconds))
        assert shelf.problems(None) == []
        run(shelf, Fuse())
    assert picture(shelf) == expected
    assert shelf.problems() == []
