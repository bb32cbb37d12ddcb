"""Header text and people as Graph is told them: encoded words, groups, and addresses that are none."""

import pytest

from connectors.graph.writing.flags import as_properties, changes, kept
from connectors.graph.writing.people import people
from connectors.graph.writing.words import readable, text_of

WORDS = {
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=": "Grüße",
    "=?utf-8?q?Gr=C3=BC?= =?utf-8?q?=C3=9Fe?=": "Grüße",
    "=?utf-8?q?Gr=C3?=\r\n\t=?utf-8?q?=BC=C3=9Fe?=": "Grüße",
    "=?ISO-8859-1*de?B?R3L832U=?= you": "Grüße you",
    "=?utf-8?b?R3LDvMOfZQ?=": "Grüße",
    "a =?utf-8?q?=C3=BC?= b": "a ü b",
    "=?klingon?q?a?=": "a",
    "=?utf-8?x?a?=": "=?utf-8?x?a?=",
    "=?utf-8?b?!?=": "",
    "=?utf-7?q?+2AA-?=": "?",
    "folded\r\n  twice": "folded  twice",
    "bell\x07 and\0 all": "bell and all",
    "Gr\udcc3\udcbc\udcc3\udc9fe": "Grüße",
    "Gr\udcfc\udcdfe": "Grüße",
}


@pytest.mark.parametrize("value", WORDS)
def test_words_are_made_readable(value: str) -> None:
    assert readable(value).encode("utf-8", "replace").decode() == WORDS[value]


def test_half_a_character_does_no_harm() -> None:
    assert readable("a\ud800b") == "a?b"
    assert text_of(b"\xd8\x00", "utf-16-be")


PEOPLE: dict[str, list[tuple[str, str]]] = {
    "a@b.test": [("a@b.test", "a@b.test")],
    "Ann <a@b.test>, b@b.test (Bob)": [("Ann", "a@b.test"), ("Bob", "b@b.test")],
    '"Doe, Jane" <j@b.test>': [("Doe, Jane", "j@b.test")],
    "=?utf-8?q?Doe=2C_J=C3=BCrg?= <j@b.test>": [("Doe, Jürg", "j@b.test")],
    '"=?utf-8?q?J=C3=BCrg?=" <j@b.test>': [("Jürg", "j@b.test")],
    "Team: a@b.test, Bob <b@b.test>;": [("a@b.test", "a@b.test"), ("Bob", "b@b.test")],
    "undisclosed-recipients:;": [],
    "MAILER-DAEMON": [("MAILER-DAEMON", "MAILER-DAEMON")],
    "(" * 5000: [("(" * 5000, "(" * 5000)],
    "": [],
}


@pytest.mark.parametrize("value", PEOPLE, ids=lambda value: value[:30])
def test_people_are_found_with_their_names(value: str) -> None:
    found = [each["emailAddress"] for each in people([value])]
    assert [(each["name"], each["address"]) for each in found] == PEOPLE[value]


@pytest.mark.parametrize("value", ["Jane <a@b", "a@b c@d", "<<a@b>"])
def test_what_is_no_address_can_still_be_seen(value: str) -> None:
    """How much of it is taken for one differs between versions of Python."""
    assert "a@b" in people([value])[0]["emailAddress"]["address"]


def test_all_fields_of_a_name_count() -> None:
    assert len(people(["a@b, c@d", "e@f"])) == 3


def test_flags_that_are_kept_and_what_they_become() -> None:
    wanted = {"\\Seen", "\\Flagged", "\\Draft", "\\Answered", "\\Recent", "$Forwarded", "Red", "a,b", "a;b", "a\nb", ""}
    assert kept({*wanted, " ", "x" * 256, "x" * 255}) == {"\\Seen", "\\Flagged", "$Forwarded", "Red", "x" * 255}
    told = as_properties(frozenset({"\\Seen", "Red", "%5CFlagged", "\\Answered"}))
    assert told == {"isRead": True, "flag": {"flagStatus": "notFlagged"}, "categories": ["Red", "\\Flagged"]}


def test_only_what_changes_is_told() -> None:
    assert changes(frozenset({"\\Seen", "Red"}), frozenset({"\\Seen", "Red"})) == {}
    assert changes(frozenset({"Red"}), frozenset({"\\Seen", "Red"})) == {"isRead": True}
    assert changes(frozenset({"Red"}), frozenset()) == {"categories": []}
