"""What two copies within one mailbox are to each other, where the mail system makes a message anew at each reading."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from connectors.body import HEAD_MAX
from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import Fields, decoded_words, read_fields
from reconcile.canonical.headers import addresses
from reconcile.fingerprint import ENTITIES_MAX, Fingerprint, Fingerprinter
from reconcile.verdict import Outcome, judge

_SHOWN = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"importance", b"x-priority", b"sensitivity")
"""Fields that clients show, of which a fingerprint has the addresses at most: not the names, nor which stood in To."""


class Kinship(Enum):
    """EQUAL: the bytes of one show all that those of the other show. VARIANT: it is the same message, and each copy may
    show what the other lacks: a tag in the subject, a recipient, a plain text, another name of a file. OTHER: it may be
    another message."""

    OTHER = "other"
    VARIANT = "variant"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Likeness:
    """A copy's fingerprint, and what people see of it besides.

    `blind` are the recipients that only the sender's own copy names. `fields` is a digest of what else its header
    shows: names, who stands in which field, importance. `parts` is one of what its parts say of how they are to be
    shown, by which names for one. `unseen` is empty, or the copy's SHA-256 if not all of it was looked at for these.
    """

    print: Fingerprint
    blind: frozenset[str]
    fields: bytes
    parts: bytes
    unseen: bytes


def likeness(reader: Fingerprinter, head: bytes) -> Likeness:
    """Of the message that was fed to the reader, which is closed; `head` is its header block, or `HEAD_MAX` of it."""
    found, fields = reader.close(), read_fields(head)
    blind = frozenset(spec for value in fields.all(b"bcc") for spec in addresses(decoded(value, "")))
    parts = _digest(text for entity in reader.entities for text in entity.presentation)
    is_seen = len(head) < HEAD_MAX and len(reader.entities) < ENTITIES_MAX
    return Likeness(found, blind, _digest(_shown_fields(fields)), parts, b"" if is_seen else found.raw)


def _shown_fields(fields: Fields) -> Iterable[bytes]:
    """Without white space and quotes, which are written anew."""
    for name in _SHOWN:
        text = "\n".join("".join(decoded_words(value).split()).replace('"', "") for value in fields.all(name))
        yield text.encode("utf-8", "surrogatepass")


def _digest(texts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(b"%d:%b" % (len(text), text))
    return digest.digest()


def kinship(a: Likeness, b: Likeness) -> Kinship:
    """Of two copies. Only a verdict of SAME makes them kin, and only EQUAL ones are not both kept.

    Raises ValueError for fingerprints of two versions.
    """
    if judge(a.print, b.print).outcome is not Outcome.SAME:
        return Kinship.OTHER
    return Kinship.EQUAL if _shown(a) == _shown(b) else Kinship.VARIANT


def _shown(copy: Likeness) -> tuple[object, ...]:
    """The date is compared to the second here; and `marks`, where there is no id, also those that one of them lacks."""
    heading = copy.print.heading
    said = (heading.date, heading.sender, heading.subject, heading.recipients, heading.marks)
    return copy.print.body, said, copy.blind, copy.fields, copy.parts, copy.unseen
