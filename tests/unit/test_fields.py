"""Header fields are unfolded and decoded, also those that break the rules."""

import pytest

from reconcile.canonical.fields import FIELDS_MAX, decoded_words, read_fields
from tests.linear import assert_linear


@pytest.mark.parametrize(
    ("block", "values"),
    [
        (b"A: b\r\nC: d\r\n\r\n", {b"a": [b"b"], b"c": [b"d"]}),
        (b"A: b\nC: d", {b"a": [b"b"], b"c": [b"d"]}),
        (b"A: b\r\n\tc\r\n  d\r\n", {b"a": [b"b c d"]}),
        (b"A:\r\n b", {b"a": [b"b"]}),
        (b"A: b\r\n \r\n c", {b"a": [b"b  c"]}),
        (b"A : b", {b"a": [b"b"]}),  # RFC 5322, 4.5
        (b"A:b:c", {b"a": [b"b:c"]}),
        (b"A:", {b"a": [b""]}),
        (b"A: 1\r\na: 2", {b"a": [b"1", b"2"]}),
        (b"\xef\xbb\xbfA: b", {b"a": [b"b"]}),
        (b"From a@b Mon Jan  1 00:00:00 2024\r\nA: b", {b"a": [b"b"]}),  # of an mbox file
        (b">From a@b Mon Jan  1 00:00:00 2024\r\nA: b", {b"a": [b"b"]}),
        (b"no field\r\nA: b", {b"a": [b"b"]}),
        (b"", {}),
        (b"\r\n", {}),
    ],
)
def test_fields(block: bytes, values: dict[bytes, list[bytes]]) -> None:
    assert read_fields(block).values == values


def test_the_first_text_of_a_name() -> None:
    fields = read_fields(b"A: 1\r\nA: 2\r\nB: \xc3\xa4\r\nC: \xe4")
    assert [fields.text(name) for name in (b"a", b"b", b"c", b"d")] == ["1", "ä", "ä", ""]
    assert fields.all(b"d") == []


def test_lines_beyond_the_limit_do_not_count() -> None:
    fields = read_fields(b"A: b\r\n" * (FIELDS_MAX + 10) + b"C: d")
    assert len(fields.all(b"a")) == FIELDS_MAX
    assert not fields.all(b"c")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a b", "a b"),
        (b"=?utf-8?Q?a=C3=A4_b?=", "aä b"),
        (b"=?UTF-8?b?YcOk?=", "aä"),
        (b"=?iso-8859-1?Q?a?= =?iso-8859-1?Q?b?=", "ab"),  # RFC 2047, 8
        (b"=?iso-8859-1?Q?a?=\t  =?iso-8859-2?Q?b?=", "ab"),
        (b"=?iso-8859-1?Q?a?= b", "a b"),
        (b"(=?iso-8859-1?Q?a?= =?iso-8859-1?Q?_b?=)", "(a b)"),
        (b"=?iso-8859-1?Q?a?==?iso-8859-1?Q?b?=", "ab"),  # neighbours without the space that is due
        (b"x=?iso-8859-1?Q?a?=y", "xay"),
        (b"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"),  # a character cut in two
        (b"=?utf-8?B?w6TD?= =?UTF-8?Q?=A4?=", "ää"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCOGwbKEI=?=", "日本語"),
        (b"=?utf-8*en?Q?a?=", "a"),  # RFC 2231, 5
        (b"=?utf-8?Q?a b?=", "a b"),  # a space that has no place there
        (b"=?utf-8?B?YcOk", "=?utf-8?B?YcOk"),
        (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
        (b"=?utf-8?B?YcO?=", "a\xc3"),  # cut off
        (b"=?utf-8?B?YWI?=", "ab"),  # padding lost
        (b"=?utf-8?B?YWI==?=", "ab"),
        (b"=?utf-8?Q??=", ""),
        (b"=?utf-8?Q?=ZZ?=", "=ZZ"),
        (b"=?nope?Q?=E4?=", "ä"),
        (b"=?zlib?Q?a?=", "a"),
        ("ä =?utf-8?Q?b?=".encode(), "ä b"),
        (b"=?", "=?"),
    ],
)
def test_encoded_words(value: bytes, text: str) -> None:
    assert decoded_words(value) == text


@pytest.mark.parametrize("unit", [b"\n ", b"\n", b":", b"\na:b", b"\r", b" ", b"\r\n\t", b"\n:", b"a:\n"])
def test_hostile_blocks_take_linear_time(unit: bytes) -> None:
    assert_linear(read_fields, unit)


@pytest.mark.parametrize(
    "unit",
    [
        b"=?",
        b"=?a?Q?",
        b"=?a?b?QQ?= ",
        b"?=",
        b"=?a*b",
        b"=?utf-8?q?=?= ",
        b"=?a?q?b?=\n",
        b"=?" + b"a" * 60,
        b"=?a?b?=",
    ],
)
def test_hostile_words_take_linear_time(unit: bytes) -> None:
    assert_linear(decoded_words, unit)


def test_labels_without_number_take_linear_time() -> None:
    def read(data: bytes) -> str:
        return decoded_words(b" ".join(b"=?x%d?q?a?=" % number for number in range(len(data) // 12)))

    assert_linear(read, b"x")
