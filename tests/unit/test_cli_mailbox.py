"""`mailbox`: found, renamed in either order, retired and taken back."""

import json

import pytest

from connectors.memory import INBOX
from tests.desk import ALICE, BOB, CONFIG, Account, Desk, NoSettings, desk_fixture  # noqa: F401 - gives `desk`

ALICIA = "alicia@corp.example"
RENAMED = CONFIG.replace(ALICE, ALICIA)


def seen(desk: Desk, *arguments: str) -> dict[str, int]:
    return {
        mailbox["mailbox"]: mailbox["seen"] for mailbox in desk.type("sync", "--json", *arguments).json["mailboxes"]
    }


def test_a_rename_before_the_configuration(desk: Desk) -> None:
    desk.type("sync")
    before = desk.type("list", ALICE).lines
    answer = desk.type("mailbox", "rename", ALICE, ALICIA)
    assert (answer.code, f"change its id in {desk.directory}/replicator.toml to {ALICIA}" in answer.err) == (0, True)
    # Until then nothing is fetched again under the old name, and the others go on.
    desk.fill("bob", "b4")
    run = desk.type("sync", "--json")
    assert run.code == 3
    found = {mailbox["mailbox"]: mailbox for mailbox in run.json["mailboxes"]}
    assert found[BOB]["seen"] == 1
    assert (found[ALICE]["error"]["code"], ALICIA in found[ALICE]["error"]["message"]) == ("ConfigError", True)
    assert desk.type("sync", ALICE).code == 2
    desk.configure(RENAMED)
    assert seen(desk) == {ALICIA: 0, BOB: 0}
    assert desk.type("list", ALICIA).lines == before
    assert desk.type("verify", "--read-data").code == 0


def test_a_rename_after_the_configuration(desk: Desk) -> None:
    desk.type("sync")
    before = desk.type("list", ALICE).lines
    desk.configure(RENAMED)
    assert desk.type("mailbox", "rename", ALICE, ALICIA).code == 0
    assert seen(desk) == {ALICIA: 0, BOB: 0}
    assert desk.type("list", ALICIA).lines == before


def test_a_rename_after_a_sync_under_the_new_name(desk: Desk) -> None:
    """Both are held then; neither is lost, and the way out is said."""
    desk.type("sync")
    before = desk.type("list", ALICE).lines
    desk.configure(RENAMED)
    assert seen(desk) == {ALICIA: 3, BOB: 0}
    refused = desk.type("mailbox", "rename", ALICE, ALICIA)
    assert (refused.code, f"{ALICIA}.2" in refused.err) == (2, True)
    assert desk.type("mailbox", "rename", ALICIA, f"{ALICIA}.2").code == 0
    assert desk.type("mailbox", "rename", ALICE, ALICIA).code == 0
    assert seen(desk) == {ALICIA: 0, BOB: 0}
    assert desk.type("list", ALICIA).lines == before
    assert len(desk.type("list", f"{ALICIA}.2").lines) == 3


def test_there_and_back_again(desk: Desk) -> None:
    desk.type("sync")
    for old, new in ((ALICE, ALICIA), (ALICIA, "a@x"), ("a@x", ALICE)):
        assert desk.type("mailbox", "rename", old, new).code == 0
    assert seen(desk) == {ALICE: 0, BOB: 0}


def test_a_name_that_is_free_again_can_be_anothers(desk: Desk) -> None:
    desk.type("sync")
    desk.type("mailbox", "rename", ALICE, ALICIA)
    desk.type("mailbox", "rename", BOB, ALICE)
    desk.configure(CONFIG.replace(ALICE, ALICIA).replace(BOB, ALICE))
    assert seen(desk) == {ALICIA: 0, ALICE: 0}


@pytest.mark.parametrize(
    ("old", "new"), [(ALICE, ALICE), (ALICE, BOB), ("nobody@x", "x@x"), (ALICE, "unclaimed"), (ALICE, "two\nlines")]
)
def test_renames_that_cannot_be(desk: Desk, old: str, new: str) -> None:
    desk.type("sync")
    before = desk.keyring.read_bytes()
    assert desk.type("mailbox", "rename", old, new).code == 2
    assert desk.keyring.read_bytes() == before


def test_no_name_is_in_clear(desk: Desk) -> None:
    desk.type("sync")
    desk.type("mailbox", "rename", ALICE, ALICIA)
    desk.type("mailbox", "retire", ALICIA)
    text = desk.keyring.read_text()
    assert "alic" not in text
    entries = json.loads(text)["mailboxes"].values()
    assert sorted(len(entry) for entry in entries) == [2, 3]
    assert json.loads((desk.directory / "mailstore" / "format.json").read_text())["features"] == ["about"]


def test_a_leaver(desk: Desk) -> None:
    desk.type("sync")
    assert desk.type("mailbox", "retire", ALICE, "--json").json["retired"]
    del desk.server.mailboxes["alice"]
    run = desk.type("sync", "--json")
    assert (run.code, [mailbox["mailbox"] for mailbox in run.json["mailboxes"]]) == (0, [BOB])
    assert f"{ALICE} is retired" in run.err
    asked = desk.type("sync", ALICE)
    assert (asked.code, "mailbox retire --undo" in asked.err) == (2, True)
    states = {mailbox["mailbox"]: mailbox["state"] for mailbox in desk.type("status", "--json").json["mailboxes"]}
    assert states == {ALICE: "retired", BOB: "replicating"}
    assert "retired" in desk.type("status", ALICE).out.decode()
    assert len(desk.type("list", ALICE).lines) == 3
    desk.configure(CONFIG.partition("[[mailbox]]")[0] + "[[mailbox]]" + CONFIG.rpartition("[[mailbox]]")[2])
    assert len(desk.type("list", ALICE).lines) == 3
    assert desk.type("verify", ALICE).code == 0


def test_a_leaver_who_comes_back(desk: Desk) -> None:
    desk.type("sync")
    for _ in range(2):
        assert desk.type("mailbox", "retire", ALICE).code == 0
    desk.server.mailboxes["alice"].append(INBOX, b"Subject: back\r\n\r\n")
    assert desk.type("mailbox", "retire", "--undo", ALICE, "--json").json == {"mailbox": ALICE, "retired": None}
    assert seen(desk) == {ALICE: 1, BOB: 0}


def test_what_is_not_held_cannot_be_retired(desk: Desk) -> None:
    assert desk.type("mailbox", "retire", ALICE).code == 2
    assert desk.type("mailbox", "retire", "nobody@x").code == 2


def test_mailboxes_that_are_not_covered(desk: Desk) -> None:
    desk.fill("carol", "c1")
    answer = desk.type("mailbox", "discover", "corp")
    assert (answer.code, answer.out, "not covered of corp: 1" in answer.err) == (0, b"carol\n", True)
    found = {line["name"]: line["covered_by"] for line in desk.type("mailbox", "discover", "corp", "--json").lines}
    assert found == {"alice": ALICE, "bob": BOB, "carol": None}


@pytest.mark.parametrize(
    "arguments",
    [
        ("crop",),
        (),
        ("corp", "--as", "nobody@x"),
        ("corp", "--username", "admin"),
        ("corp", "--password-env", "X"),
        ("corp", "--as", ALICE, "--username", "admin", "--password-env", "X"),
        ("corp", "--username", "admin", "--password-env", "X", "--password-file", "y"),
    ],
)
def test_discoveries_that_are_not_said_well(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk.type("mailbox", "discover", *arguments).code == 2


def test_a_login_of_which_others_can_read_the_secret(desk: Desk) -> None:
    """As `sync`; a login that is typed needs none of the configured ones."""
    (desk.directory / "password").write_text("open sesame")
    (desk.directory / "password").chmod(0o644)
    desk.configure(CONFIG.replace('"alice" }', '"alice", password = { file = "password" } }'))
    answer = desk.type("mailbox", "discover", "corp")
    assert (answer.code, "others can read" in answer.err) == (2, True)
    assert desk.type("mailbox", "discover", "corp", "--username", "admin", "--password-env", "X").code == 0


def test_quiet_says_nothing_of_what_went_well(desk: Desk) -> None:
    desk.type("sync")
    for command in (("rename", ALICE, ALICIA), ("retire", ALICIA), ("retire", "--undo", ALICIA)):
        answer = desk.type("-q", "mailbox", *command)
        assert (answer.code, answer.out, answer.err) == (0, b"", ""), command


class Mute:
    name = "memory"
    source_settings, mailbox_settings = NoSettings, Account


def test_a_connector_that_cannot_tell(desk: Desk) -> None:
    desk.plug(Mute())
    answer = desk.type("mailbox", "discover", "corp")
    assert (answer.code, "cannot tell which mailboxes there are" in answer.err) == (2, True)
