"""How much may be asked of one mailbox: what Graph allows an application, and less where the server says so.

Per application and mailbox Graph takes 4 requests at once, 10,000 in ten minutes, and 150 MB of upload in five
(learn.microsoft.com/graph/throttling-limits). Nothing here waits for more than a place to become free: for a longer
pause it raises Throttled, and who reads through `Retrying` waits there.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from connectors.errors import Throttled

AT_ONCE = 4
REQUESTS, REQUEST_WINDOW = 10_000, 600.0
UPLOAD, UPLOAD_WINDOW = 150_000_000, 300.0
SHARE = 0.9
"""Of each budget: the rest is for what is counted otherwise there."""

BURST = 0.2
"""Of a budget may be spent at once; the rest comes back evenly, so that no window holds more than all of it."""

TURN = 5.0
"""Seconds' worth of requests that must have come back before one is made again after the budget was spent."""

RECOVERY = 40
"""Answers in a row without a complaint, after which one request more may be under way."""

UNSAID = 10.0
"""Seconds to wait when Graph says too much, and not how long."""

Clock = Callable[[], float]


class Budget:
    """So much in so many seconds: a bucket that fills evenly."""

    def __init__(self, amount: float, window: float, clock: Clock) -> None:
        self._burst = amount * SHARE * BURST
        self._rate = amount * SHARE * (1 - BURST) / window
        self._clock = clock
        self._left, self._at = self._burst, clock()

    def take(self, amount: float) -> float:
        """Takes it, or says in how many seconds to ask again. From a full bucket more than it holds may be taken."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < min(amount, self._burst):
            return max(TURN, (min(amount, self._burst) - self._left) / self._rate)
        self._left -= amount
        return 0.0


class Limiter:
    """One mailbox's, for all sessions and threads that read it in this process. `clock` never goes back.

    `strikes` counts what could not be had, by message id, over all sessions; `names` are paths of folders, by id, as
    they are told to people, of the mailboxes that were listed last.
    """

    def __init__(self, name: str, clock: Clock, names: dict[str, str] | None = None) -> None:
        self._name = name
        self._clock = clock
        self._condition = Condition(Lock())
        self._requests = Budget(REQUESTS, REQUEST_WINDOW, clock)
        self._upload = Budget(UPLOAD, UPLOAD_WINDOW, clock)
        self._busy, self._limit, self._good = 0, AT_ONCE, 0
        self._opens = clock()
        self.strikes: Counter[str] = Counter()
        self.names = {} if names is None else names

    @property
    def limit(self) -> int:
        """How many requests may be under way at once."""
        return self._limit

    @contextmanager
    def places(self, wanted: int, upload: int, patience: float) -> Iterator[int]:
        """As `take`; the places are free again at the end of the `with`."""
        granted = self.take(wanted, upload, patience)
        try:
            yield granted
        finally:
            self.give(granted)

    def take(self, wanted: int = 1, upload: int = 0, patience: float = 60.0) -> int:
        """Waits up to `patience` seconds for a place; gives how many of the requests may go out together, at least one.

        More than AT_ONCE, in one batch, only if nothing else is under way: Graph works at so many of a batch at once.
        Raises Throttled, with the pause that is left, while Graph has asked for one or a budget is spent.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self._busy < self._limit or self._left() > 0, patience):
                raise Throttled(f"{self._name}: all {self._limit} requests at once are under way", "nothing", 1.0)
            if (left := self._left()) > 0:
                raise Throttled(f"{self._name}: Graph has asked for a pause", "nothing: it is waited for", left)
            free = self._limit - self._busy
            granted = wanted if free >= AT_ONCE else min(wanted, free)
            self._spend(granted, upload)
            self._busy += min(granted, AT_ONCE)
            return granted

    def give(self, granted: int = 1) -> None:
        """The places that were taken together are free again."""
        with self._condition:
            self._busy -= min(granted, AT_ONCE)
            self._condition.notify_all()

    def pause(self, seconds: float | None) -> float:
        """Graph says too much: nothing is asked for so long, and fewer at once from then on. How long, it says."""
        pause = UNSAID if seconds is None else seconds
        with self._condition:
            self._limit, self._good = max(1, self._limit // 2), 0
            self._opens = max(self._opens, self._clock() + pause)
            self._condition.notify_all()
        return pause

    def praise(self) -> None:
        """A request was answered without a complaint."""
        with self._condition:
            self._good += 1
            if self._good >= RECOVERY and self._limit < AT_ONCE:
                self._limit, self._good = self._limit + 1, 0
                self._condition.notify_all()

    def _left(self) -> float:
        return self._opens - self._clock()

    def _spend(self, requests: int, upload: int) -> None:
        for budget, amount in ((self._requests, requests), (self._upload, upload)):
            if amount and (pause := budget.take(amount)) > 0:
                text = f"{self._name}: what may be asked of a mailbox in some minutes has been asked"
                raise Throttled(text, "nothing: it goes on when Graph's limits allow it", pause)


class Limiters:
    """Those of a tenant's mailboxes. Another process has its own: a mailbox is read in one at a time."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._limiters: dict[str, Limiter] = {}
        self._names: dict[str, str] = {}

    def __reduce__(self) -> tuple[type["Limiters"], tuple[()]]:
        return Limiters, ()

    def of(self, address: str) -> Limiter:
        """The one of this mailbox."""
        with self._lock:
            return self._limiters.setdefault(address.casefold(), Limiter(address, self._clock, self._names))
