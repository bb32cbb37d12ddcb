"""Messages taken apart for Graph: what is shown as text, what becomes a file and under which name, and what is cut."""

from base64 import b64encode

import pytest

from connectors.graph.writing.parts import FILES_MOST, take_apart
from connectors.graph.writing.pieces import DEPTH_MOST, HEAD_MOST, cut

TEXT = "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße.\r\n"
PAGE = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>Grüße. <img src='cid:logo%40x'>\r\n"
LOGO = "Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n\r\nPNG\r\n"
PDF = 'Content-Type: application/pdf; name="=?utf-8?q?R=C3=A9sum=C3=A9=2Epdf?="\r\n\r\nPDF\r\n'
INNER = "Subject: inside\r\n\r\n--cut\r\nFrom the inside.\r\n"
ENCLOSED = f"Content-Type: message/rfc822\r\n\r\n{INNER}"
CALENDAR = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n"


def multi(sort: str, *parts: str, boundary: str = "b") -> str:
    """Each part ends in the line end that belongs to the boundary after it."""
    lines = "".join(f"--{boundary}\r\n{part}" for part in parts)
    header = f'Content-Type: multipart/{sort}; boundary="{boundary}"'
    return f"{header}\r\n\r\nNot shown.\r\n{lines}--{boundary}--\r\nNor this.\r\n"


CASES: dict[str, tuple[str, str, bool, list[tuple[str, str, bytes, bool]]]] = {
    "a text": (TEXT, "Grüße.", False, []),
    "the page of two alternatives": (multi("alternative", TEXT, PAGE), "<p>Grüße.", True, []),
    "the page, also if it comes first": (multi("alternative", PAGE, TEXT), "<p>Grüße.", True, []),
    "a page with its picture": (
        multi("related", PAGE, LOGO), "<p>Grüße.", True, [("ATT00001.png", "image/png", b"PNG", True)],
    ),
    "a picture that no one shows": (
        multi("mixed", TEXT, LOGO), "Grüße.", False, [("ATT00001.png", "image/png", b"PNG", False)],
    ),
    "a file with a name": (
        multi("mixed", TEXT, PDF), "Grüße.", False, [("Résumé.pdf", "application/pdf", b"PDF", False)],
    ),
    "a message within": (
        multi("mixed", TEXT, ENCLOSED), "Grüße.", False,
        [("ATT00001.eml", "message/rfc822", INNER[:-2].encode(), False)],
    ),
    "an invitation beside its text": (
        multi("alternative", TEXT, CALENDAR), "Grüße.", False,
        [("ATT00001.ics", "text/calendar", b"BEGIN:VCALENDAR", False)],
    ),
    "the files of an alternative that is not shown": (
        multi("alternative", multi("mixed", TEXT, PDF, boundary="c"), PAGE), "<p>Grüße.", True,
        [("Résumé.pdf", "application/pdf", b"PDF", False)],
    ),
    "two texts": (multi("mixed", TEXT, "\r\nA footer.\r\n"), "Grüße.\r\nA footer.", False, []),
    "a page and a text": (multi("mixed", PAGE, "\r\nA <footer>.\r\n"), "<pre>A &lt;footer&gt;.</pre>", True, []),
    "a text that is attached": (
        multi("mixed", TEXT, "Content-Disposition: attachment\r\n\r\nnotes\r\n"), "Grüße.", False,
        [("ATT00001.txt", "text/plain", b"notes", False)],
    ),
    "a file with nothing in it": (
        multi("mixed", TEXT, "Content-Type: a/b; name=empty.dat\r\n\r\n"), "Grüße.", False,
        [("empty.dat", "a/b", b"", False)],
    ),
    "no parts at all": ("Content-Type: multipart/mixed\r\n\r\nWords.\r\n", "Words.", False, []),
    "parts that no boundary begins": (multi("mixed", TEXT).replace("--b", "--x"), "Not shown.", False, []),
    "no header": ("\r\nWords.\r\n", "Words.", False, []),
    "no line between": ("Subject: a\r\nthis is no field\r\n", "this is no field", False, []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown_and_what_are_files(case: str) -> None:
    raw, text, is_html, files = CASES[case]
    content = take_apart(raw.encode())
    assert text in content.text
    assert "Nor this" not in content.text or "--b" not in raw
    assert content.is_html is is_html
    assert [(each.name, each.media, each.data, each.inline) for each in content.files] == files


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_may_end_in_any_way(end: str) -> None:
    content = take_apart(multi("mixed", TEXT, PDF).replace("\r\n", end).encode())
    assert (content.text, [each.data for each in content.files]) == ("Grüße.", [b"PDF"])


@pytest.mark.parametrize("media", ["multipart/signed", "multipart/encrypted"])
def test_what_is_sealed_is_wanted_whole(media: str) -> None:
    assert take_apart(multi(media.partition("/")[2], TEXT, PDF).encode()).whole
    assert take_apart(multi("mixed", multi(media.partition("/")[2], TEXT, boundary="c")).encode()).whole
    assert take_apart(b"Content-Type: application/pkcs7-mime\r\n\r\nseal\r\n").whole
    assert not take_apart(multi("mixed", TEXT, PDF).encode()).whole


ENCODED = {
    "base64": b64encode(b"bytes of a file"),
    "BASE64 ": b64encode(b"bytes of a file") + b"\r\n",
    "Base64": b"!Ynl0\r\nZXMgb2Yg*YSBmaWxl\r\n",
    "quoted-printable": b"bytes=20of a =\r\nfile",
    "x-uuencode": b"begin 644 x\n/8GET97,@;V8@82!F:6QE\n\n\nend\n",
    "8bit": b"bytes of a file",
    "none of these": b"bytes of a file",
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_files_are_decoded(encoding: str) -> None:
    raw = f"Content-Type: a/b\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + ENCODED[encoding]
    assert [each.data for each in take_apart(raw).files] == [b"bytes of a file"]


def test_padding_may_be_missing() -> None:
    raw = b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert [take_apart(raw + data).files[0].data for data in (b"YQ", b"YWI")] == [b"a", b"ab"]


def test_what_cannot_be_decoded_stays_as_it_is() -> None:
    raw = b"Content-Type: a/b\r\nContent-Transfer-Encoding: %b\r\n\r\nA"
    assert [take_apart(raw % name).files[0].data for name in (b"base64", b"uuencode")] == [b"A", b"A"]


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-1", b"5 \x80 \xfc", "5 € ü"),
        ("us-ascii", "ü".encode(), "ü"),
        ("", b"\xfc", "ü"),
        ("klingon", "ü".encode(), "ü"),
        ("punycode", "ü".encode(), "ü"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
        ("utf-8", b"a\0b\rc\nd", "ab\r\nc\r\nd"),
    ],
)
def test_texts_are_read(charset: str, data: bytes, text: str) -> None:
    raw = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + data
    assert take_apart(raw).text == text


def test_what_asks_for_too_much_is_taken_whole_or_cut() -> None:
    many = multi("mixed", TEXT, *[PDF] * (FILES_MOST + 1))
    content = take_apart(many.encode())
    assert (content.whole, content.files, "Grüße." in content.text) == (True, [], True)
    deep = TEXT
    for level in range(DEPTH_MOST + 50):
        deep = multi("mixed", deep, boundary=f"b{level}x")
    assert take_apart(deep.encode()).text != ""
    assert take_apart(b"Content-Type: text/plain" + b"; a=b" * 100_000 + b"\r\n\r\nshown").text == "shown"
    assert cut(b"X: y\r\n" * HEAD_MOST).begin == HEAD_MOST
