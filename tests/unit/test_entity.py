"""What the header block of a part says of it (RFC 2045, 2183, 2231), also where it says it badly."""

import pytest

from reconcile.entity import Entity, read_entity
from tests.linear import assert_linear


def entity(*lines: bytes) -> Entity:
    return read_entity(b"\n" + b"\r\n".join(lines) + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("value", "media"),
    [
        (b"text/html; charset=utf-8", b"text/html"),
        (b" TEXT/HTML ;x=y", b"text/html"),
        (b"", b""),
        (b"text", b"text"),  # RFC 1049, and old Unix mailers
        (b"text/plain (as RFC 822 allows)", b"text/plain"),
        (b'text/html charset="utf-8"', b"text/html"),  # a semicolon forgotten
        (b"; charset=x", b""),
        (b"text/html\r\n\t; charset=x", b"text/html"),
    ],
)
def test_media(value: bytes, media: bytes) -> None:
    assert entity(b"Content-Type:" + value).media == media


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"charset=utf-8", "utf-8"),
        (b'charset="UTF-8"', "utf-8"),
        (b'CHARSET = "utf-8" ; format=flowed', "utf-8"),
        (b"\r\n\tcharset=koi8-r", "koi8-r"),
        (b"format=flowed;charset=koi8-r;x=y", "koi8-r"),
        (b"charset=us-ascii (Plain text)", "us-ascii"),  # RFC 2045, 5.1
        (b'charset="a\\"b"', 'a"b'),
        (b"charset=", ""),
        (b'charset="', ""),
        (b"xcharset=koi8-r", ""),
        (b"charset=a;charset=b", "a"),
        (b"charset=\xff", "\ufffd"),
    ],
)
def test_charset(value: bytes, charset: str) -> None:
    assert entity(b"Content-Type: text/plain; " + value).charset == charset


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"boundary=b", b"b"),
        (b'boundary="a b"', b"a b"),
        (b'boundary="b  "', b"b"),  # RFC 2046, 5.1.1: none ends in white space
        (b'boundary="=_a;b"', b"=_a;b"),
        (b"boundary==_a", b"=_a"),
        (b'boundary="a\\\\b"', b"a\\b"),
        (b'boundary="a\r\n b"', b"a b"),  # folded where it should not be
        (b'boundary=""', b""),
        (b"charset=x", b""),
    ],
)
def test_boundary(value: bytes, boundary: bytes) -> None:
    assert entity(b"Content-Type: multipart/mixed; " + value).boundary == boundary


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([b'Content-Disposition: attachment; filename="a.txt"'], True),
        ([b"Content-Disposition: attachment; filename*=utf-8''%C3%A4.txt"], True),
        ([b"Content-Disposition: attachment;\r\n filename*0=a;\r\n filename*1=.txt"], True),
        ([b"Content-Disposition: attachment;\r\n FILENAME*0*=utf-8''a"], True),
        ([b"Content-Type: text/plain; name=a.txt"], True),
        ([b"Content-Type: text/plain; charset=name"], False),
        ([b"Content-Disposition: attachment; size=3"], False),
        ([b"Content-Disposition: inline; x-filename=a"], False),
        ([], False),
    ],
)
def test_is_named(lines: list[bytes], named: bool) -> None:
    assert entity(*lines).is_named is named


@pytest.mark.parametrize(
    ("value", "attached"),
    [(b"attachment", True), (b" ATTACHMENT; filename=x", True), (b"inline; filename=attachment", False), (b"", False)],
)
def test_is_attached(value: bytes, attached: bool) -> None:
    assert entity(b"Content-Disposition:" + value).is_attached is attached


def test_the_first_of_repeated_fields_counts() -> None:
    found = entity(b"Content-Type: text/html", b"content-type: text/plain", b"CONTENT-TRANSFER-ENCODING: Base64")
    assert (found.media, found.encoding) == (b"text/html", b"base64")


def test_fields_are_found_only_where_a_line_begins() -> None:
    assert entity(b"X: y", b" Content-Type: text/html", b"X-Content-Type: text/html") == Entity()


def test_the_method_of_a_calendar() -> None:
    assert entity(b"Content-Type: text/calendar; charset=utf-8; method=request").method == "REQUEST"
    assert entity(b"Content-Type: text/calendar").method == ""


def test_a_content_id_stands_without_brackets() -> None:
    assert entity(b"Content-ID: <a@b>").content_id == b"a@b"


@pytest.mark.parametrize(
    "unit",
    [
        b';boundary="',
        b';boundary="\\"',
        b";",
        b"; ",
        b'"\\',
        b'\\"',
        b"\ncontent-type",
        b"\n ",
        b"\r\n\t",
        b";name*0*",
        b" ",
    ],
)
def test_hostile_repetition_takes_linear_time(unit: bytes) -> None:
    def read(data: bytes) -> object:
        found = read_entity(b"\nContent-Type: text/plain; x" + data)
        return found.boundary, found.charset, found.method, found.is_named

    assert_linear(read, unit)
