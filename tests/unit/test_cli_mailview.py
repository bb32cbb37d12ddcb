"""Messages taken apart to be shown: whatever they are made of, `view` answers."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.cli.mailview import LARGEST, Part, view

PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n", b"; name*1*=utf-8''a%ff",
    b"; filename*0=x", b"Content-Disposition: attachment", b"Content-Transfer-Encoding: base64\n", b"QUJD=",
    b"\n\n--b\n", b"--b--\n", b"Subject: =?utf-8?b?Q?=\n", b"Subject: =?nonsense?q?=ff?=\n", b"\xff\xfe",
    b"\x1b[2J", b"\0", b"\r\n",
    b"Content-Type: text/plain; charset=x-none\n", b"begin 644 x\n", b": \n", b" folded\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
@settings(max_examples=300)
def test_it_answers_whatever_the_bytes_are(raw: bytes) -> None:
    shown = view([raw], len(raw))
    assert bool(shown.parts) is not bool(shown.note)
    assert all(name and isinstance(value, str) for name, value in shown.headers)


def test_parts_are_numbered_as_imap_numbers_them() -> None:
    inner = (
        b"Content-Type: multipart/alternative; boundary=i\n\n--i\n\nplain\n--i\nContent-Type: text/html\n\n<b>\n--i--\n"
    )
    raw = b"Content-Type: multipart/mixed; boundary=o\n\n--o\n" + inner
    raw += b'--o\nContent-Type: application/pdf; name="r.pdf"\nContent-Transfer-Encoding: base64\n\nQUJD\n--o--\n'
    assert view([raw], len(raw)).parts == (
        Part("1.1", "text/plain", "", "", 5),
        Part("1.2", "text/html", "", "", 3),
        Part("2", "application/pdf", "r.pdf", "", 3),
    )


@pytest.mark.parametrize(("raw", "text"), [("grün.pdf".encode(), "grün.pdf"), (b"gr\xfcn.pdf", "grün.pdf")])
def test_raw_bytes_beyond_ascii_are_read(raw: bytes, text: str) -> None:
    head = b"Subject: " + raw + b'\n  folded\nContent-Type: application/pdf; name="' + raw + b'"\n'
    shown = view([head + b"\nx"], 100)
    assert shown.headers[0] == ("Subject", f"{text}  folded")
    assert shown.parts[0].filename == text
    disposed = (
        b"Content-Disposition: attachment;\n filename=" + raw + b"\nContent-Disposition: inline; filename=b\xff\n\n"
    )
    [part] = view([disposed], 100).parts
    assert (part.filename, part.disposition) == (text, "attachment")


def test_a_message_in_one_part_and_none_at_all() -> None:
    assert view([b"Subject: x\n\nhello"], 17).parts == (Part("1", "text/plain", "", "", 5),)
    assert view([], 0).headers == ()


@pytest.mark.parametrize("depth", [50, 5000])
def test_deep_nesting(depth: int) -> None:
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth))
    shown = view([raw], len(raw))
    assert len(shown.headers) == 1
    assert ("cannot be read" in shown.note) is (depth == 5000)


def test_a_large_message_is_read_to_its_end_and_not_held() -> None:
    consumed = 0

    def chunks() -> Iterator[bytes]:
        nonlocal consumed
        yield b"Subject: large\n\n"
        for _ in range(1000):
            consumed += 1
            yield bytes(1 << 16)

    shown = view(chunks(), LARGEST + 1)
    assert shown.headers == (("Subject", "large"),)
    assert consumed == 1000
    assert "--raw" in shown.note
