"""What one fetch has asked for and not been given yet, and which message it is that ends its sessions.

A server may answer a request for one broken message by ending the session (Dovecot: `* BYE FETCH failed`). So after a
session has died, what is open is asked for in requests of 1, 2, 4 … refs: whichever kills the next session too is soon
left alone. It is blamed only for sessions that worked, and only once a later one works again: a network that is down,
or a server that is, kills all requests and blames none.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from connectors.errors import Disconnected, ItemUnreadable, ProtocolError, ReplicationError
from connectors.model import Failure, Message, Ref
from connectors.protocols import Source


class RefsFailed(Exception):
    """Carries an error of the `refs` that a caller gave to `fetch` through the source, whose error it is not."""

    def __init__(self, error: ReplicationError) -> None:
        super().__init__(str(error))
        self.error = error


class Asked:
    """The refs of one fetch: those under way, and those still to be taken from the caller.

    `lone` is how many sessions a message may end while nothing else is asked for, before it is taken for unreadable.
    """

    def __init__(self, refs: Iterator[Ref], lone: int) -> None:
        self._refs = refs
        self._lone = lone
        self.open: Counter[Ref] = Counter()
        self._narrow = 0
        self._under_way: list[Ref] | None = []
        self._source: Source | None = None
        self._works = False
        self._suspect: Ref | None = None
        self._blame: Counter[Ref] = Counter()
        self._error: Disconnected | None = None

    def answers(self, source: Source, gain: Callable[[], None]) -> Iterator[Message | Failure]:
        """One session's: first what is open, then the rest. `gain` is called when the session has shown that it works.

        Each answer is to be settled before the next is taken.
        """
        self._works = self._source is not None and source is not self._source  # just opened, not found standing
        self._source = source
        try:
            while self._narrow and self.open:
                yield from self._judge(source, gain)
                yield from self._some(source)
                self._narrow *= 2
            self._narrow, self._under_way = 0, None
            yield from source.fetch(self._again())
        except Disconnected as error:
            self._cut(error)
            raise

    def settle(self, ref: Ref) -> None:
        """It was answered. Raises ProtocolError if no one asked for it, or if it was answered before."""
        if ref not in self.open:
            raise ProtocolError(f"message {ref.id} was answered without being asked for")
        self.open[ref] -= 1
        if not self.open[ref]:
            del self.open[ref]

    def end(self) -> None:
        """Raises ProtocolError if anything is left."""
        if self.open:
            raise ProtocolError(f"{len(self.open)} messages were asked for and not answered")

    def _again(self) -> Iterator[Ref]:
        yield from list(self.open.elements())
        while (ref := self._next()) is not None:
            self.open[ref] += 1
            yield ref

    def _some(self, source: Source) -> Iterator[Message | Failure]:
        asked = list(islice(self.open.elements(), self._narrow))
        left = self.open.total() - len(asked)
        self._under_way = asked
        yield from source.fetch(asked)
        if self.open.total() > left:
            self.end()

    def _cut(self, error: Disconnected) -> None:
        """Suspects the message that was asked for alone, or was the only one left of its request."""
        under_way = self.open if self._under_way is None else set(self._under_way) & self.open.keys()
        if self._works and len(under_way) == 1:
            self._suspect, self._error = next(iter(under_way)), error
        self._narrow = 1

    def _judge(self, source: Source, gain: Callable[[], None]) -> Iterator[Failure]:
        """Blames the suspect for the death of the last session, if this one can do anything else."""
        suspect, self._suspect, self._under_way = self._suspect, None, []
        if suspect is None or self._error is None:
            return
        next(source.folders(), None)
        gain()
        self._works = True
        self._blame[suspect] += 1
        if self._blame[suspect] >= self._lone:
            text = f"message {suspect.native} in {suspect.folder}: the session ends whenever it is asked for"
            error = ItemUnreadable(f"{text}: {self._error.message}", "look at the message and the log on the server")
            yield from [Failure(suspect, error)] * self.open[suspect]

    def _next(self) -> Ref | None:
        try:
            return next(self._refs, None)
        except ReplicationError as error:
            raise RefsFailed(error) from error
