"""Checks the whole mailstore: catalog, segments, and each mailbox, with or without decrypting what they hold."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from connectors.errors import StorageFull, StoreError
from replicator.mailstore.blobs import Segments
from replicator.mailstore.blobs.checking import check_segments
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.content import Content
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.problem import Problem


class Verifiable(Protocol):
    """What of a mailstore is checked."""

    catalog: SqliteCatalog
    segments: Segments

    def mailbox(self, name: str) -> MailboxStore:
        """An open mailbox."""
        ...


class Verification:
    """One run. Whatever is wrong is a Problem, never an error, so that nothing hides behind it."""

    def __init__(self, mailstore: Verifiable, wanted: Callable[[], bool], *, segments: bool) -> None:
        """`wanted` is asked for each message whether to decrypt it; with `segments`, every record's CRC is read."""
        self._mailstore = mailstore
        self._wanted = wanted
        self._segments = segments

    def run(self, names: Sequence[str]) -> Iterator[Content | Problem]:
        """Each message that is right, and each thing that is not."""
        yield from self._guarded("catalog", self._catalog)
        if self._segments:
            yield from self._guarded("segments", self._records)
        for name in names:
            yield from self._guarded("a mailbox", lambda name=name: self._mailbox(name))  # type: ignore[misc]

    def _catalog(self) -> Iterator[Problem]:
        return self._mailstore.catalog.problems()

    def _records(self) -> Iterator[Problem]:
        return check_segments(self._mailstore.segments, self._mailstore.catalog)

    def _mailbox(self, name: str) -> Iterator[Content | Problem]:
        store = self._mailstore.mailbox(name)
        yield from store.problems()
        yield from store.contents(self._wanted)

    def _guarded(self, where: str, check: Callable[[], Iterator[Content | Problem]]) -> Iterator[Content | Problem]:
        try:
            yield from check()
        except StorageFull:
            raise
        except StoreError as error:
            yield Problem(where, error.message)
