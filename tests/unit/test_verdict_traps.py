"""Two messages that were once taken for one: each hides what differs where nothing looked."""

import pytest

from reconcile.verdict import Outcome, compare

HEAD = b"Message-ID: <1@x>\r\nDate: Tue, 24 Nov 2026 07:23:36 +0000\r\nFrom: a@x\r\nSubject: s\r\n"
NO_ID = HEAD.partition(b"\r\n")[2]
MIXED = HEAD + (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
    b"--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n%s\r\n--b--\r\n"
)
EVENT = b"BEGIN:VEVENT\nUID:%s\nDTSTART:%s\nEND:VEVENT\n"
CALENDAR = HEAD + b"Content-Type: text/calendar\r\n\r\n"
FIRST, SECOND = b"20260101T000000Z", b"20260102T000000Z"
PAGE = b"Content-Type: text/html\r\n\r\n<p>Pay 200 at once, for the pump that we have sent.</p>"
CHOICE = (
    HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n%s\r\n--b\r\n" + PAGE + b"\r\n--b--\r\n"
)
MANY = b"".join(b"X-%d: y\r\n" % number for number in range(10_001))


def both(template: bytes, one: bytes = b"pay 100", other: bytes = b"pay 900") -> tuple[bytes, bytes]:
    return template.replace(b"%s", one), template.replace(b"%s", other)


TRAPS: dict[str, tuple[bytes, bytes]] = {
    "lines that end in CR CR LF": both((HEAD + b"\r\n%s").replace(b"\r\n", b"\r\r\n")),
    "lines that end in CR": both((HEAD + b"\r\n%s").replace(b"\r\n", b"\r")),
    "a line among the fields": both(HEAD + b"%s\r\n\r\ntext"),
    "a field that is none": both(HEAD + b"the sum: %s\r\n\r\ntext"),
    "digits that only white space parts": both(HEAD + b"\r\n%s", b"1 11", b"11 1"),
    "cells of a table": both(
        HEAD + b"Content-Type: text/html\r\n\r\n%s", b"<td>1</td><td>11</td>", b"<td>11</td><td>1</td>"
    ),
    "digits in a subject": both(HEAD.replace(b": s", b": %s") + b"\r\ntext", b"1 11", b"11 1"),
    "the end of a long subject": both(HEAD.replace(b": s", b": " + b"x" * 5000 + b"%s") + b"\r\ntext", b"1", b"2"),
    "a second subject": both(HEAD + b"Subject: %s\r\n\r\ntext"),
    "a second sender": (HEAD + b"From: b@x\r\n\r\ntext", HEAD + b"\r\ntext"),
    "a field after ten thousand": both(MANY + HEAD.replace(b": s", b": %s") + b"\r\ntext"),
    "a signature that signs nothing": both(MIXED),
    "a calendar that is none": both(CALENDAR + b"%s"),
    "times of two events": (
        CALENDAR + EVENT % (b"1", FIRST) + EVENT % (b"2", SECOND),
        CALENDAR + EVENT % (b"2", FIRST) + EVENT % (b"1", SECOND),
    ),
    "a plain text that contradicts, and was dropped": (
        CHOICE % b"Pay 100 at once, for the pump that we have sent.",
        HEAD + PAGE,
    ),
    "an alarm's severity": both(NO_ID.replace(b": s", b": %sdisk") + b"\r\n" + b"text " * 20, b"", b"WARNING: "),
    "subjects that are but a tag": both(HEAD.replace(b": s", b": %s") + b"\r\ntext", b"[a]", b"[b]"),
    "hosts in brackets": both(NO_ID.replace(b": s", b": %s disk") + b"\r\n" + b"text " * 20, b"[web1]", b"[web2]"),
    "the second of two fields": both(NO_ID + b"X-Alarm: 1\r\nX-Alarm: %s\r\n\r\n" + b"text " * 20),
    "a field after many": both(
        NO_ID + b"".join(b"X-A%03d: y\r\n" % number for number in range(70)) + b"X-Z: %s\r\n\r\n" + b"text " * 20
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_two_messages_are_not_one(name: str) -> None:
    verdict = compare(*TRAPS[name])
    assert verdict.outcome is not Outcome.SAME, verdict
    for raw in TRAPS[name]:
        assert compare(raw, b"X-Spam-Flag: NO\r\n" + raw).outcome is not Outcome.DISTINCT


def test_line_ends_that_a_gateway_doubled_make_no_other_message() -> None:
    raw = HEAD + b"\r\npay 100"
    assert compare(raw, raw.replace(b"\r\n", b"\r\r\n")).outcome is Outcome.SAME
