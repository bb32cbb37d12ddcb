"""Reads ahead in a thread of its own, so that the network and the sealing of what came do not wait for each other."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from connectors.errors import ItemError
from connectors.model import Failure, Message, Page
from replicator.engine.reading import Sink
from replicator.mailstore.mailbox.answers import Need

LIMIT = 8 << 20
"""Bytes that may wait between the two threads."""
BATCH = 128 << 10
"""Small messages change threads together: a switch each would cost more than the message."""
_BATCH_COUNT = 64
GRACE = 2.0
"""Seconds that a reader gets to notice that it is not wanted any more. It may be waiting for a server, for an hour."""


class Abandoned(Exception):
    """Raised in the reading thread when nobody wants its data any more. Never leaves this module."""


class _Channel:
    """A queue bounded by bytes, that ends with a result or an error."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._items: deque[tuple[object, int]] = deque()
        self._held = 0
        self._ended = False
        self._abandoned = False

    def put(self, item: object, weight: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._abandoned or self._held < LIMIT)
            if self._abandoned:
                raise Abandoned
            self._items.append((item, weight))
            self._held += weight
            self._condition.notify_all()

    def end(self) -> None:
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def abandon(self) -> None:
        with self._condition:
            self._abandoned = True
            self._items.clear()
            self._condition.notify_all()

    def __iter__(self) -> Iterator[object]:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    return
                item, weight = self._items.popleft()
                self._held -= weight
                self._condition.notify_all()
            yield item


class _Relay:
    """The sink of the reading thread."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel
        self._batch: list[Message | Failure] = []
        self._weight = 0

    def page(self, page: Page, need: Need) -> None:
        self.flush()
        self._channel.put(_PageItem(page, need), (1 + len(page.changes)) << 10)

    def answers(self, answers: Sequence[Message | Failure]) -> None:
        for answer in answers:
            self._answer(answer)

    def _answer(self, answer: Message | Failure) -> None:
        if isinstance(answer, Message) and not isinstance(answer.raw, tuple):
            self.flush()
            self._stream(answer)
            return
        self._batch.append(answer)
        self._weight += sum(map(len, answer.raw)) if isinstance(answer, Message) else 0
        if self._weight >= BATCH or len(self._batch) >= _BATCH_COUNT:
            self.flush()

    def flush(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            weight, self._weight = self._weight, 0
            self._channel.put(batch, weight)

    def _stream(self, message: Message) -> None:
        self._channel.put(replace(message, raw=()), 0)
        error: Exception | None = None
        try:
            for chunk in message.raw:
                self._channel.put(chunk, len(chunk))
        except Abandoned:
            raise
        except Exception as raised:  # noqa: BLE001 - handed to the thread that reads the body, which raises it
            error = raised
        self._channel.put(_End(error), 0)
        if error is not None and not isinstance(error, ItemError):
            raise error


class _PageItem(NamedTuple):
    page: Page
    need: Need


class _End:
    """The end of a streamed body, or what cut it short."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


def read_ahead(read: Callable[[Sink], None], sink: Sink) -> None:
    """Calls `read` in a thread of its own with a sink that leads to this thread's `sink`. Raises what either raises."""
    channel = _Channel()
    failures: list[BaseException] = []

    def run() -> None:
        relay = _Relay(channel)
        try:
            failures.extend(_failure(read, relay))
            relay.flush()
        except Abandoned:
            pass
        finally:
            channel.end()

    # A daemon: Ctrl-C must not wait for a silent server.
    thread = threading.Thread(target=run, name="reader", daemon=True)
    thread.start()
    try:
        _drain(channel, sink)
    except BaseException as error:
        channel.abandon()
        if isinstance(error, Exception):  # Ctrl-C waits for nobody
            thread.join(GRACE)
        raise
    thread.join()
    if failures:
        raise failures[0]


def _failure(read: Callable[[Sink], None], relay: _Relay) -> list[BaseException]:
    """What ended the reading, if not its end; to be raised in the thread that waits for it, after what was read."""
    try:
        read(relay)
    except Abandoned:
        raise
    except BaseException as error:  # noqa: BLE001 - raised again by `read_ahead`
        return [error]
    return []


def _drain(channel: _Channel, sink: Sink) -> None:
    items = iter(channel)
    for item in items:
        match item:
            case list():
                sink.answers(item)
            case Message():
                body = _body(items)
                sink.answers((replace(item, raw=body),))
                for _ in body:
                    pass  # what the sink left unread
            case _PageItem():
                sink.page(item.page, item.need)


def _body(items: Iterator[object]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        assert isinstance(item, bytes)
        yield item
