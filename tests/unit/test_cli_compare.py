"""`replicator reconcile compare`, as someone types it: no configuration, no mailstore, hostile mail."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from replicator.cli.running import run

Capture = pytest.CaptureFixture[str]
MAIL = (
    b"Received: from a (a [192.0.2.1]) by b with ESMTP id x; Tue, 24 Nov 2026 07:23:40 +0000\r\n"
    b"Message-ID: <1@x>\r\nDate: Tue, 24 Nov 2026 07:23:36 +0000\r\nFrom: Ann <ann@x>\r\nTo: bob@x\r\nSubject: pump\r\n"
    b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nIt costs 100.\r\n--m\r\n"
    b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--m--\r\n"
)
FOOTER = b"Pumps Ltd., registered in Leeds, number 4711. Please do not print this message.\r\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, raw in {
        "a.eml": MAIL,
        "hop.eml": b"Received: from b by c; Tue, 24 Nov 2026 07:24:00 +0000\r\n" + MAIL,
        "edited.eml": MAIL.replace(b"100", b"101"),
        "other.eml": MAIL.replace(b"<1@x>", b"<2@x>").replace(b"100", b"7"),
        "footer.eml": MAIL.replace(b"100.\r\n", b"100.\r\n" + FOOTER),
        "hostile.eml": b"Subject: \x1b]0;owned\x07\xe2\x80\xae\nTo: \x1b[2J\n\n\x1b[2J\x00",
        "footer.txt": FOOTER,
    }.items():
        Path(name).write_bytes(raw)


def answers(capsys: Capture, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    assert run(["reconcile", "compare", *arguments, "--json"]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("other", "verdict", "tier", "code"),
    [
        ("a.eml", "same", "T0", 0),
        ("hop.eml", "same", "T1", 0),
        ("edited.eml", "review", "T2r", 4),
        ("other.eml", "distinct", "-", 0),
    ],
)
def test_one_pair(other: str, verdict: str, tier: str, code: int, capsys: Capture) -> None:
    (answer,) = answers(capsys, "a.eml", other, code=code)
    assert set(answer) == {"a", "b", "verdict", "tier", "reasons"}
    assert (answer["a"], answer["b"], answer["verdict"], answer["tier"]) == ("a.eml", other, verdict, tier)
    assert answer["reasons"]
    assert run(["reconcile", "compare", "a.eml", other]) == code
    out = capsys.readouterr().out
    assert out.startswith(f"{verdict}, by tier {tier}:\n")
    assert all(f"- {reason}\n" in out for reason in answer["reasons"])


def test_many_pairs_in_their_order_and_one_that_cannot_be_read(capsys: Capture) -> None:
    Path("pairs.tsv").write_text("a.eml\thop.eml\n\na.eml\tmissing.eml\tnote\r\na.eml\tedited.eml\tlabel\tmore\n")
    found = answers(capsys, "--pairs", "pairs.tsv", code=3)
    assert [line.get("verdict") for line in found] == ["same", None, "review"]
    assert found[1]["error"]["code"] == "FileNotFoundError"
    assert run(["reconcile", "compare", "--pairs", "pairs.tsv"]) == 3
    out, err = capsys.readouterr()
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["same", "T1", "a.eml", "hop.eml"],
        ["review", "T2r", "a.eml", "edited.eml"],
    ]
    assert "not compared: missing.eml" in err


def test_pairs_from_stdin(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.eml\thop.eml\n")))
    assert [line["verdict"] for line in answers(capsys, "--pairs", "-")] == ["same"]


def test_a_name_that_is_no_utf8(capsys: Capture) -> None:
    name = b"caf\xe9.eml"
    Path(name.decode("utf-8", "surrogateescape")).write_bytes(MAIL)
    Path("pairs.tsv").write_bytes(b"a.eml\t" + name + b"\n")
    assert [line["verdict"] for line in answers(capsys, "--pairs", "pairs.tsv")] == ["same"]


def test_a_text_that_is_known(capsys: Capture) -> None:
    assert answers(capsys, "a.eml", "footer.eml", code=4)[0]["tier"] == "T2u"
    assert answers(capsys, "a.eml", "footer.eml", "--boilerplate", "footer.txt")[0]["tier"] == "T2"


def test_a_text_that_is_learned(capsys: Capture) -> None:
    lines = []
    for number in range(3):
        own = MAIL.replace(b"<1@x>", b"<n%d@x>" % number).replace(b"ann@x", b"ann%d@x" % number)
        Path(f"{number}a.eml").write_bytes(own)
        Path(f"{number}b.eml").write_bytes(own.replace(b"100.\r\n", b"100.\r\n" + FOOTER))
        lines.append(f"{number}a.eml\t{number}b.eml\n")
    Path("pairs.tsv").write_text("".join([*lines, "missing.eml\ta.eml\n"]))
    assert {line.get("tier") for line in answers(capsys, "--pairs", "pairs.tsv", code=3)} == {"T2u", None}
    assert {line.get("tier") for line in answers(capsys, "--pairs", "pairs.tsv", "--learn", code=3)} == {"T2", None}


def test_both_side_by_side(capsys: Capture) -> None:
    (answer,) = answers(capsys, "a.eml", "hop.eml", "--explain")
    one, other = answer["detail"]
    assert (one["message_id"], one["subject"], one["note"]) == ("<1@x>", "pump", "")
    assert [hop["by"] for hop in other["hops"]] == ["b", "c"]
    assert other["hops"][1]["delay"] == 20
    assert [(each["filename"], each["size"]) for each in one["attachments"]] == [("a.pdf", 3)]
    assert run(["reconcile", "compare", "a.eml", "hop.eml", "--explain"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row[3:].split("  ")[0] for row in rows if row.startswith("*")] == ["Way", "Size"]


def test_nothing_in_mail_steers_the_terminal(capsys: Capture) -> None:
    run(["reconcile", "compare", "hostile.eml", "hop.eml", "--explain"])
    run(["reconcile", "compare", "hostile.eml", "hop.eml", "--explain", "--json"])
    out, err = capsys.readouterr()
    assert not set("\x1b\x07\x00\u202e") & set(out + err)


def test_what_mail_parser_cannot_read_is_said(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(raw: bytes) -> None:
        raise AttributeError("some text of the mail")

    monkeypatch.setattr("mailparser.parse_from_bytes", fail)
    (answer,) = answers(capsys, "a.eml", "hop.eml", "--explain")
    assert answer["detail"][0]["note"] == "mail-parser cannot read it (AttributeError)"
    assert run(["reconcile", "compare", "a.eml", "hop.eml", "--explain"]) == 0
    assert "a.eml: mail-parser cannot read it (AttributeError)" in capsys.readouterr().out


def test_a_large_message_is_compared_and_not_examined(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicator.forensics.LARGEST", 10)
    (answer,) = answers(capsys, "a.eml", "hop.eml", "--explain")
    assert answer["verdict"] == "same"
    assert answer["detail"][0]["note"].startswith("larger than")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name two files, or a file of pairs"),
        (["a.eml"], 2, "name two files, or a file of pairs"),
        (["a.eml", "a.eml", "a.eml"], 2, "name two files, or a file of pairs"),
        (["a.eml", "a.eml", "--pairs", "x"], 2, "name two files, or a file of pairs"),
        (["a.eml", "a.eml", "--learn"], 2, "--learn learns from many"),
        (["a.eml", "missing.eml"], 1, "missing.eml: No such file"),
        (["a.eml", "."], 1, ".: Is a directory"),
        (["--pairs", "missing.tsv"], 1, "missing.tsv: No such file"),
        (["--pairs", "footer.txt"], 2, "footer.txt, line 1: no two paths with a tab between them"),
        (["a.eml", "a.eml", "--boilerplate", "missing.txt"], 1, "missing.txt: No such file"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], code: int, message: str, capsys: Capture) -> None:
    assert run(["reconcile", "compare", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
