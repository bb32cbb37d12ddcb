"""The second stage: versions that are durable get their fingerprints and their words, in batches, the oldest first.

Whatever ends it, what was written stands, and the next run goes on from there.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from replicator.mailstore.mailbox.index import Entry, Unindexed
from replicator.mailstore.mailbox.store import MailboxStore

BATCH = 500
BATCH_CHARACTERS = 4 << 20
"""Of text that may wait to be written; one message can bring as much."""


@dataclass(slots=True)
class Indexed:
    """What a run indexed of a mailbox, what it could not, and what is left; `seconds` are a part of the pass's."""

    done: int = 0
    failed: int = 0
    backlog: int = 0
    seconds: float = 0.0


class Indexing:
    """Works on one mailbox's backlog until it is done, or `expired`. With `again`, first on what had failed."""

    def __init__(self, store: MailboxStore, expired: Callable[[], bool], counts: Indexed, *, again: bool) -> None:
        self._store = store
        self._expired = expired
        self._counts = counts
        self._again = again
        self._entries: list[Entry] = []
        self._length = 0

    def run(self) -> bool:
        """Counts into the report as it goes; whether it had time for what had failed.

        Raises StoreError, OSError: what one message holds raises nothing.
        """
        after = 0
        while self._again and not self._expired():
            batch = self._store.index.failed(after, BATCH)
            self._take(batch)
            self._again, after = bool(batch), batch[-1].version if batch else 0
        while not self._expired() and (batch := self._store.index.backlog(BATCH)):
            self._take(batch)
        return not self._again

    def is_needed(self) -> bool:
        """Whether anything waits."""
        return bool(self._store.index.backlog(1) or (self._again and self._store.index.failed(0, 1)))

    def left(self) -> int:
        """How many versions wait; with `again` also those that failed, as long as it was not their turn."""
        if not self.is_needed():
            return 0
        counts = self._store.index.counts()
        return counts.backlog + (counts.failed if self._again else 0)

    def _take(self, batch: Iterable[Unindexed]) -> None:
        for wanted in batch:
            if self._expired():
                break
            entry = self._store.index.read(wanted)
            self._entries.append(entry)
            self._length += entry.length
            if self._length >= BATCH_CHARACTERS or len(self._entries) >= BATCH:
                self._write()
        self._write()

    def _write(self) -> None:
        if not self._entries:
            return
        self._store.index.write(self._entries)
        failed = sum(bool(entry.row.reason) for entry in self._entries)
        self._counts.failed += failed
        self._counts.done += len(self._entries) - failed
        self._entries, self._length = [], 0
