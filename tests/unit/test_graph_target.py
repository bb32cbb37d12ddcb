"""What the Graph target decides by itself: the steps of a rename, and what a change of flags is made of."""

import pytest

from connectors.graph.writing.edits import changed_properties
from connectors.graph.writing.renaming import steps_between

NONE: frozenset[str] = frozenset()
SEEN, FLAGGED = frozenset({"\\Seen"}), frozenset({"\\Flagged"})
HERE = {"old": "F1", "taken": "F2"}


@pytest.mark.parametrize(("place", "name", "there", "steps"), [
    ("here", "new", {}, ["new"]),
    ("here", "OLD", {}, ["OLD"]),
    ("there", "old", {}, ["there"]),
    ("there", "new", {}, ["new", "there"]),
    ("there", "new", {"old": "F3"}, ["new", "there"]),
    ("there", "OLD", {"old": "F3"}, ["OLD", "there"]),
    ("there", "taken", {}, ["there", "taken"]),
    ("there", "Taken", {"old": "F3"}, ["Taken (on its way)", "there", "Taken"]),
])  # fmt: skip
def test_the_steps_of_a_rename(place: str, name: str, there: dict[str, str], steps: list[str]) -> None:
    """No step meets another folder of its name, and there are as few as can be."""
    now = {"id": "F1", "displayName": "old", "parentFolderId": "here"}
    assert [value for _, value in steps_between(now, place, name, HERE, there)] == steps


@pytest.mark.parametrize(("row", "add", "remove", "body"), [
    ({}, NONE, NONE, {}),
    ({"isRead": True}, SEEN, FLAGGED, {}),
    ({"isRead": True}, FLAGGED, SEEN, {"isRead": False, "flag": {"flagStatus": "flagged"}}),
    ({"flag": {"flagStatus": "complete"}}, SEEN, FLAGGED, {"isRead": True}),
    ({"flag": {"flagStatus": "complete"}}, FLAGGED, NONE, {"flag": {"flagStatus": "flagged"}}),
    ({"categories": ["b", "a;b"]}, frozenset({"a", "b"}), NONE, {"categories": ["b", "a;b", "a"]}),
    ({"categories": ["b", "a;b"]}, NONE, frozenset({"b"}), {"categories": ["a;b"]}),
    ({"categories": ["b", "a;b"]}, NONE, frozenset({"a;b"}), {"categories": ["b"]}),
    ({"categories": ["\\Seen"]}, SEEN, frozenset({"%5CSeen"}), {"isRead": True, "categories": []}),
    ({"categories": ["x"]}, frozenset({"%5CSeen"}), NONE, {"categories": ["x", "\\Seen"]}),
    ({"categories": None}, NONE, frozenset({"x"}), {}),
    ({"isDraft": True}, frozenset({"\\Draft", "\\Answered", "a,b"}), frozenset({"\\Draft"}), {}),
])  # fmt: skip
def test_what_a_change_of_flags_is_made_of(
    row: dict[str, object], add: frozenset[str], remove: frozenset[str], body: dict[str, object]
) -> None:
    """Only what changes; categories can be given only all at once, and those of others stay."""
    assert changed_properties(row, add, remove) == body
