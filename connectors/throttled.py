"""A Source around a Source that takes no more than so many messages and bytes a second."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from connectors.around import Around, weighed
from connectors.model import Failure, Message, Ref
from connectors.protocols import Source

T = TypeVar("T")


class Bucket:
    """A token bucket that may run into debt, so that one message larger than the bucket still passes.

    It holds at most `burst` tokens, gains `rate` a second, and is full at first. `clock` gives seconds and never goes
    back. One bucket may be lent to several sources: they then share the rate.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        if rate <= 0 or burst <= 0:
            raise ValueError("a bucket's rate and burst are more than nothing")
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = burst
        self._filled_at = clock()

    def take(self, amount: float) -> None:
        """Takes the tokens, then waits until the debt, if there is one, is paid."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate) - amount
        self._filled_at = now
        if self._tokens < 0:
            self._sleep(-self._tokens / self._rate)


class Throttled(Around):
    """Fetches at the pace of two buckets; listings pass as they come. A large body is paced chunk by chunk."""

    def __init__(self, source: Source, messages: Bucket, size: Bucket) -> None:
        super().__init__(source)
        self._messages = messages
        self._size = size

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says, at the pace of the buckets. A Failure costs a message."""
        return weighed(self._paced(super().fetch(refs)), self._size.take)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says, at the pace of the buckets."""
        for ref, block in self._paced(super().headers(refs)):
            self._size.take(len(block))
            yield ref, block

    def _paced(self, answers: Iterable[T]) -> Iterator[T]:
        for answer in answers:
            self._messages.take(1)
            yield answer
