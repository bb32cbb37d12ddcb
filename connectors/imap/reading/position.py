"""What a cursor says: how far a folder has been listed, and in a pass under way, where that pass goes on."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.errors import CursorExpired
from connectors.imap.reading.blocks import Blocks
from connectors.model import Cursor

VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """As of the EXAMINE that began the pass, so that what happens while it runs is reported by the next.

    `modseq` is the folder's HIGHESTMODSEQ, 0 if it has none; then `blocks` say what was listed. `after` is None when
    the pass is complete; else its listing goes on beyond that UID, and `base` is the modseq that the pass asks from:
    0 for a full pass.
    """

    uidvalidity: int
    uidnext: int
    modseq: int
    blocks: Blocks = field(default_factory=Blocks)
    after: int | None = None
    base: int = 0

    def cursor(self) -> Cursor:
        """Equal positions give the same text."""
        fields: dict[str, Any] = {"v": VERSION, "uidvalidity": self.uidvalidity, "uidnext": self.uidnext}
        if self.modseq:
            fields["modseq"] = self.modseq
        else:
            fields["blocks"] = self.blocks.as_json()
        if self.after is not None:
            fields |= {"after": self.after, "base": self.base}
        return Cursor(json.dumps(fields, separators=(",", ":")))

    def complete(self) -> "Position":
        """The same at the end of its pass."""
        return replace(self, after=None, base=0)


def parse(cursor: Cursor) -> Position:
    """Raises CursorExpired for what is not such a cursor."""
    try:
        fields = json.loads(cursor)
        if fields["v"] != VERSION:
            raise CursorExpired(f"the cursor has version {fields['v']}, this connector knows {VERSION}")
        return Position(
            uidvalidity=_number(fields["uidvalidity"]),
            uidnext=_number(fields["uidnext"]),
            modseq=0 if "blocks" in fields else _number(fields["modseq"]),
            blocks=Blocks.from_json(fields["blocks"]) if "blocks" in fields else Blocks(),
            after=_number(fields["after"]) if "after" in fields else None,
            base=_number(fields.get("base", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CursorExpired("the cursor was not made by this connector") from error


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value} is no number of IMAP's")
    return value
