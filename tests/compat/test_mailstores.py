"""Every mailstore that a released format version wrote can still be read, checked and gone on with."""

import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

import fixtures.mailstores
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
