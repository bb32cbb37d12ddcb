"""Any bytes in, a fingerprint out: the same however they are cut, and verdicts that know no order."""

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fixtures.copies.originals import originals
from fixtures.ugly import mails
from reconcile.fingerprint import Reading, read
from reconcile.verdict import Outcome, compare, judge

EXAMPLES = 300
COUNTS = [EXAMPLES, pytest.param(20_000, marks=[pytest.mark.proof, pytest.mark.timeout(7200)])]
SMALL = 1500
"""Bytes of a message that is fed byte by byte."""
LARGE = 20_000
TRACE = (
    b"Return-Path: <bounce@example.net>\nReceived: from a by mx.example.net\n\twith ESMTP id 1;"
    b" Tue, 3 Mar 2020 10:11:13 +0100\nX-Spam-Status: No\nDKIM-Signature: v=1; b=\n AAAA\n"
)

NAMES = [b"Subject", b"From", b"To", b"Cc", b"Date", b"Resent-Date", b"Received", b"X-Alarm", b"Original-Message-ID"]
VALUES = [
    b'"a \\" <x@y>" <a@example.org>, b@example.org (c), g: <d@e>;',
    b"=?utf-8?q?=E4=B8?= =?utf-8?q?=AD?= =?x?b?QUI?=",
    b"=?utf-7?q?+2AA-?= [list] Re: {v2} *** x",
    b"Tue, 3 Mar 2020 10:11:12 +0100",
    b"99 Foo 0000 99:99 +9999",
    b"\n\t\n folded\n  value",
    b"<a@b> <c @ D> <",
    b"\xff\xc3\xa4\x00 \x1c\xc2\xa0",
    b"by mx.example.net; by",
    b"",
]
MEDIA = [b"text/plain", b"text/html", b"TEXT/Calendar; method=REQUEST", b"application/ms-tnef", b"text/enriched", b""]
PARAMETERS = [
    b"; charset=utf-7",
    b'; charset="unicode_escape"',
    b"; charset=iso-2022-jp",
    b"; charset=" + b"x" * 300,
    b"; charset=gb18030; name*0*=utf-8''a",
    b'; name="a\\"; boundary=b',
    b'; boundary="b',
    b";;;=",
]
ENCODINGS = [b"base64", b"quoted-printable", b" Base64 ; x", b"8bit", b"x-uuencode"]
FIELDS = [b"Content-Disposition: attachment; filename=a", b"Content-ID: <c>", b"no field at all", b" ", b"--b"]
PIECES = [
    b"QUJD",
    b"QUI=",
    b"=",
    b"==",
    b"=4",
    b"=41=\n",
    b"\x1b$B0!\x1b(B+AGE-\\d",
    b"<a href='http://x/'>&#65;</a><!-- x --!><ol><li>",
    b"<style>a</style><style-x>b<img src=cid:c>",
    b"https://a.safelinks.protection.outlook.com/?url=http%3A%2F%2Fx http://x/",
    b"https://urldefense.com/v3/__http://a*b__;QQ!x",
    b">From a\n--\n--b\n--b--\n--b b\n",
    b"BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Berlin:20200303T101112\nRRULE:B;A\nEND:VEVENT\n",
    "\ufdfa\u0301\u0323\U0001f600\u200b 10\u00b2".encode(),
    b"the quick brown fox jumps over the lazy dog, 1 000 times\n",
]
BOUNDARIES = [b"b", b"b b", b"b--", b"-", b"b.b"]

fields = st.builds(lambda name, value: name + b": " + value, st.sampled_from(NAMES), st.sampled_from(VALUES))
bodies = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=8).map(b"".join)
types = st.builds(
    lambda media, more: b"Content-Type: " + media + b"".join(more),
    st.sampled_from(MEDIA),
    st.lists(st.sampled_from(PARAMETERS), max_size=2),
)
encodings = st.sampled_from(ENCODINGS).map(lambda encoding: b"Content-Transfer-Encoding: " + encoding)
lines = st.lists(st.one_of(types, encodings, st.sampled_from(FIELDS)), max_size=4)
leaves = st.builds(lambda head, body: b"\n".join([*head, b"", body]), lines, bodies)


def holder(parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.builds(_multipart, st.lists(parts, max_size=4), st.sampled_from(BOUNDARIES), bodies), _held(parts)
    )


def _held(parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A message in a message."""
    heads = st.lists(fields, max_size=3).map(lambda some: b"".join(field + b"\n" for field in some))
    return st.builds(lambda head, part: b"Content-Type: message/rfc822\n\n" + head + part, heads, parts)


def _multipart(parts: list[bytes], boundary: bytes, around: bytes) -> bytes:
    sort = b"alternative" if len(parts) == 2 else b"mixed"
    head = b"Content-Type: multipart/" + sort + b'; boundary="' + boundary + b'"\n\n'
    return head + around + b"".join(b"\n--" + boundary + b"\n" + part for part in parts) + b"\n--" + boundary + b"--\n"


structures = st.recursive(leaves, holder, max_leaves=6)
letters = st.builds(
    lambda head, rest: b"".join(field + b"\n" for field in head) + rest, st.lists(fields, max_size=5), structures
)
SEEDS = [mail.raw for mail in mails(1, 160) if len(mail.raw) < LARGE] + [
    raw for raw in originals(Random(1), 80) if len(raw) < LARGE
]
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 8), st.one_of(st.binary(max_size=4), st.sampled_from(PIECES))), max_size=6
)


def _edited(raw: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, removed, added in changes:
        at = int(where * len(raw))
        raw = raw[:at] + added + raw[at + removed :]
    return raw


mutants = st.builds(_edited, st.sampled_from(SEEDS), edits)
anything = st.one_of(letters, mutants, st.binary(max_size=300))


def cut(raw: bytes, sizes: list[int]) -> Reading:
    """Read in pieces of these sizes, again and again."""
    chunks, at, turn = [], 0, 0
    while at < len(raw):
        chunks.append(raw[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return read(chunks)


def run(test: object, count: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    settings(max_examples=count, deadline=None, suppress_health_check=checks)(test)()  # type: ignore[operator]


@pytest.mark.parametrize("count", COUNTS)
def test_however_it_is_cut(count: int) -> None:
    @given(anything, st.lists(st.integers(1, 90), min_size=1, max_size=8))
    def whole_and_in_pieces(raw: bytes, sizes: list[int]) -> None:
        found = read(raw)
        assert read(raw) == found
        assert cut(raw, sizes) == found
        assert cut(raw[:SMALL], [1]) == read(raw[:SMALL])

    run(whole_and_in_pieces, count)


@pytest.mark.parametrize("count", COUNTS)
def test_the_order_of_two_makes_no_difference(count: int) -> None:
    @given(anything, edits, st.booleans(), anything)
    def both_ways(raw: bytes, changes: list[tuple[float, int, bytes]], related: bool, stranger: bytes) -> None:
        one, other = read(raw), read(_edited(raw, changes) if related else stranger)
        there = judge(one.fingerprint, other.fingerprint, lambda: (one.texts, other.texts))
        back = judge(other.fingerprint, one.fingerprint, lambda: (other.texts, one.texts))
        assert there == back
        assert there.reasons
        if there.outcome is Outcome.SAME:
            assert one.fingerprint.keys & other.fingerprint.keys

    run(both_ways, count)


@pytest.mark.parametrize("count", COUNTS)
def test_a_message_is_itself(count: int) -> None:
    @given(anything)
    def to_itself(raw: bytes) -> None:
        verdict = compare(raw, bytes(raw))
        assert (verdict.outcome, verdict.tier) == (Outcome.SAME, "T0")

    run(to_itself, count)


@pytest.mark.parametrize("count", COUNTS)
def test_line_ends_and_trace_fields_make_no_other_message(count: int) -> None:
    @given(letters)
    def in_passing(rest: bytes) -> None:
        raw = b"Message-ID: <a@example.org>\n" + rest.replace(b"\r", b"")
        assume(b"\x00" not in raw)
        for copy in (raw.replace(b"\n", b"\r\n"), TRACE + raw):
            verdict = compare(raw, copy)
            assert verdict.outcome is Outcome.SAME, (copy, verdict)
            assert read(raw).fingerprint.keys & read(copy).fingerprint.keys

    run(in_passing, count)


ID = b"Message-ID: <a@example.org>\nFrom: a@example.org\nDate: Tue, 3 Mar 2020 10:11:12 +0100\n"


def page(text: bytes) -> bytes:
    return ID + b"Subject: s\nContent-Type: text/html\n\n" + text


def two(first: bytes, second: bytes, head: bytes = b"") -> bytes:
    return ID + b"Subject: s\n" + _multipart([b"\n" + first, head + b"\n" + second, b"\nend"], b"b", b"")


FILE = b"Content-Disposition: attachment\n"
SHIFTS = {
    "from the text to the file": (two(b"pay 100", b"now", FILE), two(b"pay 100now", b"", FILE)),
    "from the file to the text": (two(b"pay", b"100 now", FILE), two(b"pay 100", b"now", FILE)),
    "from the subject to the text": (ID + b"Subject: pay 100\n\nnow", ID + b"Subject: pay\n\n100 now"),
    "from the subject to From": (
        ID + b"Subject: b@c\n\nx",
        ID.replace(b"a@example.org\nD", b"b@c\nD") + b"Subject:\n\nx",
    ),
    "from one file to another": (two(b"a", b"bb", FILE) + FILE, two(b"ab", b"b", FILE) + FILE),
    "out of a comment": (page(b"<!-- x --!>pay 100<!-- -->"), page(b"<!-- x --!>pay 900<!-- -->")),
    "not into a style": (page(b"<style-x>pay 100</style-x>"), page(b"<style-x>pay 900</style-x>")),
    "not into a title": (page(b"<title-x>pay 100</title-x>"), page(b"<title-x>pay 900</title-x>")),
    "behind another link": (page(b"<a/href=http://x/>pay</a>"), page(b"<a/href=http://y/>pay</a>")),
    "behind the value of an attribute": (
        page(b"<a x=' href=y' href=//a>b</a>"),
        page(b"<a x=' href=y' href=//c>b</a>"),
    ),
    "charset label": (page(b"\\x41"), page(b"A")),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_what_moved_is_not_the_same(name: str) -> None:
    one, other = SHIFTS[name]
    assert compare(one, other).outcome is not Outcome.SAME


def test_parts_shown_one_after_the_other_may_be_cut_elsewhere() -> None:
    assert compare(two(b"pay", b"100 now"), two(b"pay 100", b"now")).outcome is Outcome.SAME
