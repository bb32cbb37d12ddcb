"""MIME in and out of the model: made anew each time, with the same content in it, as two strangers read it."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random

import pytest

from connectors.testing.corpus import UGLY, Sample
from fixtures.copies.originals import originals
from fixtures.exchange import Flags, Mailbox
from fixtures.ugly import mails
from reconcile.verdict import Outcome, compare

COUNT = 120
MIXED = b"""\
Received: from mx.example.org by mx.corp.example; Mon, 2 Nov 2026 08:00:01 +0000
Received: from desk by mx.example.org; Mon, 2 Nov 2026 08:00:00 +0000
X-PRIORITY: 1
mime-version: 1.0
x-shop: 4711
message-id: <mixed@example.org>
date: Mon, 2 Nov 2026 09:00:00 +0100
subject: =?iso-8859-1?q?Gr=FC=DFe?=
to: "Smith, Ann" <ann@corp.example>, =?utf-8?b?SsO2cmc=?= <joerg@corp.example>
cc: carol@corp.example
from: bob@example.org
content-type: multipart/mixed; boundary=cut

--cut
content-type: multipart/alternative; boundary=cot

--cot
content-type: text/plain; charset=iso-8859-1
content-transfer-encoding: 8bit

Sch\xf6ne Gr\xfc\xdfe
--cot
content-type: text/html; charset=utf-8
content-transfer-encoding: x-unheard-of

<p>Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe</p>
--cot--
--cut
content-type: application/pdf; name=offer.pdf
content-disposition: attachment; filename=offer.pdf
content-transfer-encoding: base64

JVBERi0xLjQ=
--cut
content-type: message/rfc822

From: carol@corp.example
Message-ID: <inner@corp.example>
Subject: inner

inside
--cut--
""".replace(b"\n", b"\r\n")


@pytest.fixture
def alice() -> Mailbox:
    return Mailbox("alice@corp.example", seed=1)


def parts(mail: EmailMessage) -> Iterator[tuple[str, object]]:
    for part in mail.walk():
        if not part.is_multipart():
            yield part.get_content_type(), part.get_content()


def read(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_nothing_but_the_boundaries_changes_from_one_reading_to_the_next(alice: Mailbox) -> None:
    item = alice.deliver("inbox", MIXED)
    first, second = alice.mime(item.id), alice.mime(item.id)
    marks = [set(re.findall(rb'boundary="([^"]+)"', each)) for each in (first, second)]
    assert [len(each) for each in marks] == [2, 2]
    assert not marks[0] & marks[1]
    assert len(first) == len(second)
    for old, new in zip(sorted(marks[0]), sorted(marks[1]), strict=True):
        assert old[:5] == new[:5]
        first = first.replace(old, new)
    assert first == second


def test_the_header_is_exchanges_own(alice: Mailbox) -> None:
    raw = alice.mime(alice.deliver("inbox", MIXED).id)
    names = [line.partition(b":")[0].decode() for line in raw.partition(b"\r\n\r\n")[0].splitlines() if line[:1] > b" "]
    assert names[:9] == ["Received", "Received", "From", "To", "CC", "Subject", "Date", "Message-ID", "x-shop"]
    assert names[-1] == "MIME-Version"
    assert {"Thread-Index", "X-MS-Has-Attach", "Importance", "X-Priority"} <= set(names)
    assert "mime-version" not in names


def test_the_content_is_what_came(alice: Mailbox) -> None:
    mail = read(alice.mime(alice.deliver("inbox", MIXED).id))
    assert mail["Subject"] == "Grüße"
    assert str(mail["To"]) == '"Smith, Ann" <ann@corp.example>, Jörg <joerg@corp.example>'
    assert mail["Date"].datetime.timestamp() == 1793606400
    kinds = dict(parts(mail))
    assert kinds["text/html"].strip() == "<p>Schöne Grüße</p>"
    assert kinds["application/pdf"] == b"%PDF-1.4"
    (inner,) = [part for part in mail.walk() if part.get_content_type() == "message/rfc822"]
    assert inner.get_content()["Message-ID"] == "<inner@corp.example>"
    texts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    assert texts[0].get_content().strip() == "Schöne Grüße"
    assert texts[0].get_content_charset() == "utf-8"  # a message has one code page, here that of its HTML


def test_a_transfer_encoding_that_nobody_knows_is_replaced(alice: Mailbox) -> None:
    raw = alice.mime(alice.deliver("inbox", MIXED).id)
    ways = set(re.findall(rb"Content-Transfer-Encoding: (\S+)", raw))
    assert ways == {b"base64", b"7bit"}


def test_importance_is_a_property(alice: Mailbox) -> None:
    item = alice.deliver("inbox", MIXED)
    assert item.flags.importance == "high"
    alice.set_flags(item.id, importance="normal", categories=("Red", "Grün"))
    mail = read(alice.mime(item.id))
    assert (mail["Importance"], mail["X-Priority"], mail["Keywords"]) == (None, None, "Red, Grün")


def test_somebody_opened_it_in_outlook(alice: Mailbox) -> None:
    """Then the layout in which it came is gone, and the plain text is made of the HTML."""
    item = alice.deliver("inbox", MIXED.replace(b"Sch\xf6ne Gr\xfc\xdfe", b"As HTML"))
    assert dict(parts(read(alice.mime(item.id))))["text/plain"].strip() == "inside"
    before, after = alice.mime(item.id), alice.mime(alice.touch(item.id).id)
    assert b"As HTML" in before
    assert b"As HTML" not in after
    assert "Schöne Grüße" in next(text for kind, text in parts(read(after)) if kind == "text/plain")


def test_a_draft_says_so(alice: Mailbox) -> None:
    item = alice.deliver("drafts", b"Bcc: dan@corp.example\r\nSubject: later\r\n\r\n", flags=Flags(draft=True))
    mail = read(alice.mime(item.id))
    assert (mail["X-Unsent"], str(mail["BCC"]), mail["Message-ID"]) == ("1", "dan@corp.example", None)


def test_what_is_signed_is_not_touched(alice: Mailbox) -> None:
    signed = b"--s\r\nContent-Type: text/plain\r\n\r\nas  it is \r\n--s\r\n\r\nsignature\r\n--s--\r\n"
    kind = b'Content-Type: multipart/signed; boundary="s"; protocol="application/pgp-signature"\r\n'
    item = alice.deliver("inbox", kind + b"Message-ID: <s@example.org>\r\n\r\n" + signed)
    raw = alice.mime(item.id)
    assert raw.endswith(b"\r\n\r\n" + signed)
    assert alice.mime(item.id) == raw


def test_the_canonicaliser_knows_it_again(alice: Mailbox) -> None:
    """A stranger to the model: its verdict is `same` for what came, for two readings, and after Outlook's edit."""
    for raw in originals(Random(4), COUNT):
        item = alice.deliver("inbox", raw)
        first, second = alice.mime(item.id), alice.mime(item.id)
        edited = alice.mime(alice.touch(item.id).id)
        verdicts = [compare(raw, first), compare(first, second), compare(second, edited)]
        assert [each.outcome for each in verdicts] == [Outcome.SAME] * 3, (raw, verdicts)


@pytest.mark.parametrize("sample", UGLY, ids=lambda sample: sample.name)
def test_whatever_the_bytes_are(alice: Mailbox, sample: Sample) -> None:
    """Never refused, always mail, and the same again but for boundaries."""
    item = alice.deliver("inbox", sample.raw)
    raw = alice.mime(item.id)
    assert b"\0" not in raw
    assert re.search(rb"[^\r]\n|\r[^\n]", raw) is None
    assert compare(raw, alice.mime(item.id)).outcome is not Outcome.DISTINCT


def test_mail_as_ugly_as_it_comes(alice: Mailbox) -> None:
    """A hundred made to trip programs up: taken, given twice, and the same both times."""
    for ugly in mails(3, 100):
        item = alice.deliver("inbox", ugly.raw, ugly.arrived_at)
        first, second = alice.mime(item.id), alice.mime(item.id)
        assert compare(first, second).outcome is not Outcome.DISTINCT, ugly.kind
