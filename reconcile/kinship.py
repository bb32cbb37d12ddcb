"""What two copies within one mailbox are to each other, where the mail system makes a message anew at each reading."""

from dataclasses import dataclass
from enum import Enum

from reconcile.canonical.charset import decoded
from reconcile.canonical.fields import read_fields
from reconcile.canonical.headers import addresses
from reconcile.fingerprint import Fingerprint
from reconcile.verdict import Outcome, judge


class Kinship(Enum):
    """EQUAL: the bytes of one say all that those of the other say. VARIANT: it is the same message, and each copy may
    show what the other lacks: a tag in the subject, a recipient, the plain text. OTHER: it may be another message."""

    OTHER = "other"
    VARIANT = "variant"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Likeness:
    """A copy's fingerprint, and the recipients that only the sender's own copy names."""

    print: Fingerprint
    blind: frozenset[str]


def blind_copies(head: bytes) -> frozenset[str]:
    """The addresses in the Bcc fields of a header block."""
    values = read_fields(head).all(b"bcc")
    return frozenset(spec for value in values for spec in addresses(decoded(value, "")))


def kinship(a: Likeness, b: Likeness) -> Kinship:
    """Of two copies. Only a verdict of SAME makes them kin, and only EQUAL ones are not both kept.

    Raises ValueError for fingerprints of two versions.
    """
    if judge(a.print, b.print).outcome is not Outcome.SAME:
        return Kinship.OTHER
    return Kinship.EQUAL if _shown(a) == _shown(b) else Kinship.VARIANT


def _shown(copy: Likeness) -> tuple[object, ...]:
    heading = copy.print.heading
    return copy.print.body, heading.sender, heading.subject, heading.recipients, copy.blind
