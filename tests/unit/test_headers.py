"""Header fields for listings: whatever a sender writes, a listing goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.mailstore.mailbox.headers import message_id, readable, subject


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Subject: plain\r\n\r\n", "plain"),
        (b"From: x\nSUBJECT :\n folded\n\ttwice\n\n", " folded\ttwice"),
        (b"Subject: =?utf-8?q?caf=C3=A9?=\r\n", "café"),
        ("Subject: ünïcödé\r\n".encode(), "ünïcödé"),
        (b"Subject: caf\xe9\r\n", "café"),
        (b"Subject: =?\xfcnknown?Q?x?=\r\n", "=?ünknown?Q?x?="),
        (b"Subject: =?utf-8?b?Q?=\r\n", "=?utf-8?b?Q?="),
        (b"X-Subject: other\r\n\r\nSubject: in the body\r\n", ""),
        (b"", ""),
    ],
)
def test_subjects(head: bytes, expected: str) -> None:
    assert readable(subject(head[: head.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in head else head)) == expected


def test_the_first_message_id_counts() -> None:
    assert message_id(b"Message-Id: <a@x>\r\nMESSAGE-ID: <b@x>\r\n") == b"<a@x>"
    assert message_id(b"Message-ID:\r\n  <long@x>\r\n") == b"<long@x>"


@given(st.binary(max_size=300))
def test_no_bytes_raise(value: bytes) -> None:
    readable(value)
    readable(b"=?" + value + b"?q?" + value + b"?=")
    subject(b"Subject:" + value)
