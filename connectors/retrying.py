"""The only retrier of reads: a Source around sources that can be opened again.

A pass resumes at its last page's cursor, a fetch asks again for what was not answered, a large body that was cut goes
on where it stopped. Permanent errors pass at once. Writes are not retried here (docs/algorithm.md says where).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from random import Random
from typing import TypeVar

from connectors.body import Body
from connectors.errors import (
    Disconnected,
    ItemBusy,
    ItemUnreadable,
    ProtocolError,
    ReplicationError,
    Scope,
    ServerBusy,
    Throttled,
)
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.patience import Patience, Pauses, tell_no_one
from connectors.protocols import Source

__all__ = ["Pauses", "Retrying"]

T = TypeVar("T")

SESSION_STANDS = (Throttled, ServerBusy)
"""The server answered, and said "later": a new login would only add to its load."""


class RefsFailed(Exception):
    """Carries an error of the `refs` that a caller gave to `fetch` through the source, whose error it is not."""

    def __init__(self, error: ReplicationError) -> None:
        super().__init__(str(error))
        self.error = error


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
        self._patience: Callable[[], Patience] = partial(Patience, pauses, sleep, rng, tell)
        self._source: Source | None = None
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """Those of the session, which is opened if there is none."""
        return self._once(lambda source: source.capabilities)

    def folders(self) -> Iterator[Folder]:
        """Listed whole in one session, so that the stamps are of one moment."""
        yield from self._once(lambda source: list(source.folders()))

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Resumes after the last page that was given. CursorExpired may therefore come in the middle."""
        cursor = since

        def ask(source: Source) -> Iterator[Page]:
            return source.changes(folder, cursor)

        for page in self._steps(ask):
            cursor = page.cursor
            yield page
            if page.last:
                return

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Each ref answered once, whatever happens in between."""
        asked = Asked(iter(refs))
        try:
            for answer in self._steps(lambda source: source.fetch(asked.again())):
                asked.settle(answer.ref)
                yield from self._lasting(answer)
        except RefsFailed as failed:
            raise failed.error from failed.error.__cause__
        if asked.open:
            raise ProtocolError(f"{len(asked.open)} messages were asked for and not answered")

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """Anew after an error; gets further only where it has not been before."""
        yield from self._steps(lambda source: source.inventory(folder), anew=True)

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
            raise Disconnected("this source was closed")
        if self._source is None:
            self._source = self._open_source()
        return self._source

    def lose(self, source: Source | None, error: ReplicationError, *, midway: bool = False) -> None:
        """Ends the session that the error came from, if it says so or came `midway`. Once closed, raises the error."""
        if self._closed:
            raise error
        if midway or (error.scope >= Scope.MAILBOX and not isinstance(error, SESSION_STANDS)):
            self.drop(source)

    def drop(self, source: Source | None) -> None:
        """Ends this session, if it is the one that stands."""
        if source is not None and source is self._source:
            self._source = None
            source.close()

    def _once(self, ask: Callable[[Source], T]) -> T:
        return next(self._steps(lambda source: iter((ask(source),))))

    def _steps(self, ask: Callable[[Source], Iterator[T]], *, anew: bool = False) -> Iterator[T]:
        """What `ask` gives, asked again after each transient error, and whenever another call has reopened the session.

        With `anew`, each asking starts from the beginning, so only a step beyond the furthest one is a gain.
        """
        patience, furthest = self._patience(), 0
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
        reading = Reading(self, answer, self._patience())
        body = Body(reading.chunks(), reading.leave)
        yield replace(answer, raw=body)
        body.expire()


class Asked:
    """The refs of one fetch: those under way, and those still to be taken from the caller."""

    def __init__(self, refs: Iterator[Ref]) -> None:
        self._refs = refs
        self.open: Counter[Ref] = Counter()

    def again(self) -> Iterator[Ref]:
        """What is still open, then the rest."""
        yield from list(self.open.elements())
        while (ref := self._next()) is not None:
            self.open[ref] += 1
            yield ref

    def settle(self, ref: Ref) -> None:
        """It was answered. Raises ProtocolError if no one asked for it, or if it was answered before."""
        if ref not in self.open:
            raise ProtocolError(f"message {ref.id} was answered without being asked for")
        self.open[ref] -= 1
        if not self.open[ref]:
            del self.open[ref]

    def _next(self) -> Ref | None:
        try:
            return next(self._refs, None)
        except ReplicationError as error:
            raise RefsFailed(error) from error


class Reading:
    """The reading of one large body over as many sessions as it takes."""

    def __init__(self, retrying: Retrying, message: Message, patience: Patience) -> None:
        self._retrying = retrying
        self._message = message
        self._patience = patience
        self._digest = sha256()
        self._size = 0
        self._source: Source | None = retrying.session()
        self._answers: Iterator[Message | Failure] = iter(())

    def chunks(self) -> Iterator[bytes]:
        """The bytes; raises what `fetch` answers when it is asked again, ItemUnreadable if they are others by then."""
        rest: Iterator[bytes] | None = iter(self._message.raw)
        while True:
            try:
                rest = rest or self._reopened()
                for chunk in rest:
                    self._patience.renew()
                    self._digest.update(chunk)
                    self._size += len(chunk)
                    yield chunk
                return
            except ReplicationError as error:
                self._retrying.lose(self._source, error, midway=True)
                self._patience.suffer(error)
                rest = None

    def leave(self) -> None:
        """Lets the session skip what was not read, so that it can be used for something else."""
        try:
            for _ in self._answers:
                pass
        except ReplicationError:
            self._retrying.drop(self._source)  # nothing is lost but the session: what was left was not wanted

    def _reopened(self) -> Iterator[bytes]:
        self._source = None
        self._source = self._retrying.session()
        self._answers = self._source.fetch((self._message.ref,))
        answer = next(self._answers, None)
        if answer is None:
            raise ProtocolError(f"message {self._message.ref.id} was asked for again and not answered")
        if isinstance(answer, Failure):
            raise answer.error
        return self._beyond(iter(answer.raw))

    def _beyond(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """What follows the bytes that were given already, once they have proven to be the same."""
        digest, left = sha256(), self._size
        for chunk in chunks:
            digest.update(chunk[:left])
            if len(chunk) > left:
                self._compare(digest.digest())
                yield chunk[left:]
                yield from chunks
                return
            left -= len(chunk)
        self._compare(digest.digest())

    def _compare(self, digest: bytes) -> None:
        if digest == self._digest.digest():
            return
        text = f"message {self._message.ref.id} came with other bytes after its body had been cut"
        if self._retrying.capabilities.exact_bytes:
            raise ItemUnreadable(text)
        raise ItemBusy(text, "its server makes the bytes anew each time, so it has to be read in one go")
