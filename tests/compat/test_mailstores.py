"""Every mailstore that a released format version wrote can still be read, checked and gone on with."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import fixtures.mailstores
from connectors.errors import StoreError
from connectors.memory import INBOX, MemorySource
from connectors.model import Failure, Message, Ref
from replicator.mailstore.mailbox import claims, schema
from replicator.mailstore.sqlcipher import open_database, transaction
from tests.shelf import NAME, Shelf

KEPT = sorted(path for path in Path(fixtures.mailstores.__file__).parent.glob("v*"))


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    directory = tmp_path / "kept"
    shutil.copytree(request.param, directory)
    (directory / "key").chmod(0o600)
    return Shelf(directory)


def test_there_is_one() -> None:
    assert KEPT


def test_it_is_read_with_its_history(shelf: Shelf) -> None:
    assert shelf.problems() == []
    with shelf.open() as mailstore:
        assert mailstore.names() == [NAME, "bob@corp.example"]
        store = mailstore.mailbox(NAME)
        states = Counter(listed.state for listed in store.listing(state="all"))
        assert states == {"live": 16, "removed": 1}
        for listed in store.listing(state="all"):
            assert listed.content is not None
            assert sha256(b"".join(store.read(listed))).digest() == listed.content.sha256
        assert {listed.path for listed in store.listing()} == {("INBOX",), ("Projects", "ü")}
        changed = "SELECT min(c.at) FROM placement_was w JOIN change c ON c.n = w.until"
        (at,) = store.database.connection.execute(changed).fetchone()
        then = list(store.listing(at=at / 1e6 - 0.5))
        assert {listed.path for listed in then} == {("INBOX",), ("Projects", "a/b")}
        assert next(listed.flags for listed in then if listed.ref.native == "2") == ("\\Seen",)


def test_it_goes_on(shelf: Shelf) -> None:
    """Another server by now: what it does not list has left, what is the same is held already."""
    shelf.now += 1_000_000
    shelf.fill(12)
    report = shelf.sync()
    assert (report.ok, report.counts.stored) == (True, 0)
    assert shelf.problems() == []


class Counting(MemorySource):
    bodies = 0

    def answer(self, ref: Ref) -> Message | Failure:
        Counting.bodies += 1
        return super().answer(ref)


def test_it_is_known_again_after_a_renumbering(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a version lacks for that is taken from its own content, not from the server."""
    monkeypatch.setattr(claims, "PROOF", 0)
    monkeypatch.setattr(Counting, "bodies", 0)
    shelf.now += 1_000_000
    shelf.server.create_folder(("Projects", "ü"))
    shelf.fill(12)
    shelf.fill(5, seed=2, path=("Projects", "ü"))
    shelf.server.expunge(INBOX, "3")
    for path in shelf.server.kept:
        shelf.server.renumber(path)
    report = shelf.sync(source=lambda: Counting(shelf.server))
    assert (report.ok, report.counts.unverified, report.counts.removed, Counting.bodies) == (True, 16, 16, 0)
    assert shelf.sync().counts.corrected == 0
    assert shelf.problems() == []


@pytest.fixture
def first(tmp_path: Path) -> Shelf:
    """The mailstore of version 1."""
    directory = tmp_path / "first"
    shutil.copytree(KEPT[0], directory)
    (directory / "key").chmod(0o600)
    return Shelf(directory)


def version(shelf: Shelf) -> int:
    with shelf.open() as mailstore:
        keys = mailstore.keyring.mailbox(NAME)
        assert keys is not None
        connection = open_database(mailstore.directory.mailbox(keys.id), keys.database)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()


@pytest.mark.parametrize("late", [True, False])
def test_a_crash_in_the_middle_of_a_migration_leaves_the_old_version(
    first: Shelf, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    class Crash(BaseException):
        pass

    @contextmanager
    def dying(connection: Any, path: Path) -> Iterator[None]:
        with transaction(connection, path):
            if late:
                yield
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(schema, "transaction", dying)
        with first.open() as mailstore, pytest.raises(Crash):
            mailstore.mailbox(NAME)
    assert version(first) == 1
    assert first.problems() == []
    assert version(first) == schema.VERSION


def test_a_format_of_the_future_is_refused(first: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    first.problems()
    monkeypatch.setattr(schema, "VERSION", schema.VERSION - 1)
    with (
        first.open() as mailstore,
        pytest.raises(StoreError, match=f"has format {schema.VERSION + 1}, this program knows"),
    ):
        mailstore.mailbox(NAME)


def test_version_2_keeps_doubts_names_troubles_and_its_index(tmp_path: Path) -> None:
    shutil.copytree(Path(fixtures.mailstores.__file__).with_name("v2"), tmp_path / "kept")
    (tmp_path / "kept" / "key").chmod(0o600)
    with Shelf(tmp_path / "kept").open() as mailstore:
        assert mailstore.keyring.former() == {"robert@corp.example": "bob@corp.example"}
        store = mailstore.mailbox("bob@corp.example")
        assert sum(listed.unverified for listed in store.listing()) == 11
        assert [trouble.folder for trouble in store.troubles.all()] == ["Projects/ü"]
        counts = store.index.counts()
        assert (counts.done, counts.backlog, counts.failed) == (17, 0, 0)
        several = "SELECT count(*) FROM version GROUP BY item HAVING count(*) > 1"
        assert store.database.connection.execute(several).fetchall() == [(2,)], "those of the edited message"
        assert len(list(store.search_text('"mail 7"'))) == 1
