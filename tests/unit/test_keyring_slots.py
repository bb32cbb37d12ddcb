"""Slots of the keyring: added, removed, exchanged; and a key file's rotation, cut at every step."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.errors import ConfigError, KeyRefused, StorageFull
from replicator.mailstore.keys import FileRoot, Keyring, PassphraseRoot, Slots
from replicator.mailstore.keys.rotation import rotate_file

ALICE = "alice.smith@corp.example"


class PowerCut(BaseException):
    """Nothing runs after it, not even what waits for an Exception."""


@pytest.fixture
def root(tmp_path: Path) -> FileRoot:
    return FileRoot.create(tmp_path / "key")


@pytest.fixture
def path(tmp_path: Path, root: FileRoot) -> Path:
    Keyring.create(tmp_path / "keyring.json", root).add(ALICE)
    return tmp_path / "keyring.json"


def slots(path: Path, root: FileRoot | PassphraseRoot) -> Slots:
    return Slots(Keyring.open(path, root), root)


def phrase(text: str) -> PassphraseRoot:
    return PassphraseRoot(lambda: text)


def test_an_added_key_opens_the_same_mailstore(path: Path, root: FileRoot) -> None:
    before = Keyring.open(path, root)
    slot = slots(path, root).add(phrase("correct horse"))
    after = Keyring.open(path, phrase("correct horse"))
    assert (after.key_id, after.catalog_key, after.names()) == (before.key_id, before.catalog_key, before.names())
    assert after.mailbox(ALICE) == before.mailbox(ALICE)
    assert [each.kind for each in slots(path, root).all()] == ["file", "passphrase"]
    assert slots(path, root).opened_by(phrase("correct horse")) == slot
    with pytest.raises(KeyRefused):
        Keyring.open(path, phrase("wrong horse"))


def test_a_key_that_opens_is_not_added_twice(path: Path, root: FileRoot) -> None:
    with pytest.raises(ConfigError, match="opens slot"):
        slots(path, root).add(root)
    assert len(slots(path, root).all()) == 1


def test_the_last_slot_and_the_one_in_use_stay(path: Path, root: FileRoot) -> None:
    mine = slots(path, root)
    with pytest.raises(ConfigError, match="is the last"):
        mine.remove(mine.all()[0].id, root)
    added = mine.add(phrase("x"))
    with pytest.raises(ConfigError, match="in use"):
        mine.remove(mine.all()[0].id, root)
    with pytest.raises(ConfigError, match="no slot"):
        mine.remove("00000000", root)
    mine.remove(added.id, root)
    with pytest.raises(KeyRefused):
        Keyring.open(path, phrase("x"))


def test_the_one_in_use_goes_where_another_opens(path: Path, root: FileRoot) -> None:
    mine = slots(path, root)
    mine.add(phrase("x"))
    mine.remove(mine.all()[0].id, phrase("x"))
    with pytest.raises(KeyRefused):
        Keyring.open(path, root)
    assert Keyring.open(path, phrase("x")).names().keys() == {ALICE}


def test_an_exchange_is_one_write(path: Path, root: FileRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    good = path.read_bytes()
    mine = slots(path, root)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(StorageFull):
            mine.exchange(root, phrase("x"))
    assert path.read_bytes() == good
    mine.exchange(root, phrase("x"))
    assert [slot.kind for slot in mine.all()] == ["passphrase"]
    with pytest.raises(KeyRefused):
        Keyring.open(path, root)


def test_slots_and_mailboxes_that_others_change_meanwhile_stay(path: Path, root: FileRoot) -> None:
    running, mine = Keyring.open(path, root), slots(path, root)
    mine.add(phrase("x"))
    running.add("bob")
    mine.exchange(root, phrase("y"))
    running.add("carol")
    opened = Keyring.open(path, phrase("y"))
    assert opened.names().keys() == {ALICE, "bob", "carol"}
    assert Keyring.open(path, phrase("x")).key_id == opened.key_id


def test_who_reads_the_keyring_just_before_a_rotation_gets_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring was read with the old slots, the key file when it held the new key."""
    root = FileRoot(path.parent / "key")
    slot_key = FileRoot.slot_key

    def rotating(self: FileRoot, parameters: dict[str, str | int]) -> bytes:
        monkeypatch.setattr(FileRoot, "slot_key", slot_key)
        rotate_file(slots(path, root), root.path)
        return slot_key(self, parameters)

    monkeypatch.setattr(FileRoot, "slot_key", rotating)
    assert Keyring.open(path, root).names().keys() == {ALICE}


def test_a_rotated_file_opens_and_its_old_content_does_not(path: Path, root: FileRoot) -> None:
    before = root.path.read_bytes()
    mine = slots(path, root)
    other = mine.add(phrase("x"))
    rotate_file(mine, root.path)
    assert root.path.read_bytes() != before
    assert root.path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == ["key", "keyring.json", "lock"]
    assert Keyring.open(path, root).mailbox(ALICE)
    assert other in mine.all()
    assert len(mine.all()) == 2
    _refuses(path, before)


def _refuses(path: Path, key: bytes) -> None:
    old = path.parent / "copy of the old key"
    old.write_bytes(key)
    old.chmod(0o600)
    with pytest.raises(KeyRefused):
        Keyring.open(path, FileRoot(old))
    old.unlink()


CALLS = ("open", "fsync", "link", "replace", "unlink")


def cutting(patch: pytest.MonkeyPatch, at: int, *, after: bool) -> list[str]:
    """Cuts the power at the n-th call that reaches the disk, before or after it is done."""
    made: list[str] = []

    def wrap(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            made.append(name)
            if len(made) == at and not after:
                raise PowerCut
            result = call(*args, **kwargs)
            if len(made) == at and after:
                raise PowerCut
            return result

        return wrapped

    for name in CALLS:
        patch.setattr(os, name, wrap(name, getattr(os, name)))
    return made


def steps() -> Iterator[tuple[int, bool]]:
    yield from ((at, after) for at in range(1, 60) for after in (False, True))


def test_a_rotation_cut_at_any_step_leaves_a_file_that_opens_and_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = by_hand = 0
    for at, after in steps():
        place = tmp_path / f"{at} {after}"
        place.mkdir()
        root = FileRoot.create(place / "key")
        path = place / "keyring.json"
        Keyring.create(path, root).add(ALICE)
        before, mine = root.path.read_bytes(), slots(path, root)
        with monkeypatch.context() as patch:
            made = cutting(patch, at, after=after)
            try:
                rotate_file(mine, root.path)
            except PowerCut:
                cuts += 1
        assert Keyring.open(path, root).names().keys() == {ALICE}, (at, after, made)
        if len(made) < at:
            break
        by_hand += _completed(path, root)
        assert [slot.kind for slot in slots(path, root).all()] == ["file"], (at, after, made)
        assert root.path.read_bytes() != before
        assert sorted(each.name for each in place.iterdir()) == ["key", "keyring.json", "lock"], (at, after, made)
        _refuses(path, before)
    assert cuts > 30
    # Only where a key has no slot, so that it could be another mailstore's: what was just made, or is just to go.
    assert by_hand < cuts / 2


def _completed(path: Path, root: FileRoot) -> bool:
    """Runs it again; whether a file had to be deleted by hand, as the error says."""
    mine = slots(path, root)
    left = [file for name in ("key.new", "key.old") if (file := path.parent / name).exists()]
    strangers = [file for file in left if file.stat().st_size and mine.opened_by(FileRoot(file)) is None]
    if not strangers:
        rotate_file(mine, root.path)
        return False
    with pytest.raises(ConfigError, match="in the way") as raised:
        rotate_file(mine, root.path)
    assert "delete it" in raised.value.advice
    (stranger,) = strangers
    stranger.unlink()
    if stranger.name == "key.new":
        rotate_file(mine, root.path)
    return True


def test_a_link_stays_one_and_the_key_stays_its_owners(path: Path, root: FileRoot) -> None:
    real = path.parent / "real" / "key"
    real.parent.mkdir()
    root.path.rename(real)
    root.path.symlink_to(real)
    before, owner = real.read_bytes(), os.geteuid()
    if owner == 0:  # as when an administrator does it for the user of the service
        owner = 65534
        os.chown(real, owner, owner)
    rotate_file(slots(path, root), root.path)
    assert root.path.is_symlink()
    assert (real.stat().st_uid, [each.name for each in real.parent.iterdir()]) == (owner, ["key"])
    assert real.read_bytes() != before
    assert Keyring.open(path, root).key_id


@pytest.mark.parametrize("name", ["key.new", "key.old"])
def test_a_key_of_something_else_is_neither_taken_nor_deleted(path: Path, root: FileRoot, name: str) -> None:
    other = FileRoot.create(path.parent / name).path
    before = (other.read_bytes(), root.path.read_bytes(), path.read_bytes())
    with pytest.raises(ConfigError, match="in the way"):
        rotate_file(slots(path, root), root.path)
    assert (other.read_bytes(), root.path.read_bytes(), path.read_bytes()) == before


def test_a_strange_old_key_beside_a_rotation_that_was_broken_off(path: Path, root: FileRoot) -> None:
    mine = slots(path, root)
    mine.add(FileRoot.create(path.parent / "key.new"))
    other = FileRoot.create(path.parent / "key.old").path
    before = (other.read_bytes(), root.path.read_bytes(), path.read_bytes())
    with pytest.raises(ConfigError, match=r"key\.old is in the way"):
        rotate_file(mine, root.path)
    assert (other.read_bytes(), root.path.read_bytes(), path.read_bytes()) == before
    other.unlink()
    rotate_file(mine, root.path)
    assert len(mine.all()) == 1


def test_a_copy_of_the_key_in_use_is_no_old_key(path: Path, root: FileRoot) -> None:
    copy = path.parent / "key.old"
    copy.write_bytes(root.path.read_bytes())
    copy.chmod(0o600)
    with pytest.raises(ConfigError, match="in the way"):
        rotate_file(slots(path, root), root.path)
    assert len(slots(path, root).all()) == 1


OPEN = """
import sys; from pathlib import Path; from replicator.mailstore.keys import FileRoot, Keyring
path, key, stop = map(Path, sys.argv[1:])
opened = 0
while not stop.exists():
    keyring = Keyring.open(path, FileRoot(key))
    if opened < 20: keyring.add(f"mailbox {opened}")
    opened += 1
print(opened)
"""


def test_a_process_that_opens_and_adds_meanwhile_never_fails(path: Path, root: FileRoot) -> None:
    stop = path.parent / "stop"
    arguments = [sys.executable, "-c", OPEN, str(path), str(root.path), str(stop)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            rotate_file(slots(path, root), root.path)
        while process.poll() is None and len(Keyring.open(path, root).names()) < 21:
            pass
        stop.touch()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(out) >= 20
    assert len(Keyring.open(path, root).names()) == 21
