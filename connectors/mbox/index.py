"""What was found in an mbox file, by position and by id: sixty bytes a message, so that millions fit into memory.

An mbox file gives its messages no ids. Here an id is made of a message's content and of the line `From ` before it, and
says which of those that are alike in both it is, in the order of the file: `CONTENT-LINE-1`, `CONTENT-LINE-2`. So an id
stays when other messages leave, when mail is added and when a mail program writes the file anew.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from connectors.mbox.scan import DIGEST, KEY, Found

ID = re.compile(f"([0-9a-f]{{{2 * DIGEST}}})-([0-9a-f]{{{2 * (KEY - DIGEST)}}})-([1-9][0-9]{{0,8}})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the file; `start` and `end` are where its bytes stand, `position` is its place among the others."""

    id: str
    position: int
    digest: bytes
    start: int
    end: int
    size: int
    arrived_at: datetime


class Index:
    """The messages of one file, in its order."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._keys = bytearray()
        self._ordinals = array("I")
        self._places = array("Q")
        self._arrivals = array("q")
        self._slots = array("I", bytes(array("I").itemsize * 1024))
        self._repeated: dict[bytes, int] = {}
        for each in found:
            self.add(each)

    def __len__(self) -> int:
        return len(self._ordinals)

    def __getitem__(self, position: int) -> Entry:
        key = self._key(position)
        start, end, size = self._places[3 * position : 3 * position + 3]
        arrived_at = EPOCH + timedelta(seconds=self._arrivals[position])
        return Entry(_id(key, self._ordinals[position]), position, key[:DIGEST], start, end, size, arrived_at)

    def ids(self) -> Iterator[str]:
        """All of them."""
        return (_id(self._key(position), self._ordinals[position]) for position in range(len(self)))

    def find(self, identity: str) -> Entry | None:
        """The message with this id."""
        match = ID.fullmatch(identity)
        if match is None:
            return None
        slot = self._slot(bytes.fromhex(match[1] + match[2]), int(match[3]))
        return self[self._slots[slot] - 1] if self._slots[slot] else None

    def chain(self, count: int) -> str:
        """A digest of the first `count` messages; equal ones mean the same messages in the same order."""
        return sha256(memoryview(self._keys)[: count * KEY]).hexdigest()

    def add(self, found: Found) -> None:
        """One more, at the end."""
        ordinal = self._next_ordinal(found.key)
        self._keys += found.key
        self._ordinals.append(ordinal)
        self._places.extend((found.start, found.end, found.size))
        self._arrivals.append((found.arrived_at - EPOCH) // timedelta(seconds=1))
        if 3 * len(self) > 2 * len(self._slots):
            self._slots = array("I", bytes(array("I").itemsize * 2 * len(self._slots)))
            for position in range(len(self)):
                self._enter(position)
        else:
            self._enter(len(self) - 1)

    def _next_ordinal(self, key: bytes) -> int:
        """Which of its like a message is. Many that are alike are counted, not looked for one by one."""
        known = self._repeated.get(key)
        if known is None and not self._slots[self._slot(key, 1)]:
            return 1
        self._repeated[key] = ordinal = (known or 1) + 1
        return ordinal

    def _enter(self, position: int) -> None:
        slot = self._slot(self._key(position), self._ordinals[position])
        self._slots[slot] = position + 1

    def _slot(self, key: bytes, ordinal: int) -> int:
        """Where this message is in the table, or where it would be: the first free place from its own on."""
        mask = len(self._slots) - 1
        slot = ((int.from_bytes(key[:8]) ^ int.from_bytes(key[DIGEST:])) + ordinal * 0x9E3779B97F4A7C15) & mask
        while position := self._slots[slot]:
            if self._ordinals[position - 1] == ordinal and self._key(position - 1) == key:
                break
            slot = (slot + 1) & mask
        return slot

    def _key(self, position: int) -> bytes:
        return bytes(self._keys[position * KEY : (position + 1) * KEY])


def _id(key: bytes, ordinal: int) -> str:
    return f"{key[:DIGEST].hex()}-{key[DIGEST:].hex()}-{ordinal}"
