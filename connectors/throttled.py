"""A Source around a Source that takes no more than so many messages and bytes a second."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from connectors.body import Body
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Heading, Source, Wary


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


class Throttled:
    """Fetches at the pace of two buckets; listings pass as they come. A large body is paced chunk by chunk."""

    def __init__(self, source: Source, messages: Bucket, size: Bucket) -> None:
        self._source = source
        self._messages = messages
        self._size = size

    @property
    def capabilities(self) -> Capabilities:
        """The source's own."""
        return self._source.capabilities

    def folders(self) -> Iterator[Folder]:
        """As the source says."""
        return self._source.folders()

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As the source says."""
        return self._source.changes(folder, since)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says, at the pace of the buckets. A Failure costs a message."""
        for answer in self._source.fetch(refs):
            self._messages.take(1)
            if isinstance(answer, Failure):
                yield answer
            elif isinstance(answer.raw, tuple):
                self._size.take(sum(map(len, answer.raw)))
                yield answer
            else:
                body = Body(self._paced(answer.raw))
                yield replace(answer, raw=body)
                body.expire()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As the source says."""
        return self._source.inventory(folder)

    def count(self, folder: Folder) -> int:
        """As the source says."""
        return self._source.count(folder)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says, if it can, at the pace of the buckets."""
        for ref, block in self._source.headers(refs) if isinstance(self._source, Heading) else ():
            self._messages.take(1)
            self._size.take(len(block))
            yield ref, block

    def beware(self, folder: Folder) -> None:
        """Passed on to a source that can."""
        if isinstance(self._source, Wary):
            self._source.beware(folder)

    def close(self) -> None:
        """Ends the source's session."""
        self._source.close()

    def _paced(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in raw:
            self._size.take(len(chunk))
            yield chunk
