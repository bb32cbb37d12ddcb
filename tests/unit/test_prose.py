"""Text in its canonical form: what the way does to text is undone, and nothing that a reader would call a change."""

import unicodedata

import pytest

from reconcile.canonical.prose import (
    is_canonical,
    normalized,
    plain_prose,
    prose,
    same_words,
    spaced,
    squeezed,
)
from tests.linear import assert_linear


def form(text: str) -> bytes:
    return squeezed(plain_prose(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a b\r\nc", "a  b c\n"),
        ("a\tb", "ab"),
        ("a\u00a0b", "a b"),
        ("a\u3000b", "a b"),
        ("a\u2003b\u202fc", "a b c"),
        ("\ufeffa", "a"),
        ("a\u200bb\u00adc\u200e", "abc"),  # what some clients drop
        ("a\u2028b\x85c", "abc"),
        ("\u2764\ufe0f", "\u2764"),
        ("a\x00b\x0cc", "abc"),
        ("Mu\u0308ller", "M\u00fcller"),  # as file names of a Mac
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\uff8a\uff9f", "\u30d1"),  # half width, from ISO-2022-JP gateways
        ("\uff21\uff11", "A1"),
        ("\u301c\u2212", "\uff5e\uff0d"),  # one byte pair of Shift_JIS, read in two ways
        (">From me", "From me"),
        (">>From me", "From me"),
        ("x\n>From me", "x\nFrom me"),
        ("https://example.com/ x", "https://example.com x"),
    ],
)
def test_one_text(one: str, other: str) -> None:
    assert form(one) == form(other)
    assert spaced(prose(one)).replace(" ", "").encode() == squeezed(prose(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"),
        ("1,5", "1.5"),
        ("10\u00b2", "102"),  # NFKC would make one of these
        ("\u00bd", "1/2"),
        ("100", "1OO"),
        ("a", "A"),
        ("a-b", "ab"),
        ("don't", "dont"),
        ("\u2013", "-"),
        ("\u00fc", "u"),
        ("x >From me", "x From me"),
        ("> From me", "From me"),
        ("\U0001f600", "\U0001f601"),
        ("\u0301", ""),
    ],
)
def test_two_texts(one: str, other: str) -> None:
    assert form(one) != form(other)


def test_a_lone_surrogate_is_text() -> None:
    assert squeezed(prose("\ud800a")) == b"\xed\xa0\x80a"


def test_spaced_has_one_space_between_words() -> None:
    assert spaced(" a\r\n\tb\x00c \x0bd") == "a bc d"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_few_marks_on_a_letter_are_put_in_order(form: str) -> None:
    text = "a\u0301\u0327\u0323 \u0915\u093c"
    assert prose(unicodedata.normalize(form, text)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("plain", "page", "same"),
    [
        ("Hello *you*", "Hello you", True),
        ("see here <https://example.com/>", "see here", True),
        ("see here [cid:a@b]", "see here", True),
        ("\u2022 one", "one", True),
        ("- one\n- two", "one two", True),
        ("a\n----\nb", "a b", True),
        ("1.5", "15", False),
        ("1,500", "1.500", False),
        ("10:30", "1030", False),
        ("1 000", "1000", False),
        ("a", "b", False),
        ("Hello", "hello", False),
        ("Hello you", "Hello", False),
        ("", "", True),
    ],
)
def test_whether_a_plain_text_is_a_rendering_of_the_page(plain: str, page: str, same: bool) -> None:
    assert same_words(plain, page) is same


@pytest.mark.parametrize(
    "unit",
    [
        ">From ",
        "\n>",
        "\u0301\u0327",
        "\u0301",
        "\u0f73",
        "\u0344",
        "\uff9e\u0301",
        "\ufdfa",
        "a\u0301",
        "\u1100",
        "\u3042\u3099",
        "<http:",
        "[cid",
        "<mailto:",
        "http://",
        "1.",
        "1",
        "[image",
        "\x00",
        "\u2022",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    assert_linear(lambda text: (same_words(plain_prose(text), ""), spaced(text), squeezed(text)), unit)


@pytest.mark.parametrize(("high", "low"), [("\u0301", "\u0327"), ("\u0344", "\u0f71"), ("\u0301", "\u0f73")])
def test_marks_in_the_wrong_order_take_linear_time(high: str, low: str) -> None:
    assert_linear(lambda text: prose("a" + text + low * len(text)), high)


def test_text_that_is_left_as_it_is_is_canonical() -> None:
    """The shortcut is for characters that compose with nothing around them, and that no rule would change."""
    plain = [chr(c) for c in range(0x110000) if is_canonical(chr(c))]
    assert len(plain) > 30_000
    for character in plain:
        assert unicodedata.combining(character) == 0
        assert normalized(character) == character
    for around in ("a", "\u1112", "\u304b", "\u00e9"):  # a composition takes two: no such pair is one
        text = "".join(around + character for character in plain)
        assert unicodedata.is_normalized("NFC", text)
