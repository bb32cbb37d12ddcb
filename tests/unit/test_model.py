"""Values: equal by content, not to be changed, and small."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime
from inspect import getmembers, isclass
from math import inf
from pickle import dumps, loads

import pytest

from connectors import model
from connectors.errors import Disconnected, ItemGone
from connectors.model import (
    Capabilities,
    Cursor,
    Envelope,
    Failure,
    Folder,
    Gone,
    Hint,
    Message,
    Page,
    Quota,
    Ref,
    Role,
    Seen,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)

REF = Ref("f1", "7:12")
SEEN = Seen(REF, "9", frozenset({"\\Seen"}), datetime(2024, 1, 1, tzinfo=UTC), 10)
VALUES = [
    Folder("f1", ("A", "B")),
    REF,
    SEEN,
    Gone(REF),
    Page((SEEN, Gone(REF)), Cursor("c"), last=True),
    Envelope("a@example.test", ("b@example.test",)),
    Message(REF, (b"raw",)),
    Failure(REF, ItemGone("left")),
    Hint("f1"),
    Capabilities(reports_removals=True),
    Version("9", frozenset({"\\Seen"})),
    Stale(Version("10", frozenset())),
    Unknown(Disconnected("cut")),
    Quota(used=3, limit=10),
    TargetCapabilities(atomic=True),
]


def test_every_value_is_covered_here() -> None:
    defined = {
        each for _, each in getmembers(model, isclass) if each.__module__ == model.__name__ and is_dataclass(each)
    }
    assert {type(value) for value in VALUES} == defined


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen_and_slotted(value: object) -> None:
    assert not hasattr(value, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, "other")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [value for value in VALUES if not isinstance(value, Failure | Unknown)])
def test_a_value_is_its_content(value: object) -> None:
    copy = loads(dumps(value))
    assert copy == value
    assert hash(copy) == hash(value)


@pytest.mark.parametrize(("identity", "native"), [("7:12", "12"), ("AAMk=", "AAMk="), ("a:b:c", "c"), ("", "")])
def test_a_ref_knows_the_servers_id(identity: str, native: str) -> None:
    assert Ref("f1", identity).native == native


def test_roles_are_the_special_uses_of_rfc_6154() -> None:
    assert {role.value for role in Role} == {
        *("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"),
        *("\\Inbox", "\\Important", ""),  # INBOX is no attribute; RFC 8457 has \Important
        "\\NotMail",  # of no RFC: what a server lists and holds no mail
    }


@pytest.mark.parametrize(("quota", "free"), [(Quota(3, 10), 7), (Quota(11, 10), 0), (Quota(3), inf)])
def test_a_quota_says_what_fits(quota: Quota, free: float) -> None:
    assert quota.free == free
