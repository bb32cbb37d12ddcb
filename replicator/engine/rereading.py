"""Reads again the bodies of messages that were matched without them, a few in each run."""

import logging
from collections.abc import Callable, Mapping
from itertools import takewhile

from connectors.errors import FolderError, Throttled
from connectors.model import Message, Ref
from connectors.protocols import Source
from replicator.engine.keeping import Intake
from replicator.mailstore.mailbox.answers import Answer, Counts
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.mailbox.unverified import Doubt

log = logging.getLogger(__name__)

BATCH_BYTES = 16 << 20


class Rereading:
    """Goes through a side's doubts, in the order in which they arose, until `left` bytes are used up.

    One message larger than all that is left is read if it comes first, or it would never be.
    """

    def __init__(self, source: Source, store: MailboxStore, intake: Intake, expired: Callable[[], bool]) -> None:
        self._source = source
        self._store = store
        self._intake = intake
        self._expired = expired
        self.counts = Counts()

    def run(self, side: str, folders: set[str], after: tuple[int, int], left: float) -> tuple[tuple[int, int], float]:
        """Goes on beyond a `Doubt.position`; gives how far it came, and what is left of the budget: 0 when all is done.

        `folders` are the ids of those that may be opened. Throttled puts the rest off, for nothing is missing.
        """
        while left > 0 and (doubts := self._store.doubts(side, after)):
            batch = _first([doubt for doubt in doubts if doubt.ref.folder in folders], left)
            if self._expired():
                return after, left
            try:
                left -= self._read(batch) if batch else 0
            except FolderError as error:  # its own pass has said so; the others' bodies are read all the same
                log.info("mailbox %s: a folder with unverified messages cannot be read: %s", self._store.id, error.code)
                folders = folders - {batch[0].ref.folder}
            except Throttled as error:
                log.info("mailbox %s: bodies that were to be read again are put off: %s", self._store.id, error.code)
                break
            after = (batch or doubts)[-1].position
        return after, 0

    def _read(self, batch: list[Doubt]) -> int:
        answers: dict[Ref, Answer] = {}
        sizes, size = {doubt.ref: doubt.size for doubt in batch}, 0
        try:
            for answer in self._source.fetch(doubt.ref for doubt in batch):
                (kept,) = self._intake.keep((answer,))
                if kept is not None:
                    answers[answer.ref] = kept
                if isinstance(answer, Message):
                    size += sizes[answer.ref]
        except Throttled:
            self._record(batch, answers)
            raise
        self._record(batch, answers)
        return size

    def _record(self, batch: list[Doubt], answers: Mapping[Ref, Answer]) -> None:
        self._intake.sync()
        counts = self._store.reread(batch, answers)
        self._intake.recorded(answers.values())
        self.counts.add(counts)
        if counts.corrected:
            text = "mailbox %s: %d messages were not what they had been taken for after a re-numbering; put right"
            log.warning(text, self._store.id, counts.corrected)


def _first(doubts: list[Doubt], left: float) -> list[Doubt]:
    """Those at the front that are of one folder and within the budget; the first in any case."""
    if not doubts:
        return []
    batch, size = [doubts[0]], doubts[0].size
    for doubt in takewhile(lambda doubt: doubt.ref.folder == batch[0].ref.folder, doubts[1:]):
        size += doubt.size
        if size > min(left, BATCH_BYTES):
            break
        batch.append(doubt)
    return batch
