"""What a message says as a whole: two renderings, links, files in no order, invitations."""

import pytest

from reconcile import body as reconcile_body
from reconcile.body import BodyPrint, Texts
from reconcile.fingerprint import fingerprint, read

TEXT, HTML = b"Content-Type: text/plain; charset=utf-8\n\n", b"Content-Type: text/html; charset=utf-8\n\n"
WORDS, PAGE = TEXT + b"Hello you", HTML + b"<p>Hello <a href='https://example.com/a'>you</a></p>"
FILE, OTHER = b"Content-Type: image/png\n\nA", b"Content-Type: image/png\n\nB"


def multi(kind: bytes, *parts: bytes) -> bytes:
    mark = b"=_%d" % sum(map(len, parts))
    inner = b"".join(b"\n--" + mark + b"\n" + part for part in parts)
    return b"Content-Type: multipart/" + kind + b'; boundary="' + mark + b'"\n' + inner + b"\n--" + mark + b"--\n"


def printed(mail: bytes) -> BodyPrint:
    return fingerprint(mail).body


def texts(mail: bytes) -> Texts:
    found = read(mail).texts
    assert found is not None
    return found


def test_an_alternative_is_two_renderings() -> None:
    found = texts(multi(b"alternative", WORDS, HTML + b"<p>Hi</p>"))
    assert (found.plain, found.rich) == ("Hello you", "Hi")


@pytest.mark.parametrize(
    ("mail", "plain", "rich"),
    [
        (WORDS, "Hello you", "Hello you"),
        (PAGE, "Hello you", "Hello you"),
        (multi(b"mixed", WORDS, TEXT + b"bye"), "Hello you bye", "Hello you bye"),
        (multi(b"alternative", PAGE), "Hello you", "Hello you"),
        (multi(b"alternative", WORDS), "Hello you", "Hello you"),
        (multi(b"mixed", multi(b"alternative", WORDS, PAGE), TEXT + b"footer"), "Hello you footer", "Hello you footer"),
        (multi(b"alternative", WORDS, multi(b"related", PAGE, FILE)), "Hello you", "Hello you"),
        (multi(b"mixed"), "", ""),
        (b"", "", ""),
    ],
)
def test_renderings(mail: bytes, plain: str, rich: str) -> None:
    found = texts(mail)
    assert (found.plain, found.rich) == (plain, rich)


@pytest.mark.parametrize(
    ("mail", "choice", "agrees"),
    [
        (WORDS, False, True),
        (PAGE, False, True),
        (multi(b"alternative", WORDS, PAGE), True, True),
        (multi(b"alternative", TEXT + b"Hello *you*", PAGE), True, True),
        (multi(b"alternative", TEXT + b"Hello you, 1.5", HTML + b"Hello you, 15"), True, False),
        (multi(b"mixed", WORDS, PAGE), False, True),
    ],
)
def test_choice(mail: bytes, choice: bool, agrees: bool) -> None:
    found = printed(mail)
    assert (found.has_choice, found.agrees) == (choice, agrees)


def test_files_are_counted_in_no_order() -> None:
    one, other = (printed(multi(b"mixed", WORDS, *files)) for files in ((FILE, OTHER), (OTHER, FILE)))
    assert one == other
    assert one.attachment_count == 2
    assert printed(multi(b"mixed", WORDS, FILE, FILE)).attachments != printed(multi(b"mixed", WORDS, FILE)).attachments
    assert printed(multi(b"mixed", WORDS, FILE)).attachments != printed(multi(b"mixed", WORDS, OTHER)).attachments


def test_the_order_of_texts_and_links_counts() -> None:
    a, b = HTML + b"<a href=https://example.com/a>a</a>", HTML + b"<a href=https://example.com/b>a</a>"
    one, other = printed(multi(b"mixed", a, b)), printed(multi(b"mixed", b, a))
    assert one.rich == other.rich
    assert one.links != other.links
    assert (
        printed(multi(b"mixed", TEXT + b"a", TEXT + b"b")).rich
        != printed(multi(b"mixed", TEXT + b"b", TEXT + b"a")).rich
    )


def test_links_are_told_apart_by_their_ends() -> None:
    one, other = (
        printed(HTML + b"<a href=%s>x</a><a href=%s>x</a>" % pair) for pair in ((b"#ab", b"#c"), (b"#a", b"b#c"))
    )
    assert one.links != other.links


def test_what_is_not_there_is_empty() -> None:
    found = printed(WORDS)
    assert (found.links, found.events, found.event_details, found.attachment_count) == (b"", b"", b"", 0)
    assert printed(HTML + b"a").links != b""


def test_a_picture_counts_by_its_content() -> None:
    def shown(name: bytes, picture: bytes) -> bytes:
        page = HTML + b"<img src='cid:" + name + b"'>"
        part = b"Content-Type: image/png\nContent-ID: <" + name + b">\n\n" + picture
        return printed(multi(b"related", page, part)).links

    assert shown(b"a@b", b"A") == shown(b"c@d", b"A")
    assert shown(b"a@b", b"A") != shown(b"a@b", b"B")


def test_invitations_are_events() -> None:
    ics = b"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VEVENT\nUID:%s\nSUMMARY:a\nEND:VEVENT\n"
    one, other = printed(ics % b"1"), printed(ics % b"2")
    assert one.events != other.events
    assert one.event_details == other.event_details
    assert one.attachment_count == 0


def test_the_length_is_in_bytes_without_white_space() -> None:
    assert printed(TEXT + "ä b\n".encode()).length == 3


def test_a_text_that_is_too_long_is_told_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_body, "TEXTS_MAX", 100)
    one, other = (read(TEXT + b"a" * 101 + last) for last in (b"b", b"c"))
    assert one.texts is None
    assert one.fingerprint.body.rich != other.fingerprint.body.rich
    assert read(TEXT + b"a" * 100).texts is not None
