"""Reading ahead in another thread: order, bounds, and errors in both directions."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from connectors.errors import Disconnected, StorageFull
from connectors.model import Cursor, Failure, Message, Page, Ref, Seen
from replicator.engine.ahead import LIMIT, read_ahead
from replicator.engine.reading import Sink
from replicator.mailstore.mailbox.answers import Need

NOTHING = Need([], {})


class Heard:
    """A sink that notes what it is told; `on_answer` is called with each answer."""

    def __init__(self, on_answer: Callable[[Message | Failure], None] = lambda _: None) -> None:
        self.events: list[object] = []
        self.threads: set[int] = set()
        self._on_answer = on_answer

    def page(self, page: Page, need: Need) -> None:
        self.events.append((page.cursor, len(need.fetch)))

    def answers(self, answers: Sequence[Message | Failure]) -> None:
        self.threads.add(threading.get_ident())
        for answer in answers:
            self._on_answer(answer)
            self.events.append(b"".join(answer.raw) if isinstance(answer, Message) else answer.error.code)


def page(number: int, count: int) -> Page:
    seen = [Seen(ref(number * 100 + n), "", frozenset(), datetime(2020, 1, 1, tzinfo=UTC)) for n in range(count)]
    return Page(tuple(seen), Cursor(str(number)), last=False)


def ref(number: int) -> Ref:
    return Ref("f", str(number))


def message(number: int, *chunks: bytes) -> Message:
    return Message(ref(number), chunks)


def test_everything_arrives_in_order_and_in_the_calling_thread() -> None:
    def read(sink: Sink) -> None:
        sink.page(page(1, 2), Need([ref(100), ref(101)], {}))
        sink.answers((message(100, b"a"),))
        sink.answers((Failure(ref(101), Disconnected("x")),))
        sink.page(page(2, 0), NOTHING)
        sink.answers((Message(ref(7), iter((b"large ", b"body"))),))
        sink.answers((message(8, b"z"),))

    heard = Heard()
    read_ahead(read, heard)
    assert heard.events == [("1", 2), b"a", "Disconnected", ("2", 0), b"large body", b"z"]
    assert heard.threads == {threading.get_ident()}


def test_a_large_body_that_is_left_unread_is_skipped() -> None:
    class Careless(Heard):
        def answers(self, answers: Sequence[Message | Failure]) -> None:
            self.events.extend(answer.ref.id for answer in answers)

    def read(sink: Sink) -> None:
        sink.answers((Message(ref(1), iter([b"x"] * 5)),))
        sink.answers((message(2, b"y"),))

    heard = Careless()
    read_ahead(read, heard)
    assert heard.events == ["1", "2"]


def test_an_error_of_the_reader_comes_after_what_it_had_read() -> None:
    def read(sink: Sink) -> None:
        sink.page(page(1, 0), NOTHING)
        raise Disconnected("cut")

    heard = Heard()
    with pytest.raises(Disconnected, match="cut"):
        read_ahead(read, heard)
    assert heard.events == [("1", 0)]


def test_a_body_cut_in_the_middle_raises_where_it_is_read() -> None:
    def cut() -> Iterator[bytes]:
        yield b"half"
        raise Disconnected("in the middle")

    heard = Heard()
    with pytest.raises(Disconnected, match="in the middle"):
        read_ahead(lambda sink: sink.answers((Message(ref(1), cut()),)), heard)
    assert heard.events == []


def test_an_error_of_the_sink_ends_the_reader() -> None:
    ended = threading.Event()

    def read(sink: Sink) -> None:
        try:
            while True:
                sink.answers((message(1, bytes(1 << 20)),))
        finally:
            ended.set()

    def refuse(_: Message | Failure) -> None:
        raise StorageFull("full")

    with pytest.raises(StorageFull):
        read_ahead(read, Heard(refuse))
    assert ended.is_set()


def test_what_waits_is_bounded_by_bytes() -> None:
    """The reader stands still once so much waits; it goes on when some of it was taken."""
    given = 0
    most = 0

    def read(sink: Sink) -> None:
        nonlocal given
        for number in range(200):
            given += 1
            sink.answers((message(number, bytes(1 << 20)),))

    taken = 0

    def take(_: Message | Failure) -> None:
        nonlocal taken, most
        most = max(most, given - taken)
        taken += 1

    read_ahead(read, Heard(take))
    assert taken == 200
    assert most <= LIMIT // (1 << 20) + 3


def test_pages_weigh_what_they_hold() -> None:
    """A first pass over mail that is held already asks for nothing: its pages alone must not fill the memory."""
    given = taken = most = 0

    def read(sink: Sink) -> None:
        nonlocal given
        for number in range(60):
            given += 1
            sink.page(page(number, 1000), NOTHING)

    class Slow(Heard):
        def page(self, page: Page, need: Need) -> None:
            nonlocal taken, most
            most = max(most, given - taken)
            taken += 1

    read_ahead(read, Slow())
    assert taken == 60
    assert most <= LIMIT // (1000 << 10) + 3
