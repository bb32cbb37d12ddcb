"""What the header fields tell of which message it is, and what they do not."""

import pytest

from reconcile.canonical.fields import read_fields
from reconcile.heading import MARKS_MAX, Heading, read_heading

MAIL = (
    b"Message-ID: <a@b.example>\nDate: Fri, 15 Mar 2024 09:00:00 +0000\nFrom: A <a@example.com>\n"
    b"To: b@example.com, c@example.com\nCc: D <d@example.com>\nSubject: Lunch\n"
)


def heading(*lines: bytes, mail: bytes = MAIL) -> Heading:
    return read_heading(read_fields(mail + b"\n".join(lines)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<a@b.example>", b"\n <a@B.EXAMPLE>"),
        (b"Message-ID", b"MESSAGE-Id"),
        (b"09:00:00 +0000", b"10:00:00 +0100"),
        (b"A <a@example.com>", b'"A, of B" <A@Example.com>'),
        (b"To: b@example.com, c@example.com", b"To: C <c@example.com>,\n B <b@example.com>"),
        (
            b"To: b@example.com, c@example.com\nCc: D <d@example.com>",
            b"To: d@example.com\nCC: b@example.com, c@example.com",
        ),
        (b"To: b@example.com, c@example.com", b"To: b@example.com\nTo: c@example.com"),
        (b"Lunch", b"=?utf-8?Q?Lunch?="),
        (
            b"Subject",
            b"Received: from x by y; Fri, 15 Mar 2024 09:00:01 +0000\nX-Spam-Score: 1\nBcc: e@example.com\nSubject",
        ),
    ],
)
def test_one_heading_in_two_forms(old: bytes, new: bytes) -> None:
    assert old in MAIL
    assert heading(mail=MAIL.replace(old, new)) == heading()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<a@b.example>", b"<A@b.example>"),
        (b"09:00:00", b"09:00:01"),
        (b"From: A <a@", b"From: A <b@"),
        (b"d@example.com", b"e@example.com"),
        (b"Lunch", b"Dinner"),
        (b"Subject", b"Resent-Date: Fri, 15 Mar 2024 10:00:00 +0000\nSubject"),
        (b"Subject", b"X-Unsent: 1\nSubject"),
        (b"Subject", b"X-MS-Journal-Report:\nSubject"),
    ],
)
def test_two_headings(old: bytes, new: bytes) -> None:
    assert old in MAIL
    assert heading(mail=MAIL.replace(old, new)) != heading()


@pytest.mark.parametrize(
    "name",
    [
        b"X-MS-Exchange-Parent-Message-Id",
        b"X-Google-Original-Message-ID",
        b"X-Microsoft-Original-Message-ID",
        b"Original-Message-ID",
        b"Message-ID",
    ],
)
def test_other_ids_are_aliases(name: bytes) -> None:
    found = heading(name + b": <other@b.example>")
    assert found.message_id == "a@b.example"
    assert found.aliases == {"other@b.example"}
    assert found.ids == {"a@b.example", "other@b.example"}


@pytest.mark.parametrize("name", [b"In-Reply-To", b"References", b"X-Message-ID", b"Resent-Message-ID"])
def test_the_ids_of_other_messages_are_none_of_its_own(name: bytes) -> None:
    assert heading(name + b": <other@b.example>").ids == {"a@b.example"}


def test_nothing_is_missing_but_told() -> None:
    found = heading(mail=b"")
    assert (found.message_id, found.ids, found.date, found.sender) == (None, frozenset(), None, "")
    assert (found.recipients, found.resent, found.marks, found.origin) == (frozenset(), b"", (), "")


ALARM = MAIL.replace(b"Message-ID: <a@b.example>\n", b"")


def test_marks_tell_alarms_without_id_apart() -> None:
    one, other = (heading(b"X-Incident: " + number, mail=ALARM) for number in (b"1", b"2"))
    assert one.marks != other.marks
    assert heading(b"X-Incident: 1").marks == ()


@pytest.mark.parametrize(
    "line", [b"X-Spam-Score: 1", b"Received: x", b"DKIM-Signature: v=1", b"Content-Language: de", b"X-Mailer: x"]
)
def test_what_systems_add_is_no_mark(line: bytes) -> None:
    assert heading(line, mail=ALARM).marks == heading(mail=ALARM).marks


def test_a_mark_is_folded_anew() -> None:
    assert heading(b"X-Incident: a\n b", mail=ALARM).marks == heading(b"X-Incident: a b", mail=ALARM).marks


def test_marks_are_bounded() -> None:
    assert len(heading(*(b"X-%d: y" % number for number in range(1000)), mail=ALARM).marks) == MARKS_MAX


def test_the_oldest_delivery_is_the_origin() -> None:
    lines = (b"Received: from b by c; x", b"Received: from a\n\tby b; y")
    assert heading(*lines, mail=ALARM).origin == "from a by b; y"
    assert heading(*lines).origin == ""


RESENT = (
    b"Resent-From: A <a@example.com>",
    b"Resent-Date: Fri, 15 Mar 2024 10:00:00 +0000",
    b"Resent-Message-ID: <r@b>",
)


def test_a_resending_is_known_by_instant_and_id() -> None:
    again = (RESENT[0].replace(b"A ", b""), RESENT[1].replace(b"10:00:00 +0000", b"11:00:00 +0100"), RESENT[2])
    assert heading(*RESENT).resent == heading(*again).resent
    for line, other in ((0, b"Resent-From: b@example.com"), (1, b"Resent-Date: x"), (2, b"Resent-Message-ID: <s@b>")):
        assert heading(*RESENT[:line], other, *RESENT[line + 1 :]).resent != heading(*RESENT).resent


def test_a_list_that_resends_all_it_distributes_does_not_resend() -> None:
    assert heading(*RESENT, b"Resent-Sender: debian-user-request@lists.debian.org").resent == b""


@pytest.mark.parametrize("value", [b"", b"\xff", b"\x00", b"=?", b"<", b'"', b"(" * 1000, b"=?utf-8?B?/9g=?="])
def test_any_values_are_read(value: bytes) -> None:
    names = (b"Message-ID", b"Date", b"From", b"To", b"Subject", b"Resent-Date", b"Resent-From", b"X-Y", b"Received")
    assert isinstance(heading(*(name + b": " + value for name in names), mail=b""), Heading)
