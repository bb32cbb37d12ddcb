"""How much of one side may be fetched today, where its mail system sets a limit (`Capabilities.daily_bytes`).

The day is the last 24 hours, and what was fetched in it is read from the mailbox's own history: so the limit holds over
many runs, without anyone having to keep a count. It is a limit of this mailbox's replication; what its user's other
clients read is not known here.
"""

from connectors.errors import Throttled
from connectors.metered import Metered
from replicator.mailstore.mailbox.traffic import Traffic

DAY = 86400.0
FOR_DOUBTS = 8
"""One part in so many of a day's bytes may go to bodies that are read again. What is not new leaves no trace in the
history, so that alone is dealt out by time: however many runs there are in a day, together they read no more."""


class Allowance:
    """`source` is to be read through, so that what it gives is counted; `earlier` is what the last day brought."""

    def __init__(self, source: Metered, earlier: Traffic) -> None:
        self._source = source
        self._earlier = earlier
        self._limit = source.capabilities.daily_bytes

    def spent(self) -> bool:
        """Nothing more is to be fetched, but for what is under way: a page or two (`Rationed`)."""
        return 0 < self._limit <= self._earlier.bytes + self._source.bytes

    def for_doubts(self, elapsed: float) -> float:
        """How many bytes may be read again, so many seconds after the last run."""
        return 0.0 if self.spent() else self._limit / FOR_DOUBTS * min(elapsed, DAY) / DAY

    def error(self, now: float) -> Throttled:
        """Why something was not fetched, and when some of the limit is free again."""
        free = (self._earlier.began or now) + DAY - now
        text = f"all of the {self._limit:,} bytes that may be read of this mailbox in a day were read"
        text += f"; some are free again in {free / 3600:.1f} h"
        advice = "nothing: a later run goes on where this one stopped; daily_bytes of the source sets the limit"
        return Throttled(text, advice, retry_after=max(free, 0.0))
