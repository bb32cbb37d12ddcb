"""The byte form of fingerprints gives back exactly what was put in, whatever a message makes of its fields."""

from dataclasses import fields, replace
from random import Random

import pytest

from connectors.errors import Tampered
from fixtures.copies import pairs
from fixtures.ugly import mails
from reconcile.body import BodyPrint
from reconcile.canonical.headers import Subject
from reconcile.fingerprint import Fingerprint, Trait, fingerprint
from reconcile.heading import Heading
from replicator.mailstore.mailbox.prints import ALIASES_MAX, decode_print, encode_print, join_keys, signed

PLAIN = fingerprint(b"From: a@x\r\nMessage-ID: <1@x>\r\nDate: Mon, 2 Jan 2006 15:04:05 -0700\r\n\r\nhello\r\n")


def returned(found: Fingerprint) -> Fingerprint:
    return decode_print(encode_print(found), found.raw)


def with_heading(**changes: object) -> Fingerprint:
    return replace(PLAIN, heading=PLAIN.heading._replace(**changes))  # type: ignore[arg-type]


def with_body(**changes: object) -> Fingerprint:
    return replace(PLAIN, body=PLAIN.body._replace(**changes))  # type: ignore[arg-type]


def test_every_copy_of_the_fixtures_comes_back() -> None:
    sizes = []
    for pair in pairs(3, 150):
        for raw in (pair.a, pair.b):
            found = fingerprint(raw)
            assert returned(found) == found
            sizes.append(len(encode_print(found)))
    assert sum(sizes) / len(sizes) < 300


HOSTILE = {
    "lone surrogates": with_heading(subject=Subject("a\ud800b", "\udfffb", frozenset({"\udc80"}))),
    "NULs": with_heading(message_id="a\0b@x", sender="\0", aliases=frozenset({"\0", "", "\0\0"})),
    "no id, no date": with_heading(message_id=None, date=None),
    "an empty id": with_heading(message_id=""),
    "before the epoch": with_heading(date=-93_600),
    "the first second": with_heading(date=0),
    "the last year": with_heading(date=253_402_300_799),
    "many recipients": with_heading(recipients=frozenset(range(2**64 - 140_000, 2**64))),
    "marks": with_heading(marks=((0, 2**64 - 1), (2**64 - 1, 0))),
    "the flags": with_heading(is_draft=True, is_journal=True, resent=bytes(32), origin="from x"),
    "two texts": with_body(rich=bytes(range(32)), has_choice=True, agrees=False),
    "no text in common": with_body(plain=bytes(32), rich=bytes(32), links=bytes(32), length=1 << 62),
    "files": with_body(attachments=bytes(32), attachment_count=50_000, events=bytes(32), event_details=bytes(32)),
    "all traits": replace(PLAIN, traits=~Trait.NONE, version=2**32),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_come_back(name: str) -> None:
    assert returned(HOSTILE[name]) == HOSTILE[name]


def test_ugly_mail_comes_back() -> None:
    for ugly in mails(1, 60):
        found = fingerprint(ugly.raw)
        assert returned(found) == found


def test_the_same_fingerprint_has_one_form() -> None:
    ids = [f"{n}@x" for n in range(50)]
    forms = set()
    for seed in range(5):
        Random(seed).shuffle(ids)
        forms.add(encode_print(with_heading(aliases=frozenset(ids))))
    assert len(forms) == 1


def test_what_was_not_written_is_refused() -> None:
    """Cut short, with a byte more, with a byte changed: refused, or another fingerprint, and never any other error."""
    whole = encode_print(HOSTILE["the flags"])
    for size in range(len(whole)):
        with pytest.raises(Tampered):
            decode_print(whole[:size], PLAIN.raw)
    with pytest.raises(Tampered):
        decode_print(whole + b"\0", PLAIN.raw)
    rng = Random(1)
    for _ in range(2000):
        data = bytearray(whole)
        data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            found = decode_print(bytes(data), PLAIN.raw)
        except Tampered:
            continue
        assert encode_print(found) == data


def test_every_field_is_in_it() -> None:
    """A field that the canonical form gets needs a place in the byte form, and that another first byte."""
    assert [field.name for field in fields(Fingerprint)] == ["version", "raw", "heading", "body", "traits"]
    heading = "message_id aliases date sender subject recipients resent marks origin is_draft is_journal"
    assert list(Heading._fields) == heading.split()
    body = "plain rich has_choice agrees length links attachments attachment_count events event_details"
    assert list(BodyPrint._fields) == body.split()
    assert list(Subject._fields) == ["text", "base", "tags"]


def test_keys_are_bounded_and_copies_still_share_them() -> None:
    aliases = frozenset(f"{n}@y" for n in range(140_000))
    one, other = with_heading(aliases=aliases), with_heading(aliases=aliases, sender="b@y")
    keys = set(join_keys(one))
    assert len(keys) <= ALIASES_MAX + 4
    assert len(keys & set(join_keys(other))) >= ALIASES_MAX
    assert keys & set(join_keys(PLAIN)), "its own id and its text are always among them"
    assert set(join_keys(PLAIN)) == {signed(key) for key in PLAIN.keys}
    assert all(-(2**63) <= key < 2**63 for key in keys)
