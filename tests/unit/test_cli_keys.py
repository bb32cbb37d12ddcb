"""`key`, as an operator types it."""

from pathlib import Path

import pytest

from tests.desk import ALICE, Desk, desk_fixture  # noqa: F401 - gives `desk`


@pytest.fixture
def phrases(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two passphrases: one in the environment, one in a file."""
    monkeypatch.setenv("PHRASE", "correct horse battery staple")
    file = desk.directory / "phrase"
    file.write_text("hardly ever guessed\n")
    file.chmod(0o600)
    return file


def test_a_mailstore_begins_with_one_slot(desk: Desk) -> None:
    answer = desk.type("key", "list", "--json").json
    (slot,) = answer["slots"]
    assert (slot["kind"], slot["in_use"], len(slot["slot"])) == ("file", True, 8)
    assert answer["key_id"] == desk.type("init", "--json").json["key_id"]
    assert slot["slot"] in desk.type("key", "list").out.decode()


def test_from_a_key_file_to_a_passphrase_and_back(desk: Desk, phrases: Path) -> None:
    desk.type("sync")
    before = desk.type("list", ALICE).lines
    assert desk.type("key", "add", "--passphrase-file", str(phrases)).code == 0
    by_file = (desk.directory / "replicator.toml").read_text()
    desk.configure(by_file.replace('{ file = "mailstore.key" }', '{ passphrase = { file = "phrase" } }'))
    slots = desk.type("key", "list", "--json").json["slots"]
    assert [(slot["kind"], slot["in_use"]) for slot in slots] == [("file", False), ("passphrase", True)]
    assert desk.type("key", "remove", slots[0]["slot"]).code == 0
    assert desk.type("list", ALICE).lines == before
    assert desk.type("key", "rotate", "--key-file", "mailstore.key").code == 0
    assert desk.type("status").code == 12
    desk.configure(by_file)
    assert desk.type("list", ALICE).lines == before
    assert desk.type("verify", "--read-data").code == 0


def test_a_rotation_in_place_needs_no_change_of_the_configuration(desk: Desk, phrases: Path) -> None:
    desk.type("sync")
    desk.type("key", "add", "--passphrase-env", "PHRASE")
    old = desk.key.read_bytes()
    answer = desk.type("key", "rotate")
    assert answer.code == 0
    assert "other keys that open the mailstore still: 1" in answer.err
    assert desk.key.read_bytes() != old
    assert desk.type("sync", "--json").json["mailboxes"][0]["seen"] == 0
    desk.key.write_bytes(old)
    refused = desk.type("status", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (12, "KeyRefused")


def test_a_key_file_is_made_where_there_is_none(desk: Desk) -> None:
    answer = desk.type("key", "add", "--key-file", "second.key", "--json")
    assert answer.json["made"] == "second.key"
    assert (desk.directory / "second.key").stat().st_mode & 0o777 == 0o600
    again = desk.type("key", "add", "--key-file", "second.key")
    assert (again.code, "opens slot" in again.err) == (2, True)


def test_nobody_locks_himself_out(desk: Desk) -> None:
    slot = desk.type("key", "list", "--json").json["slots"][0]["slot"]
    last = desk.type("key", "remove", slot)
    assert (last.code, "is the last" in last.err) == (2, True)
    desk.type("key", "add", "--key-file", "second.key")
    used = desk.type("key", "remove", slot)
    assert (used.code, "in use" in used.err, "--key-file" in used.err) == (2, True, True)
    wrong = desk.type("key", "remove", slot, "--key-file", "missing.key")
    assert wrong.code == 12
    assert desk.type("key", "remove", slot, "--key-file", "second.key").code == 0
    assert desk.type("status").code == 12


@pytest.mark.parametrize(
    "arguments",
    [
        ("add",),
        ("add", "--key-file", "a", "--passphrase-env", "B"),
        ("remove",),
        ("rotate", "--key-file", "a", "--passphrase-env", "B"),
        ("turn",),
    ],
)
def test_what_is_not_said_well_is_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    before = desk.keyring.read_bytes()
    assert desk.type("key", *arguments).code == 2
    assert desk.keyring.read_bytes() == before


def test_the_wrong_key_opens_nothing(desk: Desk) -> None:
    desk.key.unlink()
    for command in (("list",), ("rotate",), ("add", "--key-file", "new")):
        assert desk.type("key", *command).code == 12
    assert not desk.key.exists()
    assert not (desk.directory / "new").exists()


def test_an_empty_passphrase_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    before = desk.keyring.read_bytes()
    assert desk.type("key", "add", "--passphrase-env", "EMPTY").code == 12
    assert desk.keyring.read_bytes() == before
