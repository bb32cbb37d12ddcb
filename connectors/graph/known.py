"""What was listed of messages a moment ago, so that their fetch need not ask for it again."""

from datetime import datetime
from threading import Lock

from connectors.model import Ref, Seen

MOST = 4096
"""More than the pages that a reader lists ahead."""

Row = tuple[frozenset[str], datetime]
"""Flags and arrival."""


class Known:
    """Rows of the messages that were listed last. Each is taken once, by whichever thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[Ref, Row] = {}

    def add(self, seen: Seen) -> None:
        """It was listed."""
        self.put(seen.ref, (seen.flags, seen.arrived_at))

    def put(self, ref: Ref, row: Row) -> None:
        """The oldest is forgotten when there are too many."""
        with self._lock:
            self._rows[ref] = row
            if len(self._rows) > MOST:
                del self._rows[next(iter(self._rows))]

    def forget(self, ref: Ref) -> None:
        """It has left."""
        with self._lock:
            self._rows.pop(ref, None)

    def take(self, ref: Ref) -> Row | None:
        """What is known of it, and no longer from then on."""
        with self._lock:
            return self._rows.pop(ref, None)
