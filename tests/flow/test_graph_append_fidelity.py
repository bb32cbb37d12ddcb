"""The fidelity contract of docs/microsoft365.md: which mail comes back as the same message, by each way of writing."""

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import pytest

from connectors.testing.corpus import UGLY
from fixtures.copies.originals import KINDS
from fixtures.graph import GraphServer
from reconcile.verdict import Outcome, compare
from tests.flow.test_graph import ALICE
from tests.flow.test_graph_append import WAYS, Writer, writer_of

OTHERS = {"forwarded", "signed", "enveloped", "encrypted"}
"""Composed, they come with another file, or with a message as a file."""

MARKED = (
    b"From: ann@example.test\r\nTo: bob@example.test\r\n"
    b"Message-ID: <%d@x.test>\r\nDate: Tue, 2 Jan 2024 03:04:05 +0100\r\n"
)
TWICE = {"8-bit headers, Latin-1", "two of each header"}
"""With a second From or Subject, of which the first counts."""

SEEDS = range(4)


@pytest.fixture(scope="module", name="writer")
def writer_fixture() -> Iterator[Callable[[str], Writer]]:
    with GraphServer(seed=8) as server:
        server.mailbox(ALICE)
        yield cache(lambda way: writer_of(server, way))


@WAYS
@pytest.mark.parametrize("kind", KINDS)
def test_mail_of_every_kind_comes_back(writer: Callable[[str], Writer], way: str, kind: str) -> None:
    for seed in SEEDS:
        raw = KINDS[kind](Random(f"{kind} {seed}"))
        verdict = compare(raw, brought(writer(way), raw))
        composed_other = way == "compose" and kind in OTHERS
        short = way == "compose" and verdict.tier == "T3s"  # told apart by a Received field only
        assert verdict.outcome is (Outcome.REVIEW if composed_other or short else Outcome.SAME), verdict.reasons


@WAYS
def test_ugly_mail_comes_back(writer: Callable[[str], Writer], way: str) -> None:
    for number, sample in enumerate(UGLY):
        raw = MARKED % number + sample.raw
        verdict = compare(raw, brought(writer(way), raw))
        other = (way == "compose" and sample.name in TWICE) or (
            way == "import" and sample.name in ("parts without a beginning", "a boundary that is not named")
        )
        assert (verdict.outcome is not Outcome.SAME) is other, (sample.name, verdict)


@pytest.mark.parametrize("kind", ["signed", "enveloped", "encrypted"])
def test_what_is_sealed_is_attached_as_it_was(writer: Callable[[str], Writer], kind: str) -> None:
    raw = KINDS[kind](Random(1))
    (whole,) = [each.data for each in writer("compose").append(raw).content.attachments if each.name == "message.eml"]
    assert whole == raw


LETTER = (
    "From: =?utf-8?q?J=C3=BCrg_M=C3=BCller?= <juerg@example.test>\r\n"
    'To: Team: "Doe, Jane" <jane@example.test>, bob@example.test;\r\n'
    "Cc: =?iso-8859-1?q?Ren=E9?= <rene@example.test>\r\nReply-To: office@example.test\r\nX-Priority: 1 (Highest)\r\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <letter@example.test>\r\n"
    "Date: Tue, 2 Jan 2024 03:04:05 +0100\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\nContent-Type: multipart/related; boundary="r"\r\n\r\n'
    '--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Schön <img src="cid:logo@x"></p>\r\n'
    "--r\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\n\r\nPNG\r\n--r--\r\n"
    "--m\r\nContent-Type: application/pdf\r\n"
    "Content-Disposition: attachment; filename*=utf-8''Pr%C3%BCfung.pdf\r\n\r\nPDF\r\n--m--\r\n"
).encode()


@WAYS
def test_what_a_user_sees(writer: Callable[[str], Writer], way: str) -> None:
    item = writer(way).append(LETTER)
    content = item.content
    assert (content.subject, item.flags.importance, content.message_id) == ("Grüße", "high", "<letter@example.test>")
    assert content.people("From") == [("Jürg Müller", "juerg@example.test")]
    addresses = [address for name in ("To", "Cc", "Reply-To") for _, address in content.people(name)]
    assert addresses == ["jane@example.test", "bob@example.test", "rene@example.test", "office@example.test"]
    assert {who for name in ("To", "Cc") for who, _ in content.people(name)} >= {"Doe, Jane", "René"}
    assert content.sent is not None
    assert content.sent.isoformat() in ("2024-01-02T03:04:05+01:00", "2024-01-02T02:04:05+00:00")
    assert "Schön" in (content.html or "")
    files = {each.name: (each.data, each.content_id) for each in content.attachments}
    assert files == {"logo.png": (b"PNG", "logo@x"), "Prüfung.pdf": (b"PDF", "")}


def brought(writer: Writer, raw: bytes) -> bytes:
    """As Graph gives it afterwards."""
    return writer.alice.mime(writer.append(raw).immutable_id)
