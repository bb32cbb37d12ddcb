"""An open folder, and what the server said about it when it was opened."""

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.imap.uids import MOST

SIZES_KEPT = 8192

Parts = tuple[bytes, ...]
"""A response: text and literals by turns."""

Handler = Callable[[Parts], None]

_CODE = re.compile(rb"\* OK \[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d{1,19})\]", re.I).match
_CLOSED = re.compile(rb"\* OK \[CLOSED\]", re.I).match
_EXISTS = re.compile(rb"\* (\d{1,10}) EXISTS", re.I).match
_ROW_UID = re.compile(rb"[( ]UID (\d{1,10})[ )]", re.I).search
_EARLIER = re.compile(rb"\* VANISHED \(EARLIER\) (.*)\r\n", re.I).fullmatch


def row_uids(parts: Parts) -> list[int]:
    """The UID of a row as a list of one; empty without one, or if it is none (`* 3 FETCH (UID 7 MODSEQ (9))`)."""
    match = _ROW_UID(parts[0])
    return [int(match[1])] if match and 0 < int(match[1]) <= MOST else []


@dataclass(slots=True)
class Selection:
    """As of its EXAMINE. `modseq` is 0 where the server has none, or says 0 as some do of empty folders.

    With QRESYNC `changed` are the UIDs of the rows that came, `vanished` the sets of those that left, as text, and
    `nameless` says that a row came without its UID.
    `sizes` are the sizes claimed for messages listed lately, by UID.
    """

    name: str
    uidvalidity: int = 0
    uidnext: int = 0
    modseq: int = 0
    exists: int = 0
    changed: "array[int]" = field(default_factory=lambda: array("I"))
    vanished: list[bytes] = field(default_factory=list)
    nameless: bool = False
    sizes: dict[int, int] = field(default_factory=dict)

    @property
    def highest(self) -> int:
        """No message had a higher UID when the folder was opened."""
        return self.uidnext - 1 if self.uidnext else MOST

    def note_size(self, uid: int, size: int) -> None:
        """For `fetch`, which asks for large messages one by one."""
        if len(self.sizes) >= SIZES_KEPT:
            self.sizes.pop(next(iter(self.sizes)))
        self.sizes[uid] = size

    def handlers(self) -> dict[bytes, Handler]:
        """What takes the responses to EXAMINE."""
        return {b"OK": self._code, b"EXISTS": self._exists, b"FETCH": self._row, b"VANISHED": self._gone}

    def _code(self, parts: Parts) -> None:
        if _CLOSED(parts[0]):  # RFC 7162 3.2.11: what came before belongs to the folder open until then
            self.changed, self.vanished, self.nameless, self.exists = array("I"), [], False, 0
        elif match := _CODE(parts[0]):
            setattr(self, match[1].decode().lower().replace("highest", ""), int(match[2]))

    def _exists(self, parts: Parts) -> None:
        if match := _EXISTS(parts[0]):
            self.exists = int(match[1])

    def _row(self, parts: Parts) -> None:
        found = row_uids(parts)
        self.changed.extend(found)
        self.nameless |= not found

    def _gone(self, parts: Parts) -> None:
        if match := _EARLIER(parts[0]):
            self.vanished.append(match[1])
