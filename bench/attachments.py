"""Attachments: most of them compressed already, a third of them drawn from a pool that is sent again and again."""

import binascii
from dataclasses import dataclass
from random import Random

POOL = 60
POOLED = 0.33
LARGEST = 14_000_000
MEDIAN = 50_000
SPREAD = 1.45
LINE = 76

KINDS = (
    ("application/pdf", "pdf", b"%PDF-1.7\n"),
    ("image/jpeg", "jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
    ("image/png", "png", b"\x89PNG\r\n\x1a\n"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", b"PK\x03\x04"),
    ("application/zip", "zip", b"PK\x03\x04"),
    ("text/csv", "csv", b"id;name;amount\n"),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Its media type, its name, and its bytes in base64 lines."""

    media: str
    name: str
    body: bytes


class AttachmentPool:
    """Draws attachments. The pool keeps seeds, not bytes, so that memory stays small."""

    def __init__(self, rng: Random) -> None:
        self._seeds = [rng.getrandbits(64) for _ in range(POOL)]

    def draw(self, rng: Random) -> Attachment:
        """One from the pool, or a fresh one."""
        seed = rng.choice(self._seeds) if rng.random() < POOLED else rng.getrandbits(64)
        return make_attachment(Random(seed))


def make_attachment(rng: Random) -> Attachment:
    """The same for the same seed; uniform bytes for what is compressed, rows of numbers for a table."""
    media, suffix, magic = rng.choice(KINDS)
    size = min(LARGEST, int(rng.lognormvariate(0, SPREAD) * MEDIAN))
    body = _table(rng, size) if suffix == "csv" else rng.randbytes(size)
    return Attachment(media, f"{suffix}-{rng.getrandbits(32):08x}.{suffix}", base64_lines(magic + body))


def base64_lines(data: bytes) -> bytes:
    """As mail programs write it: 76 characters a line."""
    packed = binascii.b2a_base64(data, newline=False)
    return b"\n".join([packed[at : at + LINE] for at in range(0, len(packed), LINE)]) + b"\n"


def _table(rng: Random, size: int) -> bytes:
    rows = [b"%d;item %d;%d.%02d\n" % (row, rng.getrandbits(10), rng.getrandbits(14), row % 100) for row in range(2000)]
    block = b"".join(rows)
    return (block * (size // len(block) + 1))[:size]
