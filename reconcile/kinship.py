"""What two copies within one mailbox are to each other, where the mail system makes a message anew at each reading."""

from dataclasses import dataclass
from enum import Enum

from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import read_fields
from reconcile.canonical.headers import addresses
from reconcile.fingerprint import Fingerprint, Fingerprinter
from reconcile.verdict import Outcome, judge


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

    `blind` are the recipients that only the sender's own copy names, `parts` what its first thousand parts say of how
    they are to be shown, by which names for one.
    """

    print: Fingerprint
    blind: frozenset[str]
    parts: tuple[tuple[bytes, bytes], ...]


def likeness(reader: Fingerprinter, head: bytes) -> Likeness:
    """Of the message that was fed to the reader, which is closed; `head` is its header block."""
    values = read_fields(head).all(b"bcc")
    blind = frozenset(spec for value in values for spec in addresses(decoded(value, "")))
    return Likeness(reader.close(), blind, tuple(entity.presentation for entity in reader.entities))


def kinship(a: Likeness, b: Likeness) -> Kinship:
    """Of two copies. Only a verdict of SAME makes them kin, and only EQUAL ones are not both kept.

    Raises ValueError for fingerprints of two versions.
    """
    if judge(a.print, b.print).outcome is not Outcome.SAME:
        return Kinship.OTHER
    return Kinship.EQUAL if _shown(a) == _shown(b) else Kinship.VARIANT


def _shown(copy: Likeness) -> tuple[object, ...]:
    heading = copy.print.heading
    return copy.print.body, heading.sender, heading.subject, heading.recipients, copy.blind, copy.parts
