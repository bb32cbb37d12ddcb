"""Ids, dates, addresses and subjects, each in its canonical form."""

import pytest

from reconcile.canonical.headers import addresses, instant, message_ids, read_subject
from tests.linear import assert_linear


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b.example>", ["a@b.example"]),
        (" <a@B.Example> (comment)", ["a@b.example"]),
        ("<A@b.example>", ["A@b.example"]),  # what stands before the @ is the sender's own
        ("<a@b>\t<c@d>", ["a@b", "c@d"]),
        ("<a b@c>", ["ab@c"]),  # folded
        ("a@b.example", ["a@b.example"]),  # brackets forgotten
        ("<12345>", ["12345"]),  # no domain
        ('<"a b"@c>', ['"ab"@c']),
        ("<a@[IPv6:::1]>", ["a@[ipv6:::1]"]),
        ("<<a@b>>", ["a@b"]),
        ("<>", ["<>"]),
        ("", []),
        ("(none)", []),
    ],
)
def test_message_ids(value: str, ids: list[str]) -> None:
    assert message_ids(value) == ids


MOMENT = 1_710_493_200  # 2024-03-15T09:00:00Z


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 15 Mar 2024 09:00:00 +0000",
        "Fri, 15 Mar 2024 10:00:00 +0100 (CET)",
        "15 Mar 2024 04:00:00 -0500",
        "Fri,15 Mar 2024 09:00:00 +0000",
        "Fri, 15  Mar  2024 14:30:00 +0530",
        "FRI, 15 MAR 2024 09:00:00 GMT",
        "Fri, 15 Mar 2024 09:00:00 UT",
        "Fri, 15 Mar 2024 04:00:00 EST",  # RFC 5322, 4.3
        "Fri, 15 Mar 2024 05:00 -0400",
        "Fri, 15 Mar 24 09:00:00 +0000",
        "Fri, 15 Mar 2024 09:00:00 -0000",
        "Fri, 15 Mar 2024 09:00:00",
        "Fri, 15 Mar 2024 09:00:00 Z",
        "Fri Mar 15 09:00:00 2024",  # of asctime
        "Fri, 15-Mar-2024 09:00:00 GMT",
        "Friday, 15 March 2024 09:00:00 +0000",
        "  Fri, 15 Mar 2024 09:00:00 +0000  ",
        "Fri, 15 Mar 2024 09.00.00 +0000",
    ],
)
def test_one_instant_in_many_forms(value: str) -> None:
    assert instant(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ",",
        "now",
        "32 Mar 2024 09:00:00 +0000",
        "15 Foo 2024 09:00:00 +0000",
        "15 Mar 2024 25:00:00 +0000",
        "15 Mar 2024 09:-1:00 +0000",
        "15 Mar 2024 09:00:-99999999999999999999 +0000",
        "15 Mar 2024 09:00:00 +9999",
        "15 Mar 0000 09:00:00 +0000",
        "15 Mar 99999999999999999999 09:00:00 +0000",
        "1" * 10_000,
        "Fri, " * 100,
        "\u0661 Mar 2024 \ud800",
        "=?utf-8?Q?x?=",
    ],
)
def test_what_is_no_date(value: str) -> None:
    assert instant(value) is None


@pytest.mark.parametrize(
    "value", ["15 Mar 2024 09:00:60 +0000", "29 Feb 2023 09:00:00 +0000", "1 Jan 1970 00:30:00 +0100"]
)
def test_dates_at_the_edge_are_read(value: str) -> None:
    assert isinstance(instant(value), int)


@pytest.mark.parametrize(
    ("value", "specs"),
    [
        ("a@b.example", ["a@b.example"]),
        ("A B <A@B.Example>", ["a@b.example"]),
        ('"B, A" <a@b>', ["a@b"]),
        ('"x@y" <a@b>', ["a@b"]),
        ('"x \\" <c@d>" <a@b>', ["a@b"]),
        ("x@y <a@b>", ["a@b"]),
        ("a@b (x@y)", ["a@b"]),
        ("a@b, C <c@d>,e@f", ["a@b", "c@d", "e@f"]),
        ("a@b; c@d", ["a@b", "c@d"]),  # as Outlook has people write it
        ("Team: a@b, c@d;", ["a@b", "c@d"]),
        ("undisclosed-recipients:;", []),
        ("<@x,@y:a@b>", ["a@b"]),  # a route (RFC 5322, 4.4)
        ("a+tag@b", ["a+tag@b"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("=?utf-8?Q?A=2C_B?= <a@b>", ["a@b"]),
        ("jürgen@b.example", ["jürgen@b.example"]),
        ("<root>", ["root"]),
        ("MAILER-DAEMON", []),
        ("<>", []),
        ("", []),
        (",,;", []),
        ("< a@b >", ["a@b"]),
        ('"a', []),
        ("\\", []),
    ],
)
def test_addresses(value: str, specs: list[str]) -> None:
    assert addresses(value) == specs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"john doe"@b.example', '<"john doe"@b.example>'),
        ("A <a@b>, C <c@d>", "a@b,\tc@d"),
    ],
)
def test_one_list_in_two_forms(one: str, other: str) -> None:
    assert addresses(one) == addresses(other)
    assert addresses(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[EXTERNAL] Lunch", "Lunch"),
        ("[list-name] Lunch", "Lunch"),
        ("Re: [list] Lunch", "Re: Lunch"),
        ("[list] Re: Lunch", "Re: [list] Lunch"),
        ("[a][b] Lunch", "Lunch"),
        ("EXT: Lunch", "Lunch"),
        ("*** SPAM *** Lunch", "***SPAM*** Lunch"),
        ("Bug#691896: Lunch", "Lunch"),
        ("Lunch [secure]", "Lunch"),
        ("RE: Lunch", "Re: Lunch"),
        ("Re[2]: Lunch", "RE[2]: Lunch"),
        ("{Spam?} Lunch", "Lunch"),
        ("[SPAM] Re: Lunch", "Re: Lunch"),
    ],
)
def test_tags_are_no_part_of_the_base(one: str, other: str) -> None:
    assert read_subject(one).base == read_subject(other).base


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Re: Lunch", "Lunch"),
        ("Fwd: Lunch", "Re: Lunch"),
        ("Re: Re: Lunch", "Re: Lunch"),
        ("[PATCH 1/2] fix", "[PATCH 2/2] fix"),
        ("[PATCH v2] fix", "[PATCH] fix"),
        ("[UPDATED] Lunch", "Lunch"),
        ("[Ticket 12345] Lunch", "[Ticket 12346] Lunch"),
        ("Lunch [corrected]", "Lunch"),
        ("Cancelled: Lunch", "Lunch"),
        ("Updated invitation: Lunch", "Invitation: Lunch"),
        ("Lunch 1", "Lunch 2"),
        ("Lunch?", "Lunch!"),
        ("lunch", "Lunch"),
    ],
)
def test_what_a_person_wrote_is_part_of_the_base(one: str, other: str) -> None:
    assert read_subject(one).base != read_subject(other).base


def test_the_text_of_a_subject_has_all_but_white_space() -> None:
    assert read_subject(" [x]  Re: a\t b\u00a0c ").text == "[x]Re:abc"


@pytest.mark.parametrize(
    "value", ["", " ", "[", "[]", "Re:", "[a]", "\ud800", "Re: " * 5000, "[a]" * 5000, "\ufdfa" * 5000]
)
def test_any_subject_is_read(value: str) -> None:
    assert len(read_subject(value).text) < 80_000


@pytest.mark.parametrize("unit", ["<", "<a", "(", "((", ")", "<a>", "@", " ", "\x1c", "<a@b>"])
def test_hostile_ids_take_linear_time(unit: str) -> None:
    assert_linear(message_ids, unit)


@pytest.mark.parametrize(
    "unit", ["\x1c", "\xa0", "1 ", " ", "Mon,", "(", "-", "1:", "+", "a,", ".", "Mon, 1 Jan 2024 "]
)
def test_hostile_dates_take_linear_time(unit: str) -> None:
    assert_linear(instant, unit)


@pytest.mark.parametrize("start", ["", '"', "<", "a@"])
@pytest.mark.parametrize(
    "unit", ['"', '\\"', '"\\', "\\", "a@", "@", "<", "<a", "(", "a@[", ",", "[", "a ", '"@', '"a"@']
)
def test_hostile_addresses_take_linear_time(start: str, unit: str) -> None:
    assert_linear(lambda text: addresses(start + text + "\\"), unit)


@pytest.mark.parametrize(
    "unit", ["re:", "[a]", "[", "(", "| ext |", "re [1]", " [a]", "\ufdfa", "*", "**", "i ", "{a", "re "]
)
def test_hostile_subjects_take_linear_time(unit: str) -> None:
    assert_linear(read_subject, unit)
