"""What a folder looked like on a server without CONDSTORE: one digest a block of UIDs, small enough for a cursor.

There nothing says what changed, so every flag is listed in every pass. The digests let the pass report only blocks in
which something did change, and give an unchanged folder the cursor it had.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from connectors.model import Seen

WIDTH = 1000
MOST = 4096
"""Blocks in one cursor, about 60 kB; a folder that would need more of them gets wider ones."""


class Blocks:
    """Digests by block number; block n holds the `width` UIDs from n * width + 1 on. A pass adds to its own."""

    def __init__(self, width: int = WIDTH, digests: dict[int, str] | None = None) -> None:
        self.width = width
        self._digests = dict(digests or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocks) and self.as_json() == other.as_json()

    def __hash__(self) -> int:
        raise TypeError("blocks change while a pass adds to them")

    def add(self, number: int, rows: Iterable[Seen]) -> None:
        """Takes in a block's rows, ascending by UID."""
        self._digests[number] = _digest(rows)

    def of(self, uid: int) -> int:
        """The number of the block that holds this UID."""
        return (uid - 1) // self.width

    def update(self, other: "Blocks") -> None:
        """Takes in all blocks of another of the same width."""
        self._digests.update(other._digests)

    def same(self, other: "Blocks", number: int) -> bool:
        """This block is as it was in the other."""
        return self.width == other.width and self._digests[number] == other._digests.get(number)

    def as_json(self) -> list[Any]:
        """The width, then number and digest by turns, ascending."""
        flat: list[Any] = [self.width]
        for number in sorted(self._digests):
            flat += (number, self._digests[number])
        return flat

    @classmethod
    def from_json(cls, flat: list[Any]) -> "Blocks":
        """Raises ValueError or TypeError for anything else."""
        width, numbers, digests = int(flat[0]), flat[1::2], flat[2::2]
        if width < 1:
            raise ValueError("a block without width")
        return cls(width, {int(number): str(each) for number, each in zip(numbers, digests, strict=True)})


def fitting_width(uids: Sequence[int], width: int) -> int:
    """The width, doubled until an ascending sequence of UIDs fills at most MOST blocks."""
    while len({(uid - 1) // width for uid in uids}) > MOST:
        width *= 2
    return width


def _digest(rows: Iterable[Seen]) -> str:
    """Nine bytes: by chance alike once in 10^21 comparisons.

    The date is in it because an id may come to stand for another message: two folders that share a UIDVALIDITY change
    names, or a server is set back.
    """
    state = blake2b(digest_size=9)
    for row in rows:
        state.update(f"{row.ref.id} {int(row.arrived_at.timestamp())} {' '.join(sorted(row.flags))}\n".encode())
    return b64encode(state.digest()).decode("ascii")
