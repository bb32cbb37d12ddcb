"""What two copies are to each other where the mail system makes bytes anew."""

import pytest

from reconcile.fingerprint import fingerprint
from reconcile.kinship import Kinship, Likeness, blind_copies, kinship

TEXT = b"The pump arrived on Monday, and nobody in the north hall has counted the pieces.\r\n"
HEAD = b"Message-ID: <1@x>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\nFrom: a@x\r\nTo: b@x\r\nSubject: pump\r\n"


def mail(head: bytes = HEAD, *, text: bytes = TEXT, boundary: bytes = b"one") -> bytes:
    kind = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=" + boundary
    part = b"\r\n\r\n--" + boundary + b"\r\nContent-Type: text/plain\r\n\r\n" + text
    return head + kind + part + b"--" + boundary + b"--\r\n"


def likeness(raw: bytes) -> Likeness:
    return Likeness(fingerprint(raw), blind_copies(raw.partition(b"\r\n\r\n")[0]))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (mail(boundary=b"two"), Kinship.EQUAL),
        (mail(b"X-Hop: 1\r\n" + HEAD, boundary=b"two"), Kinship.EQUAL),
        (mail(HEAD.replace(b"Subject: pump", b"Subject: [EXT] pump")), Kinship.VARIANT),
        (mail(HEAD + b"Cc: c@x\r\n"), Kinship.VARIANT),
        (mail(HEAD + b"Bcc: Secret <c@x>\r\n"), Kinship.VARIANT),
        (mail(text=TEXT.replace(b"Monday", b"Friday")), Kinship.OTHER),
        (mail(HEAD.replace(b"<1@x>", b"<2@x>")), Kinship.OTHER),
    ],
)
def test_only_a_copy_that_shows_the_same_is_equal(other: bytes, expected: Kinship) -> None:
    assert kinship(likeness(mail()), likeness(other)) is expected
    assert kinship(likeness(other), likeness(mail())) is expected


def test_blind_copies_are_addresses_however_they_are_written() -> None:
    assert blind_copies(b"BCC: A <A@x>,\r\n b@x\r\nSubject: x\r\nBcc: c@x\r\n") == {"a@x", "b@x", "c@x"}
    assert blind_copies(b"Subject: x\r\nTo: a@x\r\n") == frozenset()
