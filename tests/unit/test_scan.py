"""The MIME scanner finds the bodies that are base64, and only those, and all other parts, by their offsets."""

import pytest

from reconcile.scan import DEPTH_MAX, HEADER_MAX, UNKNOWN, Kind, Scanner, Span
from tests.linear import assert_in_proportion, assert_linear


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
    small, large = (MULTI + b"\n--b\n" + unit * (size // len(unit)) for size in (100_000, 800_000))
    assert_in_proportion(lambda: bodies(small), lambda: bodies(large), 8 * 4)


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
    small, large = (MULTI + b"\n" + b"--b\n" * lines for lines in (150_000, 3_000_000))
    assert_in_proportion(lambda: bodies(small), lambda: bodies(large), 6, 0.05)


def spans(message: bytes) -> list[Span]:
    """Those of the message, joined where they were cut; the same however it is chunked."""
    found = []
    for size in (max(1, len(message)), 1, 7):
        scanner = Scanner()
        pieces = [span for at in range(0, len(message), size) for span in scanner.feed(message[at : at + size])]
        joined: list[Span] = []
        for span in pieces + scanner.close():
            assert span.start == (joined[-1].end if joined else 0)
            if joined and (joined[-1].kind, joined[-1].part) == (span.kind, span.part) and span.kind is not Kind.HEADER:
                joined[-1] = Span(span.kind, joined[-1].start, span.end, span.part)
            else:
                joined.append(span)
        assert (joined[-1].end if joined else 0) == len(message)
        found.append(
            [(span.kind, message[span.start : span.end], span.part.entity, span.part.depth) for span in joined]
        )
    assert found[0] == found[1] == found[2]
    return joined


def outline(message: bytes) -> list[tuple[str, bytes]]:
    return [(span.kind.name[0], message[span.start : span.end]) for span in spans(message)]


INNER = b"Content-Type: message/rfc822\n\n"
PARTS = {
    "header and body": (b"A: b\r\n\r\nc\r\n", [("H", b"A: b\r\n\r\n"), ("B", b"c\r\n")]),
    "no header": (b"\nc", [("H", b"\n"), ("B", b"c")]),
    "header only": (b"A: b\nC: d\n", [("H", b"A: b\nC: d\n")]),
    "header only, unended": (b"A: b", [("H", b"A: b")]),
    "an empty body": (b"A: b\n\n", [("H", b"A: b\n\n")]),
    "preamble and epilogue": (
        MULTI + b"\npre\n--b\n\nx\n--b--\npost\n",
        [("H", MULTI + b"\n"), ("B", b"pre\n"), ("F", b"--b\n"), ("H", b"\n"), ("B", b"x\n"), ("F", b"--b--\npost\n")],
    ),
    "a multipart of which no boundary comes": (MULTI + b"\nx\n--c\ny", [("H", MULTI + b"\n"), ("B", b"x\n--c\ny")]),
    "a header ended by a boundary": (
        MULTI + b"\n--b\nA: b\n--b\n\nx",
        [("H", MULTI + b"\n"), ("F", b"--b\n"), ("H", b"A: b\n"), ("F", b"--b\n"), ("H", b"\n"), ("B", b"x")],
    ),
    "two boundaries in a row": (
        MULTI + b"\n--b\n--b\n\nx",
        [("H", MULTI + b"\n"), ("F", b"--b\n--b\n"), ("H", b"\n"), ("B", b"x")],
    ),
    "a message in a message": (
        INNER + b"A: b\n\nx",
        [("H", INNER), ("H", b"A: b\n\n"), ("B", b"x")],
    ),
    "a message without header in a message": (INNER + b"\nx", [("H", INNER), ("H", b"\n"), ("B", b"x")]),
    "a message in a message, empty": (INNER, [("H", INNER)]),
    "boundary at the very end": (MULTI + b"\n--b", [("H", MULTI + b"\n"), ("F", b"--b")]),
    "first line is a boundary": (b"--b\n\nx", [("H", b"--b\n\n"), ("B", b"x")]),
}


@pytest.mark.parametrize("shape", PARTS)
def test_spans_of_parts(shape: str) -> None:
    message, expected = PARTS[shape]
    assert outline(message) == expected


def test_parts_know_their_parents_and_their_message() -> None:
    inner = b"Content-Type: multipart/x; boundary=i\n\n--i\n\nx\n--i--\n"
    message = MULTI + b"\n--b\n\na\n--b\n" + INNER + inner + b"--b\n\nc\n--b--\n"
    root, first, outer, multipart, leaf, last = (span.part for span in spans(message) if span.kind is Kind.HEADER)
    assert (root.parent, root.message, root.depth) == (None, None, 0)
    assert (first.parent, first.message, first.depth) == (root, None, 1)
    assert (outer.parent, outer.message, outer.depth) == (root, None, 1)
    assert (multipart.parent, multipart.message, multipart.depth) == (outer, outer, 2)
    assert (leaf.parent, leaf.message, leaf.depth) == (multipart, outer, 3)
    assert (last.parent, last.message, last.depth) == (root, None, 1)
    assert first != last


def test_a_frame_belongs_to_its_multipart() -> None:
    inner = b"Content-Type: multipart/x; boundary=i\n\n--i\n\nx\n--i--\nend\n"
    found = spans(MULTI + b"\n--b\n" + inner + b"--b--\n")
    frames = [span.part.entity.boundary for span in found if span.kind is Kind.FRAME]
    assert frames == [b"b", b"i", b"i", b"b"]
    assert found[0].part.parent is None


def test_a_message_in_a_message_in_a_message() -> None:
    found = [span.part for span in spans(INNER * 3 + b"A: b\n\nx") if span.kind is Kind.HEADER]
    assert [part.depth for part in found] == [0, 1, 2, 3]
    assert [part.message for part in found] == [None, *found[:3]]


def test_messages_nested_too_deep_are_leaves() -> None:
    found = Scanner().feed(INNER * 200 + b"A: b\n\nx")
    assert max(span.part.depth for span in found) == DEPTH_MAX
    assert found[-1].kind is Kind.BODY
    assert found[-1].part.entity.media == b"message/rfc822"
    assert sum(span.kind is Kind.HEADER for span in found) == DEPTH_MAX + 1


def test_a_header_of_just_a_megabyte_is_whole() -> None:
    message = b"X: " + b"y" * (HEADER_MAX - 30) + b"\nContent-Type: text/html\n\nbody"
    scanner = Scanner()
    header, body = scanner.feed(message) + scanner.close()
    assert (header.kind, body.kind) == (Kind.HEADER, Kind.BODY)
    assert message[body.start :] == b"body"
    assert body.part.entity.media == b"text/html"


def test_a_header_of_a_megabyte_is_read_as_far_as_it_goes() -> None:
    scanner = Scanner()
    found = scanner.feed(b"Content-Type: text/html\nX: " + b"y" * (HEADER_MAX * 2)) + scanner.close()
    assert [(span.kind, span.start, span.end) for span in found] == [
        (Kind.HEADER, 0, HEADER_MAX),
        (Kind.BODY, HEADER_MAX, HEADER_MAX * 2 + 27),
    ]
    assert found[0].part.entity.media == b"text/html"
    assert found[1].part is UNKNOWN


@pytest.mark.parametrize("unit", [INNER, MULTI + b"\n--b\n", b"\n--b\n" + INNER, b"\n--b\nA: b", b"\n--b--\n"])
def test_hostile_nesting_takes_linear_time(unit: bytes) -> None:
    def scan(data: bytes) -> object:
        scanner = Scanner()
        return scanner.feed(MULTI + b"\n--b\n" + data) + scanner.close()

    assert_linear(scan, unit)
