"""Reads messages at their source again, and compares them with what is held: `verify --source`.

Where a source gives exact bytes, their SHA-256 decides. Where it makes messages anew, copies that a verdict calls the
same are the same. What has left there, or came since the last pass, is no difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from connectors.errors import FolderError, FolderGone, ItemGone, ReplicationError, StoreError
from connectors.metered import Metered
from connectors.model import Failure, Folder, Message
from connectors.protocols import Source
from reconcile.fingerprint import read
from reconcile.verdict import Outcome, judge
from replicator.engine.allowance import DAY, Allowance
from replicator.engine.step import SideJob
from replicator.folderpath import join_path
from replicator.mailstore.mailbox.holdings import BATCH, Holding, Holdings
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.mailbox.traffic import Traffic


class Kind(StrEnum):
    """What a comparison found. GONE: it left the source; ABSENT: it came there and is not here yet; UNREAD: it could
    not be compared; SAME is by its bytes or, where those are made anew, by its verdict."""

    SAME = "same"
    DIFFERS = "differs"
    GONE = "gone"
    ABSENT = "absent"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Finding:
    """About a message, a folder or a whole side; `count` messages, of so many bytes in all."""

    kind: Kind
    where: str
    what: str = ""
    count: int = 1
    bytes: int = 0


class SourceCheck:
    """Compares one mailbox. `wanted` is asked for each message whether to read it; `clock` gives the time."""

    def __init__(self, name: str, store: MailboxStore, wanted: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._name = name
        self._store = store
        self._wanted = wanted
        self._clock = clock
        self._holdings = Holdings(store.database)

    def run(self, side: SideJob) -> Iterator[Finding]:
        """All that is held of a side. Raises what the source raises when it cannot be used at all, and Throttled once
        what may be read of it in a day was read.
        """
        source = Metered(side.open_source())
        try:
            allowance = self._allowance(side, source)
            listed = list(source.folders())
            # Out of sight is not deleted: each folder that is not listed is asked for by its id.
            missing = self._store.folders.missing(side.name, [folder.id for folder in listed])
            hidden = [Folder(row.ref, row.path, row.role, selectable=False) for row in missing]
            for folder in (*listed, *hidden):
                if side.covers(folder.path, folder.role):
                    yield from self._any(source, folder, self._row(side, folder), allowance)
        finally:
            source.close()

    def _row(self, side: SideJob, folder: Folder) -> FolderRow | None:
        row = self._store.folders.get(side.name, folder.id)
        return None if row is None or row.died is not None else row

    def _any(self, source: Source, folder: Folder, row: FolderRow | None, allowance: Allowance) -> Iterator[Finding]:
        """A folder, whatever becomes of it; it does not stop the others."""
        try:
            if row is None:
                yield from self._unseen(source, folder)
            else:
                yield from self._folder(source, folder, row, allowance)
        except FolderGone:
            if row is not None:
                yield from self._left(row)
        except FolderError as error:
            where = f"{self._name}: {join_path(folder.path)}"
            yield Finding(Kind.UNREAD, where, error.message, count=0 if row is None else row.listed)

    def _allowance(self, side: SideJob, source: Metered) -> Allowance:
        limited = source.capabilities.daily_bytes > 0
        return Allowance(source, self._store.traffic(side.name, self._clock() - DAY) if limited else Traffic())

    def _unseen(self, source: Source, folder: Folder) -> Iterator[Finding]:
        """A folder that no pass has seen yet."""
        if folder.selectable and (count := source.count(folder)):
            yield Finding(Kind.ABSENT, f"{self._name}: {join_path(folder.path)}", count=count)

    def _left(self, row: FolderRow) -> Iterator[Finding]:
        """A folder that the source does not have any more."""
        count = sum(len(batch) for batch in self._holdings.live(row))
        if count:
            yield Finding(Kind.GONE, f"{self._name}: {join_path(row.path)}", count=count)

    def _folder(self, source: Source, folder: Folder, row: FolderRow, allowance: Allowance) -> Iterator[Finding]:
        if not folder.selectable:
            source.count(folder)  # raises what stands in the way: gone, or out of reach
        for batch in self._holdings.live(row):
            if allowance.spent():
                raise allowance.error(self._clock())
            chosen = {holding.ref: holding for holding in batch if self._wanted()}
            for answer in source.fetch(chosen) if chosen else ():
                yield self._compared(source, chosen[answer.ref], answer)
        where = f"{self._name}: {join_path(folder.path)}"
        inventory = iter(source.inventory(folder))
        while refs := list(islice(inventory, BATCH)):
            ids = {ref.id for ref in refs}
            if absent := len(ids) - len(self._holdings.standing(row, refs)):
                yield Finding(Kind.ABSENT, where, count=absent)

    def _compared(self, source: Source, held: Holding, answer: Message | Failure) -> Finding:
        if isinstance(answer, Failure):
            return _failed(held, answer.error)
        try:
            if source.capabilities.exact_bytes:
                return _exactly(held, answer)
            return self._by_verdict(held, answer)
        except StoreError:
            raise
        except ReplicationError as error:  # in the middle of a body
            if error.scope > FolderError.scope:
                raise
            return _failed(held, error)

    def _by_verdict(self, held: Holding, answer: Message) -> Finding:
        there = read(answer.raw)
        if there.fingerprint.raw == held.content.sha256:
            return _same(held)
        here = read(self._store.reader.read(held.content))
        verdict = judge(here.fingerprint, there.fingerprint, lambda: (here.texts, there.texts))
        if verdict.outcome is Outcome.SAME:
            return _same(held)
        return Finding(Kind.DIFFERS, held.id, f"the source gives another message: {'; '.join(verdict.reasons)}")


def _exactly(held: Holding, answer: Message) -> Finding:
    digest, size = sha256(), 0
    for chunk in answer.raw:
        digest.update(chunk)
        size += len(chunk)
    if digest.digest() == held.content.sha256:
        return _same(held)
    what = f"the source gives other bytes: {size} of them, SHA-256 {digest.hexdigest()}"
    return Finding(Kind.DIFFERS, held.id, f"{what}; here {held.content.size}, {held.content.sha256.hex()}")


def _same(held: Holding) -> Finding:
    return Finding(Kind.SAME, held.id, bytes=held.content.size)


def _failed(held: Holding, error: ReplicationError) -> Finding:
    kind = Kind.GONE if isinstance(error, ItemGone) else Kind.UNREAD
    return Finding(kind, held.id, error.message)
