"""Names of mailboxes in the keyring as they change: what is remembered, what is sealed, what is refused."""

import json
from pathlib import Path

import pytest

from connectors.errors import ConfigError, Tampered
from replicator.mailstore.keys import About, FileRoot, Keyring
from replicator.mailstore.keys.naming import rename, retire

ALICE, BOB, CAROL = "alice@corp.example", "bob@corp.example", "carol@corp.example"


@pytest.fixture
def root(tmp_path: Path) -> FileRoot:
    return FileRoot.create(tmp_path / "key")


@pytest.fixture
def keyring(tmp_path: Path, root: FileRoot) -> Keyring:
    made = Keyring.create(tmp_path / "keyring.json", root)
    made.add_all((ALICE, BOB))
    return made


def held(_: str) -> bool:
    return True


def opened(root: FileRoot) -> Keyring:
    return Keyring.open(root.path.parent / "keyring.json", root)


def test_a_renamed_mailbox_keeps_its_keys_and_its_past(keyring: Keyring, root: FileRoot) -> None:
    before = keyring.mailbox(ALICE)
    rename(keyring, ALICE, CAROL, held)
    rename(keyring, CAROL, "c@x", held)
    other = opened(root)
    assert other.mailbox("c@x") == before
    assert other.names().keys() == {"c@x", BOB}
    assert other.former() == {ALICE: "c@x", CAROL: "c@x"}
    for name in (ALICE, CAROL):
        with pytest.raises(ConfigError, match="renamed to c@x"):
            other.add(name)
    rename(other, "c@x", ALICE, held)
    assert opened(root).former() == {CAROL: ALICE, "c@x": ALICE}
    assert opened(root).add(ALICE) == before


def test_a_process_that_read_before_does_not_make_the_old_name_anew(keyring: Keyring, root: FileRoot) -> None:
    running, new = opened(root), opened(root)
    rename(keyring, ALICE, CAROL, held)
    assert running.mailbox(ALICE) == keyring.mailbox(CAROL)
    new.add("dave@x")
    with pytest.raises(ConfigError, match="renamed"):
        new.add(ALICE)
    with pytest.raises(ConfigError, match="renamed"):
        running.add_all(["eve@x", ALICE])
    assert opened(root).names().keys() == {CAROL, BOB, "dave@x"}


def test_a_name_that_is_anothers_now_is_forgotten_by_the_first(keyring: Keyring, root: FileRoot) -> None:
    rename(keyring, ALICE, CAROL, held)
    rename(keyring, BOB, ALICE, held)
    assert opened(root).former() == {BOB: ALICE}
    assert opened(root).about(CAROL) == About()


def test_what_is_held_is_never_replaced(keyring: Keyring, root: FileRoot) -> None:
    alice, bob = keyring.mailbox(ALICE), keyring.mailbox(BOB)
    with pytest.raises(ConfigError, match="held here already"):
        rename(keyring, ALICE, BOB, held)
    assert (opened(root).mailbox(ALICE), opened(root).mailbox(BOB)) == (alice, bob)
    assert bob is not None
    rename(keyring, ALICE, BOB, lambda _: False)  # a key with nothing behind it, as a crash leaves, or a run beginning
    assert opened(root).mailbox(BOB) == alice
    assert opened(root).by_id(bob.id) == bob, "a run that has made it may be about to use it"
    assert opened(root).names().keys() == {BOB, f"{BOB}.{bob.id}"}


def test_a_leaver_is_written_once_and_outlives_a_rename(keyring: Keyring, root: FileRoot) -> None:
    path = root.path.parent / "keyring.json"
    retire(keyring, ALICE, 12.5)
    written = path.read_bytes()
    retire(keyring, ALICE, 99.0)
    assert path.read_bytes() == written
    rename(keyring, ALICE, CAROL, held)
    assert opened(root).about(CAROL) == About(12.5, (ALICE,))
    retire(keyring, CAROL, None)
    assert opened(root).about(CAROL) == About(None, (ALICE,))
    with pytest.raises(ConfigError, match="holds no mailbox"):
        retire(keyring, "nobody@x", 1.0)


def test_what_is_said_of_a_mailbox_is_sealed_and_bound_to_it(keyring: Keyring, root: FileRoot) -> None:
    path = root.path.parent / "keyring.json"
    before = path.read_bytes()
    retire(keyring, ALICE, 1.0)
    rename(keyring, BOB, CAROL, held)
    text = json.loads(path.read_text())
    ids = [keyring.names()[name] for name in (ALICE, CAROL)]
    assert "bob" not in path.read_text()
    assert len({len(text["mailboxes"][key]["about"]) for key in ids}) == 1  # padded alike
    for damage in (
        lambda m: m[ids[0]].pop("about"),
        lambda m: m[ids[0]].update(about=m[ids[1]]["about"]),
        lambda m: m[ids[0]].update(about="00" * 80),
        lambda m: m[ids[0]].update(about="no hex"),
    ):
        changed = json.loads(json.dumps(text))
        damage(changed["mailboxes"])
        path.write_text(json.dumps(changed))
        with pytest.raises(Tampered):
            opened(root)
    path.write_bytes(before)
    assert opened(root).about(ALICE) == About()


def test_nothing_to_say_is_nothing_written(keyring: Keyring, root: FileRoot) -> None:
    retire(keyring, ALICE, 1.0)
    retire(keyring, ALICE, None)
    assert "about" not in (root.path.parent / "keyring.json").read_text()
