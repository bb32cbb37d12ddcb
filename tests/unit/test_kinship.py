"""What two copies are to each other where the mail system makes bytes anew."""

import pytest

from reconcile.fingerprint import Fingerprinter
from reconcile.kinship import Kinship, Likeness, kinship
from reconcile.kinship import likeness as take_likeness

TEXT = b"The pump arrived on Monday, and nobody in the north hall has counted the pieces.\r\n"
HEAD = b"Message-ID: <1@x>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\nFrom: a@x\r\nTo: b@x\r\nSubject: pump\r\n"


FILE = b"\r\nContent-Type: application/pdf; name=%s\r\nContent-Disposition: attachment; filename=%s\r\n\r\nPDF\r\n"


def mail(head: bytes = HEAD, *, text: bytes = TEXT, boundary: bytes = b"one", name: bytes = b"a.pdf") -> bytes:
    kind = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=" + boundary
    part = b"\r\n\r\n--" + boundary + b"\r\nContent-Type: text/plain\r\n\r\n" + text
    return head + kind + part + b"--" + boundary + FILE % (name, name) + b"--" + boundary + b"--\r\n"


def likeness(raw: bytes) -> Likeness:
    reader = Fingerprinter()
    reader.feed(raw)
    return take_likeness(reader, raw.partition(b"\r\n\r\n")[0])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (mail(boundary=b"two"), Kinship.EQUAL),
        (mail(b"X-Hop: 1\r\n" + HEAD, boundary=b"two"), Kinship.EQUAL),
        (mail(HEAD.replace(b"Subject: pump", b"Subject: [EXT] pump")), Kinship.VARIANT),
        (mail(HEAD + b"Cc: c@x\r\n"), Kinship.VARIANT),
        (mail(HEAD + b"Bcc: Secret <c@x>\r\n"), Kinship.VARIANT),
        (mail(name=b"b.pdf"), Kinship.VARIANT),
        (mail(text=TEXT.replace(b"Monday", b"Friday")), Kinship.OTHER),
        (mail(HEAD.replace(b"<1@x>", b"<2@x>")), Kinship.OTHER),
    ],
)
def test_only_a_copy_that_shows_the_same_is_equal(other: bytes, expected: Kinship) -> None:
    assert kinship(likeness(mail()), likeness(other)) is expected
    assert kinship(likeness(other), likeness(mail())) is expected


def test_blind_copies_are_addresses_however_they_are_written() -> None:
    head = b"BCC: A <A@x>,\r\n b@x\r\nSubject: x\r\nBcc: c@x\r\n"
    assert likeness(head + b"\r\n").blind == {"a@x", "b@x", "c@x"}
    assert likeness(HEAD + b"\r\n").blind == frozenset()
