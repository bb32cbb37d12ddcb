"""Header blocks without their bodies (RFC 3501 6.4.5, BODY.PEEK[HEADER])."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors.body import HEAD_MAX
from connectors.errors import CursorExpired
from connectors.imap import tokens, uids
from connectors.imap.reading.examine import opened
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session
from connectors.model import Ref

BATCH = 500


@dataclass(slots=True)
class Blocks:
    """Collects rows that carry a header block, by UID."""

    found: dict[int, bytes] = field(default_factory=dict)

    def take(self, parts: Parts) -> None:
        """`* 1 FETCH (UID 7 BODY[HEADER]<0> {14} …)`; any other row is about something else."""
        values = tokens.parse(parts)
        items = tokens.pairs(values[3]) if len(values) > 3 else {}
        block = items.get(b"BODY[HEADER]<0>")
        if isinstance(block, bytes) and (uid := tokens.number(items.get(b"UID"))):
            self.found[uid] = block


def read_headers(session: Session, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
    """As `Heading.headers`. What is of an older numbering, or is refused, is left out."""
    asked = list(refs)
    for start in range(0, len(asked), BATCH):
        yield from _batch(session, asked[start : start + BATCH])


def _batch(session: Session, refs: list[Ref]) -> Iterator[tuple[Ref, bytes]]:
    numbering = refs[0].id.partition(":")[0]
    by_uid = {int(ref.native): ref for ref in refs if ref.id == f"{numbering}:{ref.native}"}
    try:
        opened(session, refs[0].folder, int(numbering))
    except CursorExpired:
        return
    for wanted in _sets(sorted(by_uid)):
        blocks = Blocks()
        line = b"UID FETCH %b (UID BODY.PEEK[HEADER]<0.%d>)" % (uids.write_set(wanted), HEAD_MAX)
        session.call(Command(line, {b"FETCH": blocks.take}))
        yield from ((by_uid[uid], block) for uid, block in blocks.found.items() if uid in by_uid)


def _sets(ordered: list[int]) -> Iterator["array[int]"]:
    """Sets that fit into a command."""
    most = uids.SET_BYTES // (len(str(ordered[-1])) + 1)
    for start in range(0, len(ordered), most):
        yield array("I", ordered[start : start + most])
