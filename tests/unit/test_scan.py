"""The MIME scanner finds the bodies that are base64, and only those, by their offsets."""

from time import process_time

import pytest

from reconcile.scan import HEADER_MAX, Kind, Scanner


def bodies(message: bytes) -> list[bytes]:
    scanner = Scanner()
    spans = scanner.feed(message) + scanner.close()
    joined: list[bytes] = []
    end = -1
    for span in spans:
        if span.kind is Kind.BODY and span.part.is_base64:
            piece = message[span.start : span.end]
            joined = [*joined[:-1], joined[-1] + piece] if span.start == end else [*joined, piece]
            end = span.end
    assert sum(span.end - span.start for span in spans) == len(message)
    return joined


B64 = b"Content-Transfer-Encoding: base64\n"
MULTI = b"Content-Type: multipart/mixed; boundary=b\n"

SHAPES = {
    "a leaf alone": (B64 + b"\nQUJD\n", [b"QUJD\n"]),
    "crlf": (B64.replace(b"\n", b"\r\n") + b"\r\nQUJD\r\n", [b"QUJD\r\n"]),
    "case and space": (b"cOnTent-transfer-ENCODING \t:  BASE64  \n\nQUJD\n", [b"QUJD\n"]),
    "folded field": (b"Content-Transfer-Encoding:\n\tbase64\n\nQUJD\n", [b"QUJD\n"]),
    "another encoding": (b"Content-Transfer-Encoding: base64x\n\nQUJD\n", []),
    "no field": (b"Subject: x\n\nQUJD\n", []),
    "first of two fields": (B64 + b"Content-Transfer-Encoding: 7bit\n\nQUJD\n", [b"QUJD\n"]),
    "field in a continuation": (b"X: y\n Content-Transfer-Encoding: base64\n\nQUJD\n", []),
    "no blank line": (B64 + b"QUJD\n", []),
    "no header": (b"\n" + B64 + b"\nQUJD\n", []),
    "multipart": (MULTI + b"\n--b\n" + B64 + b"\nQUJD\n--b\n\nx\n--b--\n", [b"QUJD\n"]),
    "missing close": (MULTI + b"\n--b\n" + B64 + b"\nQUJD\n", [b"QUJD\n"]),
    "quoted boundary": (
        b'Content-Type: multipart/x;\n charset="a"; boundary="b \\"c"\n\n--b "c\n' + B64 + b'\nQUJD\n--b "c--\nx',
        [b"QUJD\n"],
    ),
    "space after the boundary": (MULTI + b"\n--b \t\r\n" + B64 + b"\nQUJD\n--b-- \n", [b"QUJD\n"]),
    "a longer boundary is none": (MULTI + b"\n--b\n" + B64 + b"\nQUJD\n--bb\nQUJD\n--b--\n", [b"QUJD\n--bb\nQUJD\n"]),
    "boundary inside a header block": (MULTI + b"\n--b\nX: y\n--b\n" + B64 + b"\nQUJD\n", [b"QUJD\n"]),
    "boundary without a multipart": (B64 + b"\nQUJD\n--b\nQUJD\n", [b"QUJD\n--b\nQUJD\n"]),
    "multipart in base64 is read": (MULTI + B64 + b"\n--b\n" + B64 + b"\nQUJD\n--b--\n", [b"QUJD\n"]),
    "empty boundary": (b'Content-Type: multipart/x; boundary=""\n\n--\n' + B64 + b"\nQUJD\n", []),
    "nested, the inner unclosed": (
        MULTI
        + b"\n--b\nContent-Type: multipart/x; boundary=i\n\n--i\n"
        + B64
        + b"\nQQ==\n--b\n"
        + B64
        + b"\nQUJD\n--i\n--b--\n",
        [b"QQ==\n", b"QUJD\n--i\n"],
    ),
    "message in a message": (b"Content-Type: message/rfc822\n\nSubject: x\n" + B64 + b"\nQUJD\n", [b"QUJD\n"]),
    "message in base64 is a leaf": (b"Content-Type: message/rfc822\n" + B64 + b"\nQUJD\n", [b"QUJD\n"]),
    "bare CR ends no line": (MULTI + b"\n--b\n" + B64 + b"\nQUJD\r--b--\rQUJD\n--b--", [b"QUJD\r--b--\rQUJD\n"]),
    "header too large": (b"X: " + b"y" * HEADER_MAX + b"\n" + B64 + b"\nQUJD\n", []),
    "part after a header too large": (
        MULTI + b"\n--b\nX: " + b"y" * HEADER_MAX + b"\n" + B64 + b"\nQUJD\n--b\n" + B64 + b"\nQQ==\n--b--",
        [b"QQ==\n"],
    ),
    "a part without a header": (MULTI + b"\n--b\n\n" + B64 + b"\nQUJD\n--b--\n", []),
    "empty": (b"", []),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_bodies_are_found_by_their_offsets(shape: str) -> None:
    message, expected = SHAPES[shape]
    assert bodies(message) == expected


def test_nesting_without_end_is_text_below_the_limit() -> None:
    deep = b"".join(b"Content-Type: multipart/x; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(500))
    assert bodies(deep + B64 + b"\nQUJD\n") == []


@pytest.mark.parametrize(
    "unit",
    [
        b"\n--",
        b"\n--b",
        b"--b\n",
        b"--x\n",
        b"--b\n\nx\n",
        b"\nContent-Type: multipart/x; boundary=b\n\n",
        b"\r",
        b"\n",
        b'"\\',
        b"Content-Type:\n ",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: bytes) -> None:
    def seconds(size: int) -> float:
        message = MULTI + b"\n--b\n" + unit * (size // len(unit))
        started = process_time()
        bodies(message)
        return process_time() - started

    small = min(seconds(100_000) for _ in range(3))
    assert seconds(800_000) < 8 * 4 * max(small, 0.002)


def test_a_hostile_message_makes_few_spans() -> None:
    scanner = Scanner()
    assert len(scanner.feed(MULTI + b"\n--b\n" + b"\n--b" * 10_000) + scanner.close()) <= 6


def test_after_many_lines_that_could_be_boundaries_all_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    part = b"--b\n" + B64 + b"\nQUJD\n"
    monkeypatch.setattr("reconcile.scan.CANDIDATES_MAX", 10)
    message = MULTI + b"\n" + part * 4 + b"-- \n" * 6 + part * 3
    assert bodies(message) == [b"QUJD\n"] * 3 + [b"QUJD\n" + b"-- \n" * 6]
    scanner = Scanner()
    spans = [span for at in range(len(message)) for span in scanner.feed(message[at : at + 1])] + scanner.close()
    assert sum(span.end - span.start for span in spans if span.kind is Kind.BODY and span.part.is_base64) == 44


def test_lines_that_could_be_boundaries_cost_no_more_beyond_the_limit() -> None:
    def seconds(lines: int) -> float:
        message = MULTI + b"\n" + b"--b\n" * lines
        started = process_time()
        bodies(message)
        return process_time() - started

    assert seconds(3_000_000) < 6 * max(min(seconds(150_000) for _ in range(3)), 0.05)
