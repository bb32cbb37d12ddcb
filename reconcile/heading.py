"""What the header fields of one message tell of which message it is."""

import hashlib
import re
from typing import NamedTuple

import xxhash

from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import Fields, decoded_words
from reconcile.canonical.headers import Subject, addresses, instant, message_ids, read_subject
from reconcile.ignored import is_ignored

MARKS_MAX = 64
"""Fields that are held one by one; the rest are held as one."""


class Heading(NamedTuple):
    """The header core.

    `message_id` is the message's own id, None if it has none; `aliases` are further ids under which other copies may
    go. `date` is in seconds since the epoch, None if there is none that can be read. `sender` is the From address,
    empty if there is none. `recipients` are the addresses of To and Cc, hashed. `resent` is a digest of the fields of
    a resending (RFC 5322, 3.6.6), empty if it was not resent. Of a message without id, `marks` are the other fields,
    as hashes of name and value, and `origin` is the oldest Received field.
    """

    message_id: str | None
    aliases: frozenset[str]
    date: int | None
    sender: str
    subject: Subject
    recipients: frozenset[int]
    resent: bytes
    marks: tuple[tuple[int, int], ...]
    origin: str
    is_draft: bool
    is_journal: bool

    @property
    def ids(self) -> frozenset[str]:
        """Its own id, if any, and its aliases."""
        return self.aliases | {self.message_id} if self.message_id else self.aliases


def read_heading(fields: Fields) -> Heading:
    """Of any fields; what cannot be read counts as missing."""
    own = _ids(fields, b"message-id")
    return Heading(
        message_id=own[0] if own else None,
        aliases=_aliases(fields, own),
        date=instant(fields.text(b"date")),
        sender=_sender(fields),
        subject=read_subject(_titles(fields.all(b"subject"))),
        recipients=_recipients(fields),
        resent=_resent(fields),
        marks=() if own else _marks(fields),
        origin="" if own else _origin(fields),
        is_draft=not _DRAFT.isdisjoint(fields.values),
        is_journal=b"x-ms-journal-report" in fields.values,
    )


_ALIASES = frozenset(
    {
        b"x-ms-exchange-parent-message-id",  # an inbox rule of Exchange redirected it and gave it a new id
        b"x-google-original-message-id",  # Gmail did not like the id
        b"x-microsoft-original-message-id",
        b"original-message-id",  # RFC 3885
    }
)
_DRAFT = frozenset({b"x-unsent", b"x-mozilla-draft-info"})
_CORE = frozenset({b"message-id", b"date", b"from", b"subject", b"to", b"cc", *_ALIASES, *_DRAFT})
_LIST_SENDER = re.compile(r"[^@]+-(?:request|bounces)@")
_RESENT = (b"resent-message-id", b"resent-date", b"resent-from", b"resent-to")


def hashed(text: str) -> int:
    """For joining only: xxh3 resists no one who looks for two texts with one hash."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def _titles(values: list[bytes]) -> str:
    """All that differ, for the same reason as all senders."""
    return decoded_words(values[0]) if len(values) == 1 else "\n".join(dict.fromkeys(map(decoded_words, values)))


def _sender(fields: Fields) -> str:
    """All addresses, since nobody shows the first only."""
    return ",".join(dict.fromkeys(spec for value in fields.all(b"from") for spec in addresses(decoded(value, ""))))


def _ids(fields: Fields, name: bytes) -> list[str]:
    return [id_ for value in fields.all(name) for id_ in message_ids(decoded(value, ""))]


def _aliases(fields: Fields, own: list[str]) -> frozenset[str]:
    others = [] if _ALIASES.isdisjoint(fields.values) else [id_ for name in _ALIASES for id_ in _ids(fields, name)]
    return frozenset(own[1:] + others)


def _recipients(fields: Fields) -> frozenset[int]:
    values = (*fields.all(b"to"), *fields.all(b"cc"))
    return frozenset(hashed(spec) for value in values for spec in addresses(decoded(value, "")))


def _resent(fields: Fields) -> bytes:
    """By instants and ids, as those of the message itself; every resending counts, but for that of a list.

    SmartList (lists.debian.org) adds these fields to all that it distributes, with its own request address.
    """
    if fields.values.keys().isdisjoint(_RESENT):
        return b""
    if any(_LIST_SENDER.match(spec) for spec in addresses(fields.text(b"resent-sender"))):
        return b""
    stated = [f"{name.decode()}:{_resent_value(name, value)}" for name in _RESENT for value in fields.all(name)]
    return hashlib.sha256("\n".join(stated).encode("utf-8", "surrogatepass")).digest()


def _resent_value(name: bytes, value: bytes) -> str:
    text = decoded(value, "")
    if name == b"resent-date":
        return str(instant(text))
    return " ".join(message_ids(text) if name == b"resent-message-id" else addresses(text))


def _marks(fields: Fields) -> tuple[tuple[int, int], ...]:
    """Alarms without id differ in such fields: a sequence number, a host, an incident."""
    found = [
        (xxhash.xxh3_64_intdigest(name), hashed("\n".join("".join(decoded_words(value).split()) for value in values)))
        for name, values in sorted(fields.values.items())
        if name not in _CORE and not is_ignored(name)
    ]
    if len(found) > MARKS_MAX:
        found[MARKS_MAX - 1 :] = [(0, hashed(str(found[MARKS_MAX - 1 :])))]
    return tuple(found)


def _origin(fields: Fields) -> str:
    """The oldest Received field, with single spaces, since every hop folds it anew."""
    received = fields.all(b"received")
    return " ".join(decoded(received[-1], "").lower().split())[:1000] if received else ""
