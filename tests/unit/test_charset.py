"""Any bytes become text, under any label, and what labels mean in mail is what counts."""

import encodings
import random
import warnings

import pytest

from reconcile.canonical.charset import as_utf8, decoded
from tests.linear import assert_linear


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"abc", "", "abc"),
        (b"abc", "us-ascii", "abc"),
        ("ä".encode(), "us-ascii", "ä"),  # mislabelled, as Exchange and scripts do
        ("ä".encode(), "", "ä"),
        (b"\xe4", "us-ascii", "ä"),
        (b"\xe4", "utf-8", "ä"),
        (b"\x80 \x93", "iso-8859-1", "€ “"),  # Windows-1252, whatever it is called (WHATWG)
        (b"\x80", "latin1", "€"),
        (b"\x80", "ISO_8859-1", "€"),
        (b"\xa4", "iso-8859-15", "€"),
        (b"\xf0", "iso-8859-9", "ğ"),
        (b"\xd4\xd9", "koi8-r", "ты"),
        (b"\xa4", "koi8-u", "є"),
        ("한글".encode("cp949"), "ks_c_5601-1987", "한글"),
        ("똠".encode("cp949"), "euc-kr", "똠"),  # outside of EUC-KR proper
        ("똠".encode("cp949"), "ks_c_5601", "똠"),
        ("髙①".encode("cp932"), "shift_jis", "髙①"),
        ("髙①".encode("cp932"), "x-sjis", "髙①"),
        ("镕".encode("gb18030"), "gb2312", "镕"),
        ("ไทย".encode("cp874"), "windows-874", "ไทย"),
        ("日本".encode("iso2022_jp"), "ISO-2022-JP", "日本"),
        (b"+AOQ-", "unicode-1-1-utf-7", "ä"),
        ("ä".encode(), '"utf-8"', "ä"),
        ("ä".encode(), " utf-8 ", "ä"),
        ("ä".encode(), "no-such-charset", "ä"),
        (b"\xe4", "no-such-charset", "ä"),
        ("ä".encode(), "default_charset", "ä"),
        (b"616263", "hex", "616263"),  # codecs of Python that are no charsets
        (b"abc", "rot13", "abc"),
        (b"abc-", "punycode", "abc-"),
        (b"\\u0041\\q", "unicode_escape", "\\u0041\\q"),
        (b"\\u0041", "raw-unicode-escape", "\\u0041"),
        (b"xn--4ca", "idna", "xn--4ca"),
        (b"abc", "aliases", "abc"),  # a module beside the codecs
        (b"abc", "../../etc/passwd", "abc"),
        (b"abc", "utf-8\x00", "abc"),
        (b"abc", "x" * 10_000, "abc"),
        (b"", "utf-16", ""),
    ],
)
def test_text_of_a_label(data: bytes, charset: str, text: str) -> None:
    assert decoded(data, charset) == text


def test_one_bad_byte_does_not_spoil_a_multi_byte_text() -> None:
    assert decoded("日本語".encode("cp932") + b"\xff" + "日本".encode("cp932"), "shift_jis").startswith("日本語")


def test_two_texts_under_one_label_never_become_one_by_bytes_that_do_not_fit() -> None:
    assert decoded(b"M\xfcller", "utf-8") != decoded(b"M\xf6ller", "utf-8")


LABELS = [
    "utf-7",
    "utf-8",
    "utf-16",
    "utf-32",
    "iso-2022-jp",
    "iso-2022-kr",
    "hz",
    "gb18030",
    "shift_jis",
    "euc-kr",
    "big5",
    "euc-jp",
    "utf-8-sig",
    "cp037",
    "undefined",
    "unicode_escape",
    "idna",
    "zlib",
    "",
    "?",
]


@pytest.mark.parametrize("charset", LABELS)
def test_any_bytes_become_text_without_warning(charset: str) -> None:
    rng = random.Random(charset)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(200):
            assert isinstance(decoded(rng.randbytes(rng.randrange(40)), charset), str)


@pytest.mark.parametrize("charset", LABELS)
@pytest.mark.parametrize("unit", [b"\xff", b"\x1b$B", b"+AAA", b"a-", b"\x00\xd8", b"~{", b"\\u"])
def test_hostile_repetition_takes_linear_time(charset: str, unit: bytes) -> None:
    assert_linear(lambda data: decoded(data, charset), unit)


def test_unknown_labels_are_not_remembered() -> None:
    before = len(encodings._cache)  # type: ignore[attr-defined]
    for number in range(2000):
        decoded(b"abc", f"unknown-{number}")
    assert len(encodings._cache) - before < 100  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "charset", ["", "us-ascii", "utf-8", "latin1", "utf-16", "utf-7", "iso-2022-jp", "cp037", "nonsense"]
)
@pytest.mark.parametrize("data", [b"", b"abc\r\n", b"a+AOQ-b", b'\x1b$B$"\x1b(B', "ä€".encode(), b"\xe4", b"\xd8\x00"])
def test_as_utf8_is_the_text_in_bytes(data: bytes, charset: str) -> None:
    assert as_utf8(data, charset) == decoded(data, charset).encode("utf-8", "surrogatepass")
