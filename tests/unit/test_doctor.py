"""`doctor`: what each check says, that none hides another, and which exit code is told."""

import json
import os
import pwd
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.abilities import Survey
from connectors.errors import LoginRefused, Unanswered, Unreachable, Untrusted
from replicator.doctor import machine
from replicator.doctor.check import Check
from replicator.doctor.machine import check_clock, check_disk, check_libraries, guarded
from replicator.mailstore.keys import FileRoot
from tests.desk import ALICE, BOB, CONFIG, Desk, Memory, NoSettings, desk_fixture  # noqa: F401 - gives `desk`

ALL = ["libraries", "config", "secrets", "permissions", "key", "mailstore", "disk", "clock"]
LOGINS = [f"login {ALICE}", f"login {BOB}"]


class Surveyed(Memory):
    """A connector that tells of its door."""

    def __init__(self, like: Memory, survey: Callable[[], Survey]) -> None:
        super().__init__()
        self.mailboxes, self._survey = like.mailboxes, survey

    def survey(self, source: NoSettings) -> Survey:
        return self._survey()


def checks(desk: Desk, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    answer = desk.type("doctor", "--json", *arguments)
    assert answer.json["ok"] is (answer.code == 0)
    assert [set(check) for check in answer.json["checks"]] == [
        {"name", "ok", "warning", "detail", "advice"} for _ in answer.json["checks"]
    ]
    return answer.code, {check["name"]: check for check in answer.json["checks"]}


def failed(found: dict[str, dict[str, str]]) -> list[str]:
    return [name for name, check in found.items() if not check["ok"]]


def files(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in root.rglob("*")
    }


def test_all_is_well_and_nothing_is_changed(desk: Desk) -> None:
    desk.type("sync")
    before = files(desk.directory)
    code, found = checks(desk)
    assert (code, list(found)[: len(ALL)], sorted(list(found)[len(ALL) :])) == (0, ALL, LOGINS)
    assert failed(found) == []
    assert not any(check["warning"] for check in found.values())
    assert "folders: 1" in found[LOGINS[0]]["detail"]
    assert "SQLCipher" in found["libraries"]["detail"]
    assert files(desk.directory) == before
    shown = desk.type("doctor").out.decode()
    assert shown.count("ok       ") == len(found)
    assert desk.type("-q", "doctor").out == b""


def test_a_bad_configuration_ends_with_2(desk: Desk) -> None:
    desk.configure(CONFIG.replace("[mailstore]", "[mailstor]"))
    code, found = checks(desk)
    assert (code, failed(found), list(found)) == (2, ["config"], ["libraries", "config"])
    assert "did you mean" in found["config"]["detail"]
    lines = desk.type("doctor").out.decode().splitlines()
    assert sum("replicator.toml" in line for line in lines) == found["config"]["detail"].count("replicator.toml")


def test_a_missing_key_beside_a_mailstore(desk: Desk) -> None:
    desk.type("sync")
    desk.key.unlink()
    code, found = checks(desk)
    assert (code, failed(found)) == (12, ["key"])
    assert "put" in found["key"]["advice"]
    assert "a new one cannot" in found["key"]["advice"]
    assert "init" not in found["key"]["advice"]


def test_a_missing_key_without_a_mailstore(desk: Desk) -> None:
    shutil.rmtree(desk.directory / "mailstore")
    desk.key.unlink()
    code, found = checks(desk)
    assert (code, failed(found)) == (12, ["key", "mailstore"])
    assert "replicator init" in found["key"]["advice"]
    assert "replicator init" in found["mailstore"]["advice"]


def test_the_wrong_key(desk: Desk) -> None:
    desk.key.unlink()
    assert desk.type("key", "list").code == 12
    FileRoot.create(desk.key)
    code, found = checks(desk)
    assert (code, failed(found)) == (12, ["key"])


def test_no_mailstore(desk: Desk) -> None:
    shutil.rmtree(desk.directory / "mailstore")
    code, found = checks(desk)
    assert (code, failed(found)) == (10, ["mailstore"])


def test_a_newer_format(desk: Desk) -> None:
    file = desk.directory / "mailstore" / "format.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))
    code, found = checks(desk)
    assert (code, failed(found), "newer" in found["mailstore"]["advice"]) == (1, ["mailstore"], True)


def test_a_mailstore_that_cannot_be_looked_at_hides_no_other_check(desk: Desk) -> None:
    """As for a user to whom its directory is closed; a directory in the file's place stops root too."""
    file = desk.directory / "mailstore" / "format.json"
    file.unlink()
    file.mkdir()
    code, found = checks(desk)
    assert (code, failed(found)) == (1, ["mailstore"])
    assert found["mailstore"]["detail"] == f"{file}: Is a directory"
    assert all(found[login]["ok"] for login in LOGINS)


@pytest.mark.parametrize(("lost", "code"), [("catalog.db", 13), ("seg", 13), ("keyring.json", 13)])
def test_what_is_lost_of_a_mailstore(desk: Desk, lost: str, code: int) -> None:
    desk.type("sync")
    path = desk.directory / "mailstore" / lost
    path.rename(desk.directory / "elsewhere")
    found = checks(desk)
    assert (found[0], failed(found[1])) == (code, ["mailstore"])
    assert lost in found[1]["mailstore"]["detail"]
    assert not path.exists()


def test_secrets_and_mailstore_that_others_can_read(desk: Desk) -> None:
    (desk.directory / "password").write_text("open sesame")
    (desk.directory / "password").chmod(0o644)
    desk.configure(CONFIG.replace('"alice" }', '"alice", password = { file = "password" } }'))
    (desk.directory / "mailstore").chmod(0o755)
    code, found = checks(desk)
    assert (code, failed(found)) == (2, ["secrets"])
    assert "chmod 600" in found["secrets"]["detail"]
    assert found["permissions"]["warning"]
    assert "chmod 700" in found["permissions"]["advice"]


def test_another_users_mailstore(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    code, found = checks(desk)
    assert (code, found["permissions"]["warning"]) == (0, True)
    assert "run it as" in found["permissions"]["advice"]


def test_a_mailstore_of_a_user_without_a_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, or after the user was deleted."""
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    code, found = checks(desk)
    assert (code, found["permissions"]["warning"]) == (0, True)
    assert f"run it as user {owner}," in found["permissions"]["advice"]


def test_a_leaver_is_not_tried(desk: Desk) -> None:
    desk.type("sync")
    desk.type("mailbox", "retire", ALICE)
    desk.server.refusals["alice"] = LoginRefused("gone")
    assert checks(desk)[0] == 0
    assert checks(desk, ALICE)[0] == 14


def test_every_login_refused_is_14_and_some_are_3(desk: Desk) -> None:
    desk.server.refusals["alice"] = LoginRefused("alice: wrong password", "renew it")
    code, found = checks(desk)
    assert (code, failed(found), found[LOGINS[0]]["advice"]) == (3, LOGINS[:1], "renew it")
    assert checks(desk, BOB)[0] == 0
    assert checks(desk, ALICE)[0] == 14
    desk.server.refusals["bob"] = LoginRefused("bob: wrong password")
    assert checks(desk)[0] == 14


def test_a_source_that_no_one_reaches_is_tried_once(desk: Desk) -> None:
    desk.server.refusals = dict.fromkeys(("alice", "bob"), Unreachable("no route"))
    code, found = checks(desk)
    assert (code, failed(found), desk.server.sessions) == (14, LOGINS, ["alice"])
    assert found[LOGINS[1]]["detail"] == "not tried: no route"
    assert found[LOGINS[1]]["advice"] == "see to the source corp first"


def test_a_server_that_never_answers_does_not_hold_the_rest(desk: Desk) -> None:
    forever = threading.Event()

    def survey() -> Survey:
        forever.wait(60)
        return Survey("late")

    desk.plug(Surveyed(desk.server, survey))
    code, found = checks(desk, "--timeout", "1")
    forever.set()
    assert (code, failed(found)) == (14, ["source corp"])
    assert ALICE in found["source corp"]["detail"]


@pytest.mark.parametrize(("days", "warned"), [(20.5, True), (22.5, False)])
def test_a_certificate_that_ends_soon_is_warned_of(desk: Desk, days: float, warned: bool) -> None:
    def survey() -> Survey:
        return Survey("TLSv1.3", expires=datetime.now(UTC) + timedelta(days=days))

    desk.plug(Surveyed(desk.server, survey))
    code, found = checks(desk)
    assert (code, found["source corp"]["ok"], found["source corp"]["warning"]) == (0, True, warned)


def test_a_door_of_which_nothing_is_told(desk: Desk) -> None:
    desk.plug(Surveyed(desk.server, lambda: Survey("")))
    assert b"ok       source corp: \n" in desk.type("doctor").out


def test_a_door_that_is_not_trusted(desk: Desk) -> None:
    def survey() -> Survey:
        raise Untrusted("corp: unknown authority", "name it")

    desk.plug(Surveyed(desk.server, survey))
    code, found = checks(desk)
    assert (code, failed(found)) == (3, ["source corp"])


def test_a_silent_server_is_waited_for_once(desk: Desk) -> None:
    """Each login would wait as long again, and the time that servers may take would be over before it had its say."""

    def survey() -> Survey:
        raise Unanswered("corp: the server sent no greeting", "check the port")

    desk.plug(silent := Surveyed(desk.server, survey))
    code, found = checks(desk)
    assert (code, failed(found), silent.sessions) == (14, ["source corp", *LOGINS], [])
    assert found[LOGINS[0]]["detail"] == "not tried: corp: the server sent no greeting"


def test_a_bug_in_one_check_hides_none(desk: Desk) -> None:
    def survey() -> Survey:
        raise ZeroDivisionError("the text of an error may quote anything")

    desk.plug(Surveyed(desk.server, survey))
    code, found = checks(desk)
    assert (code, failed(found)) == (3, ["source corp"])
    assert all(found[login]["ok"] for login in LOGINS)
    assert "quote" not in json.dumps(found)
    (check,) = guarded("x", lambda: Path("/none").stat())  # type: ignore[arg-type, return-value]
    assert (check.detail, check.advice) == (
        "/none: No such file or directory",
        "look at the path; is a disk not mounted?",
    )
    (check,) = guarded("x", lambda: 1 // 0)  # type: ignore[return-value, arg-type]
    assert (check.ok, check.exit_code) == (False, 1)


def test_the_clock() -> None:
    now = 1_800_000_000.0
    assert check_clock(now, None, {}).ok
    assert check_clock(now, now - 1e6, {"corp": 12.0}).ok
    assert "set back" in check_clock(now, now + 3600, {}).advice
    wrong = check_clock(now, None, {"corp": -4000.0, "dr": 1.0})
    assert (wrong.ok, "corp: -4000 s" in wrong.detail, "dr" in wrong.detail) == (False, True, False)


def test_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_disk(tmp_path / "not" / "there" / "yet").ok
    monkeypatch.setattr(machine, "LEAST_FREE", 1 << 62)
    full = check_disk(tmp_path)
    assert (full.ok, full.exit_code) == (False, 1)
    monkeypatch.setattr(machine, "LEAST_FREE", 0)
    monkeypatch.setattr(machine, "SCARCE", 101)
    assert check_disk(tmp_path).warns


def test_a_database_library_that_cannot_encrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_libraries().ok
    monkeypatch.setattr(machine, "dbapi2", sqlite3)
    plain = check_libraries()
    assert (plain.ok, "without SQLCipher" in plain.detail) == (False, True)


def test_a_warning_is_no_failure() -> None:
    assert Check("x", ok=True, detail="d", advice="a").warns
    assert not Check.bad("x", "d", "a").warns
