"""The keyring: who opens it, what a change to it does, and that nothing in it says whose mail this is."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from connectors.errors import ConfigError, KeyRefused, StorageFull, Tampered
from replicator.mailstore.keys import FileRoot, Keyring, MailboxKeys, PassphraseRoot, expand
from replicator.mailstore.keys.document import Document

ALICE = "alice.smith@corp.example"


def counting() -> Callable[[int], bytes]:
    """Bytes that can be told apart."""
    state = [0]

    def random_bytes(count: int) -> bytes:
        state[0] += 1
        return bytes([state[0] % 256]) * count

    return random_bytes


@pytest.fixture
def root(tmp_path: Path) -> FileRoot:
    return FileRoot.create(tmp_path / "key")


@pytest.fixture
def path(tmp_path: Path, root: FileRoot) -> Path:
    Keyring.create(tmp_path / "keyring.json", root)
    return tmp_path / "keyring.json"


def test_what_is_made_opens_again_with_the_same_keys(path: Path, root: FileRoot) -> None:
    one = Keyring.open(path, root)
    alice = one.add(ALICE)
    two = Keyring.open(path, root)
    assert (two.key_id, two.catalog_key, two.content_key) == (one.key_id, one.catalog_key, one.content_key)
    assert two.mailbox(ALICE) == two.by_id(alice.id) == two.add(ALICE) == alice
    assert two.names() == {ALICE: alice.id}
    assert two.mailbox("bob") is None
    with pytest.raises(KeyRefused):
        two.by_id("00" * 8)


def test_all_keys_differ(path: Path, root: FileRoot) -> None:
    keyring = Keyring.open(path, root)
    keys = [keyring.catalog_key, keyring.content_key]
    for name in ("a", "b"):
        mailbox = keyring.add(name)
        keys += [mailbox.database, mailbox.wraps, mailbox.digest]
        assert (len(mailbox.database), len(mailbox.wraps), len(mailbox.digest), len(mailbox.id)) == (32, 64, 32, 16)
    assert len({key[:32] for key in keys}) == len(keys)


def test_expand_is_hkdf_expand() -> None:
    for length in (16, 32, 48, 64):
        assert expand(b"k" * 32, b"info", length) == HKDFExpand(hashes.SHA512(), length, b"info").derive(b"k" * 32)
    with pytest.raises(ValueError, match="64"):
        expand(b"k" * 32, b"info", 65)


def test_another_key_file_opens_nothing(path: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        Keyring.open(path, FileRoot.create(tmp_path / "other"))
    with pytest.raises(KeyRefused):
        Keyring.open(path, PassphraseRoot(lambda: "x"))
    with pytest.raises(KeyRefused):
        Keyring.open(path, FileRoot(tmp_path / "none"))
    with pytest.raises(KeyRefused):
        Keyring.open(tmp_path / "none.json", FileRoot(tmp_path / "other"))


@pytest.mark.parametrize("text", [b"", b"short", b"!" * 44, b"QUJD"])
def test_a_file_that_is_no_key_is_refused(path: Path, tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(text)
    with pytest.raises(KeyRefused, match="not a key file"):
        Keyring.open(path, FileRoot(file))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_can_read_is_refused(path: Path, root: FileRoot, mode: int) -> None:
    root.path.chmod(mode)
    with pytest.raises(ConfigError, match="by others"):
        Keyring.open(path, root)


def test_files_are_private_and_never_replaced(path: Path, root: FileRoot) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert root.path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes(), root.path.read_bytes()
    with pytest.raises(FileExistsError):
        FileRoot.create(root.path)
    with pytest.raises(FileExistsError):
        Keyring.create(path, root)
    assert (path.read_bytes(), root.path.read_bytes()) == before


def test_a_passphrase_opens_what_it_made(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    made = Keyring.create(path, PassphraseRoot(lambda: "correct horse"))
    assert Keyring.open(path, PassphraseRoot(lambda: "correct horse")).content_key == made.content_key
    with pytest.raises(KeyRefused):
        Keyring.open(path, PassphraseRoot(lambda: "wrong horse"))
    with pytest.raises(KeyRefused, match="empty"):
        Keyring.open(path, PassphraseRoot(lambda: ""))
    slot = json.loads(path.read_text())["slots"][0]
    assert (slot["parameters"]["memory_kib"], slot["parameters"]["passes"], slot["parameters"]["lanes"]) == (
        65536,
        3,
        4,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("memory_kib", 1 << 30), ("passes", 10**9), ("lanes", 0), ("passes", "3"), ("salt", "zz"), ("salt", "")],
)
def test_impossible_passphrase_parameters_are_refused_before_they_cost_anything(
    tmp_path: Path, name: str, value: object
) -> None:
    path = tmp_path / "keyring.json"
    Keyring.create(path, PassphraseRoot(lambda: "x"))
    members = json.loads(path.read_text())
    members["slots"][0]["parameters"][name] = value
    path.write_text(json.dumps(members))
    with pytest.raises(Tampered):
        Keyring.open(path, PassphraseRoot(lambda: "x"))


def test_every_change_to_the_file_is_noticed(path: Path, root: FileRoot) -> None:
    keyring = Keyring.open(path, root)
    keyring.add("a")
    keyring.add("b")
    good = path.read_text()

    def changed(change: Callable[[dict[str, object]], object]) -> None:
        members = json.loads(good)
        change(members)
        path.write_text(json.dumps(members))
        with pytest.raises((Tampered, KeyRefused)):
            Keyring.open(path, root)

    a, b = json.loads(good)["mailboxes"]
    changed(lambda m: m["mailboxes"].pop(a))
    changed(lambda m: m["mailboxes"].update({a: m["mailboxes"][b], b: m["mailboxes"][a]}))
    changed(lambda m: m["mailboxes"][a].update(name=m["mailboxes"][b]["name"]))
    changed(lambda m: m["slots"].append(m["slots"][0]))
    changed(lambda m: m.update(extra=1))
    changed(lambda m: m.update(format=2))
    changed(lambda m: m.update(key_id="00" * 8))
    changed(lambda m: m.pop("mac"))
    changed(lambda m: m.update(slots=7))
    for offset in range(0, len(good), 7):
        path.write_text(good[:offset] + chr(ord(good[offset]) ^ 1) + good[offset + 1 :])
        try:
            again = Keyring.open(path, root)
        except (Tampered, KeyRefused):
            continue
        assert json.loads(path.read_text()) == json.loads(good), offset
        assert again.names() == keyring.names()
    path.write_text("[" * 100_000)
    with pytest.raises(Tampered):
        Keyring.open(path, root)


def test_an_entry_from_another_mailstore_is_refused(path: Path, root: FileRoot, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Keyring.create(tmp_path / "other" / "keyring.json", root)
    other.add("a")
    members, foreign = json.loads(path.read_text()), json.loads((tmp_path / "other" / "keyring.json").read_text())
    members["mailboxes"] = foreign["mailboxes"]
    path.write_text(json.dumps(members))
    with pytest.raises(Tampered):
        Keyring.open(path, root)


def test_names_and_keys_show_nowhere(path: Path, root: FileRoot, tmp_path: Path) -> None:
    keyring = Keyring.open(path, root)
    keys = [keyring.add(ALICE), keyring.add("b"), keyring.add("ü" * 20)]
    for file in tmp_path.rglob("*"):
        assert b"alice" not in (file.name.encode() + (file.read_bytes() if file.is_file() else b""))
    sizes = {len(entry["name"]) for entry in json.loads(path.read_text())["mailboxes"].values()}
    assert len(sizes) == 1
    shown = repr(keyring) + repr(root) + repr(PassphraseRoot(lambda: "secret")) + "".join(map(repr, keys))
    assert "secret" not in shown
    for secret in [
        keyring.content_key,
        keyring.catalog_key,
        *(getattr(k, n) for k in keys for n in ("database", "wraps")),
    ]:
        assert secret.hex() not in shown
        assert repr(secret) not in shown


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_cannot_come_back_are_refused(path: Path, root: FileRoot, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Keyring.open(path, root).add(name)


ADD = """
import sys; from pathlib import Path; from replicator.mailstore.keys import FileRoot, Keyring
path, key, start = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
keyring = Keyring.open(path, FileRoot(key))
for number in range(start, start + 30): keyring.add(f"mailbox {number}")
"""


def test_two_processes_that_add_lose_nothing(path: Path, root: FileRoot) -> None:
    """They overlap in ten mailboxes, for which both have to get the same key."""
    runs = [subprocess.Popen([sys.executable, "-c", ADD, path, root.path, str(start)]) for start in (0, 20)]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert sorted(Keyring.open(path, root).names()) == sorted(f"mailbox {number}" for number in range(50))


def test_what_another_has_added_meanwhile_stays(path: Path, root: FileRoot) -> None:
    one, two = Keyring.open(path, root), Keyring.open(path, root)
    added = {name: keyring.add(name) for name, keyring in (("a", one), ("b", two), ("c", one))}
    assert two.add("a") == added["a"]
    assert Keyring.open(path, root).names() == {name: keys.id for name, keys in added.items()}


def test_chance_comes_in_as_an_argument(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        root = FileRoot.create(tmp_path / name / "key", counting())
        keyring = Keyring.create(tmp_path / name / "keyring.json", root, counting())
        made.append((keyring.key_id, keyring.add("a")))
    assert made[0] == made[1]
    assert isinstance(made[0][1], MailboxKeys)


def test_many_mailboxes_take_one_write(path: Path, root: FileRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, other = Keyring.open(path, root), Keyring.open(path, root)
    alice = other.add(ALICE)
    writes = []
    write = Document.write
    monkeypatch.setattr(Document, "write", lambda self, *to: (writes.append(1), write(self, *to)))
    names = [f"{number}@x" for number in range(300)]
    keyring.add_all([*names, ALICE, *names])
    assert len(writes) == 1
    assert keyring.add(ALICE) == alice
    keyring.add_all(names)
    assert len(writes) == 1
    other.refresh()
    assert other.names() == keyring.names()
    assert len(set(other.names().values())) == 301


def test_a_full_disk_is_said_and_leaves_the_keyring_as_it_was(
    path: Path, root: FileRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring.open(path, root)
    good = path.read_bytes()
    for call in ("open", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
            with pytest.raises(StorageFull):
                keyring.add(ALICE)
    assert path.read_bytes() == good
    assert keyring.add(ALICE) == Keyring.open(path, root).mailbox(ALICE)
