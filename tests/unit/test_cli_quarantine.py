"""`quarantine`: listed, tried at once, accepted; and what each does to exit codes."""

import json

import pytest

from connectors.errors import ItemUnreadable
from connectors.memory import INBOX
from connectors.testing.faulty import EACH, Refuse
from tests.desk import ALICE, BOB, Desk, desk_fixture  # noqa: F401 - gives `desk`


@pytest.fixture
def poisoned(desk: Desk) -> Desk:
    """Two messages of Alice's cannot be had, and every pass so far has tried them."""
    desk.server.scripts["alice"] = tuple(
        Refuse(f"1:{uid}", ItemUnreadable("the server cannot read it"), EACH) for uid in (2, 3)
    )
    for _ in range(3):
        assert desk.type("sync").code == 3
    return desk


def test_what_could_not_be_taken_and_why(poisoned: Desk) -> None:
    first, second = poisoned.type("quarantine", "list").lines
    assert first.items() >= {"mailbox": ALICE, "folder": "INBOX", "uid": "2", "state": "quarantined"}.items()
    assert first.items() >= {"code": "ItemUnreadable", "reason": "the server cannot read it", "accepted": False}.items()
    assert (first["sha256"], first["attempts"]) == (None, 2)
    assert first["due"] > first["tried"]
    assert second["uid"] == "3"
    assert poisoned.type("quarantine", "list", BOB).lines == []
    assert poisoned.type("quarantine", "list", "--json").lines == [first, second]
    assert poisoned.type("quarantine", "list", "nobody@x").code == 2


def test_a_retry_waits_for_no_due_time(poisoned: Desk) -> None:
    """The pause after the second failure is minutes; `sync` waits for it, a retry does not."""
    del poisoned.server.scripts["alice"]
    assert poisoned.type("sync").code == 3
    poisoned.server.sessions.clear()
    answer = poisoned.type("quarantine", "retry")
    assert answer.code == 0
    assert [(line["uid"], line["state"], line["reason"]) for line in answer.lines] == [
        ("2", "live", None), ("3", "live", None)
    ]  # fmt: skip
    assert poisoned.server.sessions == ["alice"]
    assert poisoned.type("quarantine", "list").lines == []
    assert poisoned.type("sync").code == 0
    assert poisoned.type("verify", "--read-data").code == 0


def test_a_retry_that_fails_says_so(poisoned: Desk) -> None:
    answer = poisoned.type("quarantine", "retry", ALICE)
    assert answer.code == 3
    assert [(line["state"], line["attempts"]) for line in answer.lines] == [("quarantined", 3)] * 2


def test_a_retry_with_nothing_to_do_asks_no_server(desk: Desk) -> None:
    desk.type("sync")
    desk.server.sessions.clear()
    assert desk.type("quarantine", "list").err == "nothing is in quarantine\n"
    assert desk.type("-q", "quarantine", "list").err == ""
    answer = desk.type("quarantine", "retry")
    assert (answer.code, answer.out, "nothing is in quarantine" in answer.err) == (0, b"", True)
    assert desk.server.sessions == []
    for quiet in (("retry",), ("accept", "--mailbox", ALICE)):
        assert desk.type("-q", "quarantine", *quiet).err == ""


def test_what_is_accepted_counts_no_more_and_is_tried_still(poisoned: Desk) -> None:
    first, second = poisoned.type("quarantine", "list").lines
    (answer,) = poisoned.type("quarantine", "accept", first["id"]).lines
    assert answer == {**first, "accepted": True}
    run = poisoned.type("sync", "--json")
    assert (run.code, run.json["mailboxes"][0]["unaccepted"]) == (3, 1)
    assert poisoned.type("quarantine", "accept", "--mailbox", ALICE).code == 0
    run = poisoned.type("sync", "--json")
    assert (run.code, run.json["ok"], run.json["mailboxes"][0]["unaccepted"]) == (0, True, 0)
    assert [line["accepted"] for line in poisoned.type("quarantine", "list").lines] == [True, True]
    assert [line["quarantined"] for line in _folders(poisoned)] == [2]
    assert poisoned.type("quarantine", "retry").code == 0
    assert [line["accepted"] for line in poisoned.type("quarantine", "list").lines] == [True, True]
    # A new one is news again.
    poisoned.server.mailboxes["alice"].append(INBOX, b"Subject: new\r\n\r\n")
    poisoned.server.scripts["alice"] += (Refuse("1:4", ItemUnreadable("nor this"), EACH),)
    assert poisoned.type("sync").code == 3
    assert poisoned.type("verify").code == 0
    assert second["uid"] == "3"


def _folders(desk: Desk) -> list[dict[str, int]]:
    return json.loads(desk.type("status", ALICE, "--json").out)["mailboxes"][0]["folders"]  # type: ignore[no-any-return]


def test_only_what_is_in_quarantine_can_be_accepted(poisoned: Desk) -> None:
    (live, *_) = poisoned.type("list", ALICE).lines
    quarantined = poisoned.type("quarantine", "list").lines[0]["id"]
    for wrong in (live["id"], live["item"], "nonsense", "0123456789abcdef.p1"):
        answer = poisoned.type("quarantine", "accept", quarantined, wrong)
        assert (answer.code, wrong in answer.err, quarantined in answer.err) == (2, True, False)
    assert [line["accepted"] for line in poisoned.type("quarantine", "list").lines] == [False, False]
    assert poisoned.type("quarantine", "accept").code == 2
    assert poisoned.type("quarantine", "accept", quarantined, "--mailbox", ALICE).code == 2
    assert poisoned.type("quarantine", "accept", "--mailbox", BOB).code == 0


def test_full_tries_all_again(poisoned: Desk) -> None:
    del poisoned.server.scripts["alice"]
    run = poisoned.type("sync", "--full", "--json").json["mailboxes"][0]
    assert (run["recovered"], run["seen"], run["unaccepted"]) == (2, 0, 0)
