"""The only retrier of reads: a Source around sources that can be opened again.

A pass resumes at its last page's cursor, a fetch asks again for what was not answered, a large body that was cut goes
on where it stopped. A message that ends each session in which it is asked for is answered by a Failure. Permanent
errors pass at once. Writes are not retried here (docs/algorithm.md says where).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import TypeVar

from connectors.asked import Asked, RefsFailed
from connectors.body import Body
from connectors.errors import Disconnected, ReplicationError, Scope, ServerBusy, Throttled
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.patience import Patience, Pauses, tell_no_one
from connectors.protocols import Heading, Source, Wary
from connectors.resumption import Reading

__all__ = ["Pauses", "Retrying"]

T = TypeVar("T")

SESSION_STANDS = (Throttled, ServerBusy)
"""The server answered, and said "later": a new login would only add to its load.

A session that says twice that the server is busy is ended all the same: Exchange has some that were never connected.
"""

CARELESS = 2
"""How often a page is asked for as usual, and header blocks at all."""


class Retrying:
    """A Source that outlives its sessions.

    `open_source` opens a session and may raise. `tell` hears each error that is retried, and the pause that follows.
    An inventory that was cut starts anew, so it may name a message twice.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        pauses: Pauses,
        sleep: Callable[[float], None],
        rng: Random,
        tell: Callable[[ReplicationError, float], None] = tell_no_one,
    ) -> None:
        self._open_source = open_source
        self._patience: Callable[[], Patience] = partial(Patience, pauses, sleep, rng, self._hear)
        self._tell = tell
        self._throttled_seconds = 0.0
        self._busy: Source | None = None
        self._lone = pauses.lone
        self._source: Source | None = None
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """Those of the session, which is opened if there is none."""
        return self._once(lambda source: source.capabilities)

    @property
    def throttled_seconds(self) -> float:
        """As `Delayed`."""
        return self._throttled_seconds

    def folders(self) -> Iterator[Folder]:
        """Listed whole in one session, so that the stamps are of one moment."""
        yield from self._once(lambda source: list(source.folders()))

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Resumes after the last page that was given. CursorExpired may therefore come in the middle.

        When sessions die and no page comes in between, the source is told to beware of this folder, if it can.
        """
        cursor, asked = since, 0

        def ask(source: Source) -> Iterator[Page]:
            nonlocal asked
            asked += 1
            if asked > CARELESS and isinstance(source, Wary):
                source.beware(folder)
            return source.changes(folder, cursor)

        for page in self._steps(ask):
            cursor, asked = page.cursor, 0
            yield page
            if page.last:
                return

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Each ref answered once, whatever happens in between."""
        asked, patience = Asked(iter(refs), self._lone), self._patience()
        try:
            for answer in self._steps(lambda source: asked.answers(source, patience.renew), patience):
                asked.settle(answer.ref)
                yield from self._lasting(answer)
        except RefsFailed as failed:
            raise failed.error from failed.error.__cause__
        asked.end()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """Anew after an error; gets further only where it has not been before."""
        yield from self._steps(lambda source: source.inventory(folder), anew=True)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the session says, if it can. A session that dies of it is replaced once; then the rest is left out.

        For the caller fetches what is left out, and `fetch` finds out which message it is that ends its sessions.
        """
        left = dict.fromkeys(refs)
        for _ in range(CARELESS):
            source: Source | None = None
            try:
                source = self.session()
                for ref, block in source.headers(list(left)) if isinstance(source, Heading) else ():
                    left.pop(ref, None)
                    yield ref, block
                return
            except ReplicationError as error:
                self.lose(source, error)
                if not error.transient:
                    raise

    def count(self, folder: Folder) -> int:
        """As the session says."""
        return self._once(lambda source: source.count(folder))

    def close(self) -> None:
        """Ends the session, for good."""
        self._closed = True
        self.drop(self._source)

    def session(self) -> Source:
        """The session that stands, or a new one."""
        if self._closed:
            raise Disconnected("this source was closed", "open it again")
        if self._source is None:
            self._source = self._open_source()
        return self._source

    def lose(self, source: Source | None, error: ReplicationError, *, midway: bool = False) -> None:
        """Ends the session that the error came from, if it says so or came `midway`. Once closed, raises the error."""
        if self._closed:
            raise error
        stands = isinstance(error, SESSION_STANDS) and not (isinstance(error, ServerBusy) and source is self._busy)
        self._busy = source if isinstance(error, ServerBusy) else None
        if midway or (error.scope >= Scope.MAILBOX and not stands):
            self.drop(source)

    def drop(self, source: Source | None) -> None:
        """Ends this session, if it is the one that stands."""
        if source is not None and source is self._source:
            self._source = None
            source.close()

    def _hear(self, error: ReplicationError, pause: float) -> None:
        if isinstance(error, SESSION_STANDS):
            self._throttled_seconds += pause
        self._tell(error, pause)

    def _once(self, ask: Callable[[Source], T]) -> T:
        return next(self._steps(lambda source: iter((ask(source),))))

    def _steps(
        self, ask: Callable[[Source], Iterator[T]], patience: Patience | None = None, *, anew: bool = False
    ) -> Iterator[T]:
        """What `ask` gives, asked again after each transient error, and whenever another call has reopened the session.

        With `anew`, each asking starts from the beginning, so only a step beyond the furthest one is a gain.
        """
        patience, furthest = patience or self._patience(), 0
        while True:
            source: Source | None = None
            try:
                source = self.session()
                for number, step in enumerate(self._standing(source, ask(source)), start=1):
                    if not anew or number > furthest:
                        furthest = number
                        patience.renew()
                    yield step
                if source is self._source:
                    return
            except ReplicationError as error:
                outlived = source is not None and source is not self._source
                self.lose(source, error)
                if not (outlived and error.transient):  # another call lost that session, and has waited for it
                    patience.suffer(error)

    def _standing(self, source: Source, steps: Iterator[T]) -> Iterator[T]:
        """The steps for as long as their session stands: what an older one still has to say is asked for again."""
        for step in steps:
            if source is not self._source:
                return
            yield step
            if source is not self._source:
                return

    def _lasting(self, answer: Message | Failure) -> Iterator[Message | Failure]:
        if isinstance(answer, Failure) or isinstance(answer.raw, tuple):
            yield answer
            return
        reading = Reading(self, answer, self._patience(), self._lone)
        body = Body(reading.chunks(), reading.leave)
        yield replace(answer, raw=body)
        body.expire()
