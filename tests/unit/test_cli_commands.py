"""The commands end to end, in this process, over a mail server in memory."""

import hashlib
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import INBOX, MemoryMailbox
from connectors.model import Role
from replicator.export import files
from tests.desk import ALICE, BOB, Answer, Desk, Memory, plugged

CONFIG = """
[mailstore]
path = "mailstore"
key = { file = "mailstore.key" }
[source.corp]
connector = "memory"
[[mailbox]]
id = "alice@corp.example"
primary = { source = "corp", username = "alice" }
folders = { exclude = ['\\Trash', "Lists/*"] }
[[mailbox]]
id = "bob@corp.example"
primary = { source = "corp", username = "bob" }
"""
PLAIN = b"Message-ID: <1@x>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"
HOSTILE = b"Subject: \x1b]0;owned\x07\xff\nFrom: a\n\nbody\x1b[2J\x00"
ATTACHED = (
    b"Subject: two parts\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
    b'--b\nContent-Type: image/png\nContent-Disposition: attachment; filename="\xc3\xbc\x1b.png"\n'
    b"Content-Transfer-Encoding: base64\n\nQUJD\n--b--\n"
)
EXPORT = ("--mailbox", ALICE, "--format", "eml", "--output", "out")
WHEN = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


Type = Callable[..., Answer]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    return plugged(tmp_path.name, monkeypatch)


@pytest.fixture
def type_(
    server: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Type:
    """Types a command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_CONFIG", raising=False)
    desk = Desk(tmp_path, server, capfdbinary)
    desk.configure(CONFIG)
    return desk.type


@pytest.fixture
def alice(server: Memory, type_: Type) -> MemoryMailbox:
    """A mailbox with three messages and folders of every kind, and a mailstore that is made and empty."""
    mailbox = server.mailboxes["alice"] = MemoryMailbox()
    mailbox.create_folder(("Trash can",), Role.TRASH)
    mailbox.create_folder(("Lists", "python"))
    mailbox.create_folder(("a/b%", "..", "CON"))
    mailbox.append(INBOX, PLAIN, {"\\Seen", "$Label"}, WHEN)
    mailbox.append(INBOX, HOSTILE, (), WHEN)
    mailbox.append(("a/b%", "..", "CON"), ATTACHED, (), WHEN)
    mailbox.append(("Trash can",), b"Subject: gone\n\n", (), WHEN)
    assert type_("init").code == 0
    return mailbox


def test_init_makes_the_mailstore_and_its_key_once(server: Memory, type_: Type, tmp_path: Path) -> None:
    first = type_("init", "--json").json
    assert first["created"] is True
    assert first["mailstore"] == str(tmp_path / "mailstore")
    key = tmp_path / "mailstore.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert type_("init", "--json").json == {**first, "created": False}
    assert key.read_bytes() == before


def test_init_never_makes_a_key_for_a_mailstore_that_exists(server: Memory, type_: Type, tmp_path: Path) -> None:
    assert type_("init").code == 0
    (tmp_path / "mailstore.key").rename(tmp_path / "elsewhere")
    assert type_("init", "--json").code == 12
    assert not (tmp_path / "mailstore.key").exists()
    assert type_("status").code == 12


def test_init_makes_no_key_beside_what_is_left_of_a_mailstore(
    alice: MemoryMailbox, type_: Type, tmp_path: Path
) -> None:
    type_("sync", ALICE)
    mailstore, key = tmp_path / "mailstore", tmp_path / "mailstore.key"
    key.unlink()
    (mailstore / "format.json").rename(tmp_path / "format.json")
    for lost in ("nothing more", "keyring.json", "seg", "catalog.db"):
        if (mailstore / lost).exists():
            (mailstore / lost).rename(tmp_path / lost)
        for command in ("init", "status", "sync"):
            answer = type_(command, "--json")
            assert (answer.code, answer.json["error"]["code"]) == (12, "KeyRefused"), (lost, command)
        assert not key.exists()


def test_a_mailstore_without_its_format_is_none_to_be_made(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    (tmp_path / "mailstore" / "format.json").unlink()
    before = {path: path.read_bytes() for path in (tmp_path / "mailstore").rglob("*") if path.is_file()}
    for command in ("init", "status", "sync"):
        error = type_(command, "--json").json["error"]
        assert (error["code"], "restore format.json" in error["advice"]) == ("StoreError", True)
    assert {path: path.read_bytes() for path in (tmp_path / "mailstore").rglob("*") if path.is_file()} == before


def test_init_goes_on_where_it_was_broken_off(server: Memory, type_: Type, tmp_path: Path) -> None:
    assert type_("init").code == 0
    (tmp_path / "mailstore" / "format.json").unlink()
    assert type_("init", "--json").json["created"] is True


def test_init_takes_no_directory_of_others(server: Memory, type_: Type, tmp_path: Path) -> None:
    mailstore = tmp_path / "mailstore"
    mailstore.mkdir()
    (mailstore / "lost+found").mkdir()
    (mailstore / "thesis.odt").touch()
    answer = type_("init", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "ConfigError")
    assert "thesis.odt" in answer.json["error"]["message"]
    assert not (tmp_path / "mailstore.key").exists()
    (mailstore / "thesis.odt").unlink()
    assert type_("init").code == 0
    (tmp_path / "file").touch()
    (tmp_path / "replicator.toml").write_text(CONFIG.replace('"mailstore"', '"file"'))
    assert type_("init", "--json").code == 2


def test_quiet_is_silent_but_for_errors(server: Memory, type_: Type) -> None:
    server.mailboxes["alice"] = MemoryMailbox()
    for command in (["init"], ["init"], ["sync", ALICE], ["verify", "--read-data"], ["export", *EXPORT]):
        answer = type_("-q", *command)
        assert (answer.code, answer.out, answer.err) == (0, b"", ""), command
    assert type_("-q", "show", "x").err.startswith("replicator: there is no message 'x'\n  `replicator list")


def test_the_advice_to_keep_a_copy_is_no_data(server: Memory, type_: Type) -> None:
    answer = type_("init")
    assert b"keep a copy" not in answer.out
    assert "keep a copy of the key" in answer.err
    assert type_("init").err == ""


@pytest.mark.parametrize("command", [["sync"], ["status"], ["list", ALICE], ["verify"], ["show", "x"]])
def test_without_a_mailstore_it_is_10(server: Memory, type_: Type, tmp_path: Path, command: list[str]) -> None:
    answer = type_(*command, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (10, "NoMailstore")
    assert not (tmp_path / "mailstore").exists()


def test_sync_counts_and_a_second_run_sees_nothing(alice: MemoryMailbox, type_: Type) -> None:
    answer = type_("sync", ALICE, "--json")
    assert answer.code == 0
    [report] = answer.json["mailboxes"]
    assert answer.json["ok"] is report["ok"] is True
    assert (report["seen"], report["stored"], report["quarantined"], report["folders"]) == (3, 3, 0, 2)
    assert report["bytes"] == len(PLAIN + HOSTILE + ATTACHED)
    assert (report["error"], report["mirror"]) == (None, "off")
    [again] = type_("sync", ALICE, "--json").json["mailboxes"]
    assert (again["seen"], again["bytes"], again["full_passes"]) == (0, 0, 0)
    shown = type_("sync", ALICE)
    assert shown.out.startswith(b"alice@corp.example: 2 folders: 0 seen, 0 stored, 0 merged")
    assert type_("-q", "sync", ALICE).out == b""


def test_some_mailboxes_failing_is_3_all_is_14(alice: MemoryMailbox, type_: Type) -> None:
    answer = type_("sync", "--jobs", "1", "--json")
    assert answer.code == 3
    good, bad = answer.json["mailboxes"]
    assert (answer.json["ok"], good["ok"], bad["ok"]) == (False, True, False)
    assert bad["error"]["code"] == "LoginRefused"
    assert "error" not in answer.json
    alone = type_("sync", BOB, "--json")
    assert (alone.code, alone.json["ok"]) == (14, False)
    error = {**alone.json["mailboxes"][0]["error"], "message": "bob@corp.example: bob may not log in"}
    assert alone.json["error"] == error
    shown = type_("sync", "--jobs", "1")
    assert "bob@corp.example: bob may not log in\n  look at the password\n" in shown.err


def test_a_mailbox_that_is_not_there(alice: MemoryMailbox, type_: Type) -> None:
    answer = type_("sync", "alice@corp.exmaple", "--json")
    assert answer.code == 2
    assert f'did you mean "{ALICE}"?' in answer.json["error"]["message"]


def test_list_gives_the_fields_of_the_contract(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    first, second, third = type_("list", ALICE).lines
    assert list(first) == [
        "id", "item", "side", "folder", "uid", "flags", "internaldate", "size", "sha256", "message_id", "subject",
        "origin", "state", "unverified",
    ]  # fmt: skip
    assert first | {"id": "", "item": ""} == {
        "id": "",
        "item": "",
        "side": "primary",
        "folder": "INBOX",
        "uid": "1",
        "flags": ["$Label", "\\Seen"],
        "internaldate": "2026-02-03T04:05:06+00:00",
        "size": len(PLAIN),
        "sha256": hashlib.sha256(PLAIN).hexdigest(),
        "message_id": "<1@x>",
        "subject": "grüße",
        "origin": "primary",
        "state": "live",
        "unverified": False,
    }
    assert third["folder"] == "a%2Fb%25/../CON"
    assert type_("list", ALICE, "--json").lines == [first, second, third]
    assert type_("list", ALICE, "--folder", "a%2Fb%25/../CON").lines == [third]
    assert type_("list", ALICE, "--side", "standby").lines == []
    assert type_("list", BOB).lines == type_("list", "unclaimed").lines == []


def test_list_as_it_was(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    before = datetime.now(UTC)
    alice.expunge(INBOX, "1")
    alice.set_flags(INBOX, "2", {"\\Seen"})
    type_("sync", ALICE)
    assert [line["uid"] for line in type_("list", ALICE, "--folder", "INBOX").lines] == ["2"]
    assert [line["uid"] for line in type_("list", ALICE, "--state", "removed").lines] == ["1"]
    then = type_("list", ALICE, "--folder", "INBOX", "--at", before.isoformat()).lines
    assert [(line["uid"], line["flags"], line["state"]) for line in then] == [
        ("1", ["$Label", "\\Seen"], "live"),
        ("2", [], "live"),
    ]
    early = type_("list", ALICE, "--at", "2001-01-01")
    assert (early.code, early.out) == (2, b"")
    assert f"its first pass was at {datetime.now().astimezone():%Y-%m-%dT}" in early.err
    assert type_("export", *EXPORT, "--at", "2001-01-01").code == 2


def test_folders_are_found_or_named(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    two = type_("list", ALICE, "--folder", "INBOX").lines
    assert len(two) == 2
    assert type_("list", ALICE, "--folder", "inbox").lines == two
    assert len(type_("list", ALICE, "--folder", "a%2fb%25/../CON").lines) == 1
    for command in (["list", ALICE], ["export", *EXPORT]):
        answer = type_(*command, "--folder", "INBX", "--json")
        assert (answer.code, answer.json["error"]["code"]) == (2, "ConfigError")
        assert 'did you mean "INBOX"?' in answer.json["error"]["message"]
    assert not (tmp_path / "out").exists()
    assert type_("export", *EXPORT, "--folder", "Inbox", "--json").json["messages"] == 2


def test_a_folder_has_the_name_that_it_had(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    before = datetime.now(UTC).isoformat()
    alice.rename_folder(("a/b%", "..", "CON"), ("New",))
    type_("sync", ALICE)
    assert len(type_("list", ALICE, "--folder", "New").lines) == 1
    assert type_("list", ALICE, "--folder", "a%2Fb%25/../CON").code == 2
    assert len(type_("list", ALICE, "--folder", "a%2Fb%25/../CON", "--at", before).lines) == 1
    assert type_("list", ALICE, "--folder", "New", "--at", before).code == 2


def test_what_is_not_held_is_said(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    for command in (["list", BOB], ["verify", BOB, "--json"], ["export", *EXPORT, "--mailbox", BOB]):
        assert "nothing is held of bob@corp.example yet" in type_(*command).err
    assert type_("export", *EXPORT, "--mailbox", BOB, "--json").code == 1
    assert "standby" in type_("list", ALICE, "--side", "standby").err
    assert type_("list", ALICE).err == ""


def test_sync_without_a_mailbox(server: Memory, type_: Type, tmp_path: Path) -> None:
    (tmp_path / "replicator.toml").write_text(CONFIG.split("[[mailbox]]", maxsplit=1)[0])
    assert type_("init").code == 0
    answer = type_("sync", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (2, "ConfigError")
    assert type_("sync").err.startswith("replicator: ")


def test_names_that_are_known_are_not_all_told(server: Memory, type_: Type, tmp_path: Path) -> None:
    more = "".join(
        f'[[mailbox]]\nid = "m{n}@corp.example"\nprimary = {{ source = "corp", username = "m" }}\n' for n in range(50)
    )
    (tmp_path / "replicator.toml").write_text(CONFIG + more)
    assert type_("init").code == 0
    message = type_("list", "###", "--json").json["error"]["message"]
    assert message.endswith(", …)")
    assert message.count("@corp.example") == 5


def test_status_goes_on_beside_a_mailbox_that_cannot_be_opened(
    alice: MemoryMailbox, server: Memory, type_: Type, tmp_path: Path
) -> None:
    server.mailboxes["bob"] = MemoryMailbox()
    server.mailboxes["bob"].append(INBOX, PLAIN, (), WHEN)
    type_("sync", "--jobs", "1")
    id_ = type_("list", BOB).lines[0]["id"].split(".")[0]
    (tmp_path / "mailstore" / "mailbox" / id_[:2] / f"{id_}.db").write_bytes(bytes(8192))
    answer = type_("status", "--json")
    assert answer.code == 13
    good, bad = answer.json["mailboxes"]
    assert (good["mailbox"], good["messages"], good["error"]) == (ALICE, 3, None)
    assert (bad["mailbox"], bad["messages"], bad["error"]["code"]) == (BOB, 0, "Tampered")
    assert answer.json["mailstore"]["messages"] == 3
    assert "bob@corp.example: " in type_("status").err


def test_status_says_what_fails(alice: MemoryMailbox, server: Memory, type_: Type) -> None:
    assert type_("sync", "--jobs", "1").code == 3
    answer = type_("status", "--json")
    good, bad = answer.json["mailboxes"]
    assert (answer.code, good["errors"], bad["error"]) == (0, [], None)
    (trouble,) = bad["errors"]
    assert set(trouble) == {"side", "folder", "code", "message", "advice", "since", "last"}
    assert (trouble["side"], trouble["folder"], trouble["code"]) == ("primary", None, "LoginRefused")
    shown = type_("status", BOB).out.decode()
    assert f"FAILING since {trouble['since']}: bob may not log in\n  look at the password\n" in shown
    server.mailboxes["bob"] = MemoryMailbox()
    assert type_("sync", "--jobs", "1").code == 0
    assert "FAILING" not in type_("status").out.decode()


def test_status_says_of_what_was_renamed_only_here(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    type_("mailbox", "rename", ALICE, "smith@corp.example")
    answer = type_("status", "--json")
    assert answer.code == 2
    former = answer.json["mailboxes"][0]
    assert (former["mailbox"], former["error"]["code"]) == (ALICE, "ConfigError")
    assert former["error"]["message"] == "it was renamed to smith@corp.example in the mailstore"
    assert answer.json["mailboxes"][-1]["messages"] == 3
    for command in (["list", ALICE], ["verify", ALICE], ["export", *EXPORT], ["quarantine", "list", ALICE]):
        assert "was renamed to smith@corp.example in the mailstore" in type_(*command).err


def test_status_leaves_a_leaver_alone(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", "--jobs", "1")
    type_("mailbox", "retire", BOB)
    assert [each["errors"] for each in type_("status", "--json").json["mailboxes"]] == [[], []]


@pytest.mark.parametrize("share", ["200", "0", "-5", "101%"])
def test_a_share_that_is_none(alice: MemoryMailbox, type_: Type, share: str) -> None:
    answer = type_("verify", "--read-data", share)
    assert (answer.code, "is no percentage" in answer.err) == (2, True)


def test_a_choice_that_was_left_out_is_told_in_one_line(alice: MemoryMailbox, type_: Type) -> None:
    answer = type_("export", "--mailbox", ALICE)
    assert answer.err.splitlines()[0].endswith("Choose from: eml, mbox, maildir")


def test_verify_and_status_are_not_kept_by_a_password(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    password = tmp_path / "password"
    password.write_text("x")
    password.chmod(0o644)
    (tmp_path / "replicator.toml").write_text(
        CONFIG.replace('username = "alice"', 'username = "alice", password = { file = "password" }')
    )
    for command in (["verify"], ["status"], ["list", ALICE], ["export", *EXPORT]):
        assert type_(*command).code == 0
    answer = type_("sync", BOB, "--json")
    assert (answer.code, "chmod 600" in answer.json["error"]["message"]) == (2, True)


def test_status_says_what_is_held_and_what_is_not(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    answer = type_("status", "--json")
    held, waiting = answer.json["mailboxes"]
    assert (held["mailbox"], held["state"], held["messages"]) == (ALICE, "replicating", 3)
    assert held["bytes"] == len(PLAIN + HOSTILE + ATTACHED)
    assert sorted(held["not_covered"]) == ["Lists/python", "Trash can"]
    assert held["last_success"] is not None
    inbox = next(folder for folder in held["folders"] if folder["path"] == "INBOX")
    assert inbox == {
        "path": "INBOX",
        "side": "primary",
        "live": 2,
        "removed": 0,
        "quarantined": 0,
        "filtered": 0,
        "unverified": 0,
        "source_count": 2,
        "unlisted": 0,
        "balanced": True,
    }
    assert (waiting["mailbox"], waiting["messages"], waiting["last_success"]) == (BOB, 0, None)
    assert waiting.keys() == held.keys()
    assert set(answer.json["mailstore"]) == {"messages", "unique_messages", "bytes", "stored_bytes"}
    shown = type_("status").out.decode()
    assert "not covered: Trash can" in shown
    assert "bob@corp.example: 0 live messages, 0 B, sealed 0 B; last complete pass: none yet" in shown


def test_show_in_every_form(alice: MemoryMailbox, type_: Type) -> None:
    type_("sync", ALICE)
    _, hostile, attached = type_("list", ALICE).lines
    assert type_("show", attached["id"], "--raw").out == ATTACHED
    assert type_("show", hostile["item"], "--raw").out == HOSTILE
    described = type_("show", attached["id"], "--json").json
    assert [(part["path"], part["content_type"], part["size"]) for part in described["parts"]] == [
        ("1", "text/plain", 4),
        ("2", "image/png", 3),
    ]
    assert described["placements"] == [attached]
    assert ["Subject", "two parts"] in described["headers"]
    for message in (hostile, attached):
        assert not set(type_("show", message["id"]).out) & {0x1B, 0x07, 0x00}
        assert not set(type_("show", message["id"], "--json").out) & {0x1B, 0x07, 0x00}
    assert type_("show", attached["id"], "--envelope", "--json").json == {"envelope": None}


@pytest.mark.parametrize("id_", ["", "nonsense", "0123456789abcdef.p1", "../../etc/passwd", "p1"])
def test_show_of_what_is_not_there(alice: MemoryMailbox, type_: Type, id_: str) -> None:
    assert type_("show", id_, "--json").code == 2


def test_export_gives_the_exact_bytes_and_a_manifest(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    alice.expunge(INBOX, "1")
    type_("sync", ALICE)
    answer = type_("export", "--mailbox", ALICE, "--format", "eml", "--output", "out", "--json")
    assert answer.code == 0
    assert (answer.json["messages"], answer.json["exceptions"]) == (2, [])
    out = tmp_path / "out"
    manifest = (out / "manifest.jsonl").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == answer.json["manifest_sha256"]
    entries = [json.loads(line) for line in manifest.splitlines()]
    assert [{**entry, "file": None} for entry in entries] == [{"file": None, **x} for x in type_("list", ALICE).lines]
    files = {entry["file"]: (out / entry["file"]).read_bytes() for entry in entries}
    assert sorted(files.values()) == sorted([HOSTILE, ATTACHED])
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.eml")} == set(files)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (out, *out.rglob("*")))
    assert [str(Path(name).parent) for name in files] == ["INBOX", "a_b_/_/_CON"]
    assert not list(out.rglob("*.tmp"))


def test_an_export_that_was_interrupted_is_no_export(
    alice: MemoryMailbox, type_: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    type_("sync", ALICE)
    monkeypatch.setattr(files, "new_file", interrupt)
    answer = type_("export", *EXPORT)
    assert (answer.code, "remove out and export again" in answer.err) == (130, True)


def test_export_writes_over_nothing(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    command = ("export", "--mailbox", ALICE, "--format", "eml", "--output", "out", "--json")
    assert type_(*command).code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_export_stays_out_of_the_mailstore(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    (tmp_path / "link").symlink_to("mailstore/seg")
    for output in ("mailstore", "mailstore/out", "link/out"):
        answer = type_("export", *EXPORT[:-1], output, "--json")
        assert (answer.code, "within the mailstore" in answer.json["error"]["message"]) == (2, True)
    assert not list((tmp_path / "mailstore").rglob("out"))


def test_folders_named_like_the_manifest(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    for name in ("manifest.jsonl", "manifest.jsonl.tmp"):
        alice.create_folder((name,))
        alice.append((name,), name.encode(), (), WHEN)
    type_("sync", ALICE)
    assert type_("export", *EXPORT, "--json").json["messages"] == 5
    assert (tmp_path / "out" / "manifest.jsonl").is_file()


@pytest.mark.parametrize("full", ["manifest.jsonl.tmp", ".tmp"])
def test_export_onto_a_full_disk(
    alice: MemoryMailbox, type_: Type, tmp_path: Path, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_("sync", ALICE)
    new_file = files.new_file

    def without_room(path: Path) -> Any:
        file = new_file(path)
        if not path.name.endswith(full):
            return file
        file.close()
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(files, "new_file", without_room)
    answer = type_("export", *EXPORT, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "StorageFull")
    assert "make room" in answer.json["error"]["advice"]
    assert not list((tmp_path / "out").rglob("*p*.tmp"))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


def test_verify(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    size = len(PLAIN + HOSTILE + ATTACHED)
    for arguments in (
        [],
        ["--read-data"],
        ["--read-data", "1"],
        ["--read-data", ALICE],
        [ALICE, "--read-data", "100%"],
        ["--read-data=100"],
    ):
        answer = type_("verify", *arguments, "--json")
        assert (answer.code, answer.json) == (0, {"ok": True, "messages": 3, "bytes": size, "errors": []})
    [segment] = (tmp_path / "mailstore" / "seg").iterdir()
    flip(segment)
    assert type_("verify").code == type_("verify", "--json").code == 0
    answer = type_("verify", "--read-data", "--json")
    assert (answer.code, answer.json["ok"]) == (13, False)
    assert answer.json["errors"]
    assert b"problem" in type_("verify", "--read-data").out


def flip(segment: Path) -> None:
    """One bit of the last record, which is the last message's."""
    damaged = bytearray(segment.read_bytes())
    damaged[-10] ^= 1
    segment.write_bytes(damaged)


def test_export_of_damaged_mail_names_it_and_goes_on(alice: MemoryMailbox, type_: Type, tmp_path: Path) -> None:
    type_("sync", ALICE)
    [segment] = (tmp_path / "mailstore" / "seg").iterdir()
    flip(segment)
    answer = type_("export", "--mailbox", ALICE, "--format", "eml", "--output", "out", "--json")
    assert answer.code == 13
    assert (answer.json["messages"], len(answer.json["exceptions"])) == (2, 1)
    assert len(list((tmp_path / "out").rglob("*.eml"))) == 2
