"""The fields that scripts rely on: each command's --json has at least these, in these types, and keeps them."""

from datetime import datetime
from typing import Any

import pytest

from connectors.errors import ItemUnreadable
from connectors.testing.faulty import EACH, Refuse
from tests.desk import ALICE, BOB, Desk, desk_fixture  # noqa: F401 - gives `desk`

Shape = dict[str, Any]
"""Of an object: a type or several for a value, a list of one shape, another object, or a set of what it may be."""

COUNTS = (
    "folders", "seen", "stored", "merged", "filtered", "quarantined", "recovered", "removed", "flags_changed",
    "unverified", "bytes", "full_passes",
)  # fmt: skip
TEXT_OR_NONE = (str, type(None))
ERROR: Shape = {"code": str, "message": str, "advice": str}
PLACEMENT: Shape = {
    "id": str,
    "item": TEXT_OR_NONE,
    "side": {"primary", "standby", "journal"},
    "folder": str,
    "uid": str,
    "flags": [str],
    "internaldate": str,
    "size": (int, type(None)),
    "sha256": TEXT_OR_NONE,
    "message_id": str,
    "subject": str,
    "origin": {"primary", "standby", "journal"},
    "state": {"live", "removed", "quarantined"},
}
DOCUMENTS: dict[tuple[str, ...], Shape] = {
    ("init",): {"mailstore": str, "key_id": str, "created": bool},
    ("doctor",): {"ok": bool, "checks": [{"name": str, "ok": bool, "detail": str, "advice": str}]},
    ("sync",): {
        "ok": bool,
        "run": str,
        "seconds": float,
        "mailboxes": [
            {
                "mailbox": str,
                "ok": bool,
                "error": (dict, type(None)),
                "mirror": {"off", "diverged", "done"},
                "seconds": float,
                **dict.fromkeys(COUNTS, int),
            }
        ],
    },
    ("status",): {
        "mailboxes": [
            {
                "mailbox": str,
                "state": {"replicating", "continuity", "failing_back", "retired"},
                "messages": int,
                "bytes": int,
                "stored_bytes": int,
                "last_success": TEXT_OR_NONE,
                "not_covered": [str],
                "folders": [
                    {
                        "path": str,
                        "side": str,
                        "balanced": bool,
                        **dict.fromkeys(
                            ("live", "removed", "quarantined", "filtered", "source_count", "unlisted"), int
                        ),
                    }
                ],
            }
        ],
        "mailstore": dict.fromkeys(("messages", "unique_messages", "bytes", "stored_bytes"), int),
    },
    ("verify",): {"ok": bool, "messages": int, "bytes": int, "errors": [dict]},
    ("verify", "--source"): {"ok": bool, "messages": int, "bytes": int, "errors": [{"where": str, "what": str}]},
    ("export", "--mailbox", ALICE, "--format", "mbox", "--output", "out"): {
        "messages": int,
        "bytes": int,
        "manifest_sha256": str,
        "exceptions": [{"id": str, "reason": str}],
    },
    ("key", "list"): {"key_id": str, "slots": [{"slot": str, "kind": str, "in_use": bool}]},
}
LINES: dict[tuple[str, ...], Shape] = {
    ("list", ALICE): PLACEMENT,
    ("list", ALICE, "--state", "all"): PLACEMENT,
    ("quarantine", "list"): {"mailbox": str, **PLACEMENT, "code": str, "reason": str, "accepted": bool},
    ("mailbox", "discover", "corp"): {"source": str, "name": str, "covered_by": TEXT_OR_NONE},
}


@pytest.fixture
def used(desk: Desk) -> Desk:
    """Two mailboxes, and a third that is not covered. Of each one message cannot be had: never, or not any more."""
    refusal = ItemUnreadable("the server cannot read it")
    desk.server.scripts["alice"] = (Refuse("1:2", refusal, EACH),)
    desk.fill("carol", "c1")
    assert desk.type("sync").code == 3
    desk.server.scripts["bob"] = (Refuse("1:1", refusal, EACH),)
    return desk


def check(shape: Any, value: Any, where: str) -> None:
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert value.keys() >= shape.keys(), where
        for name, inner in shape.items():
            check(inner, value[name], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for each in value:
            check(shape[0], each, f"{where}[]")
    elif isinstance(shape, set):
        assert value in shape, where
    else:  # True is an int to isinstance, and not to a script
        assert type(value) in (shape if isinstance(shape, tuple) else (shape,)), where


@pytest.mark.parametrize(("command", "shape"), DOCUMENTS.items())
def test_one_document(used: Desk, command: tuple[str, ...], shape: Shape) -> None:
    document = used.type(*command, "--json").json
    check(shape, document, " ".join(command))
    assert all(document[name] for name, inner in shape.items() if isinstance(inner, list) and inner != [dict])


@pytest.mark.parametrize(("command", "shape"), LINES.items())
def test_a_line_each(used: Desk, command: tuple[str, ...], shape: Shape) -> None:
    lines = used.type(*command, "--json").lines
    assert lines
    for line in lines:
        check(shape, line, " ".join(command))


@pytest.mark.parametrize(
    "command", [("sync", "nobody@x"), ("list", "nobody@x"), ("key", "turn"), ("mailbox", "discover", "crop")]
)
def test_an_error(used: Desk, command: tuple[str, ...]) -> None:
    check({"error": ERROR}, used.type(*command, "--json").json, " ".join(command))


def test_what_the_fields_say(used: Desk) -> None:
    used.fill("alice", "a1", "new")
    alice = used.type("sync", "--json").json["mailboxes"][0]
    parts = ("seen", "stored", "merged", "filtered", "quarantined")
    assert [alice[part] for part in parts] == [2, 1, 1, 0, 0]
    (folder,) = used.type("status", ALICE, "--json").json["mailboxes"][0]["folders"]
    assert (folder["live"], folder["quarantined"], folder["source_count"], folder["balanced"]) == (4, 1, 5, True)
    for line in used.type("list", BOB).lines:
        assert datetime.fromisoformat(line["internaldate"]).tzinfo is not None
        assert (line["item"], line["size"], line["sha256"]) != (None, None, None)
