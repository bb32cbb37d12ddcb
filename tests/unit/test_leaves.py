"""Each kind of leaf is read in its own way, and how it was encoded makes no difference."""

import base64
import hashlib

import pytest

from reconcile import leaves
from reconcile.canonical.invitation import Invitation
from reconcile.entity import read_entity
from reconcile.leaves import Attached, Content, Said, leaf_for


def content(header: bytes, body: bytes, *, is_first: bool = False, in_alternative: bool = False) -> Content | None:
    entity = read_entity(b"\n" + header + b"\n\n")
    leaf = leaf_for(entity, is_first=is_first, in_alternative=in_alternative, in_signed=True)
    for at in range(0, len(body), 1000):
        leaf.feed(body[at : at + 1000])
    return leaf.close()


def said(header: bytes, body: bytes) -> str:
    found = content(header, body, is_first=True)
    assert isinstance(found, Said)
    return "".join(found.text.split())


B64 = b"\nContent-Transfer-Encoding: base64"
QP = b"\nContent-Transfer-Encoding: quoted-printable"
PLAIN, HTML, PDF = (
    b"Content-Type: text/plain; charset=",
    b"Content-Type: text/html; charset=",
    b"Content-Type: application/pdf",
)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"X: y", "Grüße aus Köln".encode()),
        (PLAIN + b"utf-8", "Grüße aus Köln".encode()),
        (PLAIN + b"iso-8859-1", "Grüße aus Köln".encode("latin-1")),
        (PLAIN + b"utf-8" + B64, base64.encodebytes("Grüße aus Köln\r\n".encode())),
        (PLAIN + b"utf-8" + QP, b"Gr=C3=BC=C3=9Fe=\r\n aus K=C3=B6ln"),
        (PLAIN + b"utf-8", "Grüße\r\naus  Köln\n\n".encode()),
        (HTML + b"utf-8", "<p>Grüße<br>aus <b>Köln</b></p>".encode()),
        (HTML + b"us-ascii", b"Gr&uuml;&szlig;e&nbsp;aus K&#246;ln"),
        (b"Content-Type: text", "Grüße aus Köln".encode()),
        (PLAIN + b"utf-8; name=x.txt", "Grüße aus Köln".encode()),  # named, but the first: it is the body
    ],
)
def test_one_text(header: bytes, body: bytes) -> None:
    assert said(header, body) == "GrüßeausKöln"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (PDF, b"a\nb"),
        (PDF, b"a\r\nb\r\n"),
        (PDF + b"; name=other.pdf", b"a\r\nb"),
        (PDF + B64, base64.b64encode(b"a\r\nb")),
        (PDF + QP, b"=61=\r\n\nb"),
        (b"Content-Type: application/octet-stream" + B64, base64.b64encode(b"a\r\nb")),
        (b"Content-Type: nonsense" + B64, base64.b64encode(b"a\r\nb")),
    ],
)
def test_one_file(header: bytes, body: bytes) -> None:
    found = content(header, body)
    assert isinstance(found, Attached)
    assert found.sha256 == hashlib.sha256(b"a\r\nb").digest()


ATTACHED = b"\nContent-Disposition: attachment; filename=x.txt"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (PLAIN + b"utf-8" + ATTACHED, "ä\n b".encode()),
        (PLAIN + b"iso-8859-1" + ATTACHED, b"\xe4\r\n b\r\n"),
        (PLAIN + b"utf-8" + ATTACHED + B64, base64.b64encode("ä\r\n b".encode())),
        (PLAIN + b"utf-8; name=x.txt", "ä\n b".encode()),
        (b"Content-Type: text/csv; charset=utf-8", "ä\n b".encode()),
    ],
)
def test_one_text_file(header: bytes, body: bytes) -> None:
    assert content(header, body) == content(PLAIN + b"utf-8" + ATTACHED, "ä\n b".encode())


@pytest.mark.parametrize("body", [b"a\n  b", b"ab", b"a\n\nb", b"A\n b"])
def test_white_space_of_a_text_file_counts(body: bytes) -> None:
    assert content(PLAIN + b"utf-8" + ATTACHED, body) != content(PLAIN + b"utf-8" + ATTACHED, b"a\n b")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (b"Content-Type: application/pgp-signature", type(None)),
        (b"Content-Type: application/pkcs7-signature; name=smime.p7s", type(None)),
        (b"Content-Type: application/pkcs7-mime; name=smime.p7m", Attached),
        (b"Content-Type: application/ms-tnef", Attached),
        (b"Content-Type: message/delivery-status", Attached),
        (b"Content-Type: text/calendar; method=REQUEST", Invitation),
        (b"Content-Type: TEXT/CALENDAR; name=invite.ics" + ATTACHED, Invitation),
        (b"Content-Type: text/html" + ATTACHED, Attached),
        (b"Content-Type: text/plain\nContent-Disposition: inline", Said),
        (b"Content-Type: multipart/mixed", Said),  # without boundary
        (b"Content-Type: message/rfc822" + B64, Attached),
    ],
)
def test_kind(header: bytes, kind: type) -> None:
    assert isinstance(content(header, b"a"), kind)


def test_a_third_rendering_says_nothing_of_its_own() -> None:
    assert content(b"Content-Type: text/x-amp-html", b"a", in_alternative=True) is None
    assert isinstance(content(b"Content-Type: text/x-amp-html", b"a"), Attached)
    assert isinstance(content(b"Content-Type: text/markdown", b"a", is_first=True, in_alternative=True), Attached)
    assert isinstance(content(b"Content-Type: text/enriched" + ATTACHED, b"a", in_alternative=True), Attached)


def test_a_report_is_folded_anew() -> None:
    header = b"Content-Type: message/delivery-status"
    one, other = content(header, b"A: b\r\n  c\r\n\r\nD: e"), content(header, b"A: b c\n\nD: e\n")
    assert one == other
    assert one != content(header, b"A: b d\n\nD: e\n")


def test_a_text_that_is_too_long_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "TEXT_MAX", 5000)
    assert isinstance(content(PLAIN + b"utf-8", b"a" * 5000, is_first=True), Said)
    assert isinstance(content(PLAIN + b"utf-8", b"a" * 5001, is_first=True), Attached)
    long = [content(PLAIN + b"utf-8", b"a" * 9000 + last, is_first=True) for last in (b"b", b"c")]
    assert long[0] != long[1]


@pytest.mark.parametrize(
    "media", [b"", b"text/plain", b"text/html", b"text/calendar", b"text/csv", b"message/delivery-status", b"image/png"]
)
@pytest.mark.parametrize("encoding", [b"", b"base64", b"quoted-printable", b"x-uuencode"])
@pytest.mark.parametrize("charset", [b"", b"utf-16", b"unicode_escape", b"\xff"])
def test_any_bytes_are_read(media: bytes, encoding: bytes, charset: bytes) -> None:
    header = b"Content-Type: %s; charset=%s\nContent-Transfer-Encoding: %s" % (media, charset, encoding)
    for body in (b"", b"\x00\xff=\n", bytes(range(256)) * 9, b"=\xd8\x00", b"\\x"):
        assert content(header, body) is not None
