"""Reads a folder's changes and, for each page, the messages that are not held yet."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from connectors.model import Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Source
from replicator.mailstore.mailbox.answers import Need

LOOKAHEAD = 2
"""Pages under way at most: the source may pipeline the next one's messages behind those of the first."""

Lookup = Callable[[Page], Need]
"""What of a page has to be fetched, and what is known without."""


class Sink(Protocol):
    """Where pages and answers go: each page first, then an answer to each of its missing refs, in any order."""

    def page(self, page: Page, need: Need) -> None:
        """A page, the refs that answers will come for, and the answers that are there already."""
        ...

    def answers(self, answers: Sequence[Message | Failure]) -> None:
        """Some answers. A large message comes alone, and is read here or not at all."""
        ...


class Reading:
    """One folder's pages, from a cursor on, until the pass ends or `expired` says so at the end of a page."""

    def __init__(self, source: Source, folder: Folder, since: Cursor | None, expired: Callable[[], bool]) -> None:
        self._source = source
        self._pages = source.changes(folder, since)
        self._expired = expired
        self._open: deque[set[Ref]] = deque()
        self._ended = False
        self.complete = False

    def into(self, sink: Sink, lookup: Lookup) -> None:
        """Reads to the end. With one thread, `sink` may commit from within; the source is at rest then."""
        while not self._ended:
            for answer in self._source.fetch(self._refs(sink, lookup)):
                self._answered(answer.ref)
                sink.answers((answer,))

    def _refs(self, sink: Sink, lookup: Lookup) -> Iterator[Ref]:
        while len(self._open) < LOOKAHEAD:
            page = None if self._expired() else next(self._pages, None)
            if page is None:
                self._ended = True
                return
            self.complete = page.last
            need = lookup(page)
            if need.fetch:
                self._open.append(set(need.fetch))
            sink.page(page, need)
            yield from need.fetch

    def _answered(self, ref: Ref) -> None:
        for refs in self._open:
            if ref in refs:
                refs.discard(ref)
                break
        while self._open and not self._open[0]:
            self._open.popleft()
