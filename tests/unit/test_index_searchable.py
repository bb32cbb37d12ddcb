"""What a message can be found by: header fields, text in whatever form, names of files, messages inside it."""

import base64
import quopri
from random import Random

import pytest

from fixtures.ugly import mails
from reconcile.entity import Entity
from reconcile.fingerprint import fingerprint
from replicator.mailstore.mailbox import searchable
from replicator.mailstore.mailbox.filenames import file_name
from replicator.mailstore.mailbox.searchable import Cut, Searchable, read_searchable, wordy


def found_in(raw: bytes, chunk: int = 1 << 20) -> Searchable:
    return read_searchable((raw[at : at + chunk] for at in range(0, len(raw), chunk)), len(raw))[1]


def letter(body: bytes, *heads: str) -> bytes:
    return "\r\n".join([*heads, "", ""]).encode() + body


def mixed(*parts: bytes, subtype: str = "mixed") -> bytes:
    head = f'Subject: outer\r\nContent-Type: multipart/{subtype}; boundary="b"\r\n\r\n'.encode()
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


TEXT = b"Content-Type: text/plain\r\n\r\n"


def test_header_fields_are_decoded() -> None:
    raw = letter(
        b"x",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        " =?utf-8?q?_aus_K=C3=B6ln?=",
        "From: =?iso-8859-1?q?J=F6rg_M=FCller?= <joerg@corp.example>",
        'To: "Smith, Ann" <ann@corp.example>, bob@x.example',
        "Cc: team: c@x.example;",
        "Bcc: secret@x.example",
    )
    found = found_in(raw)
    assert found.subject == "Grüße aus Köln"
    assert found.sender == "Jörg Müller <joerg@corp.example>"
    assert "Smith, Ann" in found.recipient
    assert "bob@x.example" in found.recipient
    assert found.cc == "team: c@x.example;"
    assert found.bcc == "secret@x.example"
    assert found.cut is Cut.NONE


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("7bit", bytes), ("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)],
)
def test_text_is_read_in_any_encoding(encoding: str, encode) -> None:  # type: ignore[no-untyped-def]
    body = encode(b"one two three")
    raw = letter(body, "Content-Type: text/plain; charset=utf-8", f"Content-Transfer-Encoding: {encoding}")
    assert found_in(raw).body == "one two three"


def test_pages_are_read_as_they_are_shown() -> None:
    raw = letter(b"<style>hidden</style><p>Hello <b>world</b><br>again", "Content-Type: text/html")
    assert found_in(raw).body.split() == ["Hello", "world", "again"]


def test_of_two_renderings_that_agree_one_is_held() -> None:
    page = b"Content-Type: text/html\r\n\r\n<p>only once</p>"
    assert found_in(mixed(TEXT + b"only once", page, subtype="alternative")).body == "only once"
    other = found_in(mixed(TEXT + b"read the page", page, subtype="alternative")).body
    assert "only once" in other
    assert "read the page" in other


def test_a_message_inside_is_found_and_a_file_is_not() -> None:
    inner = b"Subject: inner\r\nFrom: deep@x.example\r\nContent-Type: text/plain\r\n\r\ndeeper down"
    file = b'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="list.txt"\r\n\r\nin the file'
    found = found_in(mixed(TEXT + b"above", b"Content-Type: message/rfc822\r\n\r\n" + inner, file))
    for words in ("above", "inner", "deep@x.example", "deeper down"):
        assert words in found.body
    assert "in the file" not in found.body
    assert found.names == "list.txt"
    assert found.subject == "outer"


NAMES = {
    b'; filename="a b.pdf"': "a b.pdf",
    b"; filename=plain.pdf; size=3": "plain.pdf",
    b"; filename*=utf-8''%E2%82%AC%20rates.pdf": "€ rates.pdf",
    b"; filename*0*=utf-8''%E2%82%AC%20; filename*1=\"rates.pdf\"": "€ rates.pdf",
    b'; filename="=?utf-8?q?=E2=82=AC?= rates.pdf"': "€ rates.pdf",
    b'; filename="\xe2\x82\xac.pdf"': "€.pdf",
    b'; filename="\x80.pdf"': "€.pdf",
    b"; filename*=idna''%ff%fe": "ÿþ",
    b"; filename*=\0''x": "x",
    b"; size=3": "",
    b"; filename=": "",
}


@pytest.mark.parametrize("parameters", NAMES)
def test_file_names(parameters: bytes) -> None:
    assert file_name(Entity(disposition=b"attachment" + parameters)) == NAMES[parameters]
    assert file_name(Entity(content_type=b"x/y" + parameters.replace(b"filename", b"name"))) == NAMES[parameters]


def test_a_hostile_file_name_is_read_in_bounded_time_and_length() -> None:
    for value in (b'"' * 100_000, b';\\"' * 50_000, b";name*%d*=x" * 20_000, b"a" * 1_000_000):
        assert len(file_name(Entity(disposition=b"attachment; filename=" + value))) <= 4096


def test_characters_of_scripts_without_spaces_are_words() -> None:
    assert wordy("a東京都b ปลา").split() == ["a", "東", "京", "都", "b", "ป", "ล", "า"]
    assert wordy("Straße naïve") == "Straße naïve"


def test_what_no_database_takes_is_replaced() -> None:
    raw = letter(b"a\0b \xed\xa0\x80 c", "Subject: =?utf-16-be?b?2AA=?= x", "Content-Type: text/plain; charset=utf-7")
    found = found_in(raw)
    for column in (found.subject, found.body):
        column.encode()
        assert "\0" not in column


def test_long_things_are_cut_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_in(letter(b"x", f"To: {'a@x, ' * 40_000}")).cut is Cut.FIELDS
    name = b"Content-Disposition: attachment; filename=n%d.txt\r\n\r\n"
    assert found_in(mixed(*[name % number for number in range(1200)])).cut is Cut.NAMES
    page = letter(b"<a href=x>w</a> " * 60_000, "Content-Type: text/html")
    links = found_in(page)
    assert (links.cut, links.body[:3]) == (Cut.TEXT, "w w"), (
        "the fingerprint does not hold it, and it is read all the same"
    )


WORDS = b"first " + b"middle " * 400_000 + b"last"
LONG = {
    "plain": letter(WORDS, "Content-Type: text/plain"),
    "page": letter(b"<p>" + WORDS, "Content-Type: text/html"),
    "nested": mixed(b"Content-Type: message/rfc822\r\n\r\nSubject: i\r\n\r\n" + WORDS),
}


@pytest.mark.parametrize("kind", LONG)
def test_of_a_long_text_the_first_part_is_found(kind: str) -> None:
    raw = LONG[kind]
    found = found_in(raw, 50_000)
    assert found.cut is Cut.TEXT
    assert "first middle" in found.body
    assert "last" not in found.body
    assert len(found.body) <= searchable.BODY_MAX


def test_it_never_raises_and_does_not_depend_on_chunks() -> None:
    rng = Random(1)
    for ugly in mails(2, 60):
        whole = read_searchable((ugly.raw,), len(ugly.raw))
        assert whole[0] == fingerprint(ugly.raw)
        size = rng.randrange(1, 2000)
        assert found_in(ugly.raw, size) == whole[1], ugly.kind
        for column in (whole[1].subject, whole[1].names, whole[1].body):
            column.encode()
