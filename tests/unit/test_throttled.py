"""Buckets: what flows at once, what has to wait, and that nothing else is changed."""

import pytest

from connectors.errors import ItemGone
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.model import Failure, Message, Ref
from connectors.testing.suite import SourceSuite
from connectors.throttled import Bucket, Throttled


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def bucket(self, rate: float, burst: float) -> Bucket:
        return Bucket(rate, burst, self.clock, self.sleep)


def source(time: Time, *, messages: float = 1e9, size: float = 1e12) -> tuple[MemoryMailbox, Throttled]:
    mailbox = MemoryMailbox()
    inner = MemorySource(mailbox, stream_over=100_000, page_changes=2)
    return mailbox, Throttled(inner, time.bucket(messages, messages), time.bucket(size, size))


class ThrottledMailbox(MemoryMailbox):
    def open(self) -> Throttled:
        time = Time()
        return Throttled(MemorySource(self, page_changes=2), time.bucket(2, 1), time.bucket(1000, 10))


class TestThrottled(SourceSuite):
    @pytest.fixture
    def driver(self) -> ThrottledMailbox:
        return ThrottledMailbox()


def test_a_burst_is_free_then_the_rate_counts() -> None:
    time = Time()
    bucket = time.bucket(rate=2, burst=3)
    moments = []
    for _ in range(6):
        bucket.take(1)
        moments.append(time.now)
    assert moments == [0, 0, 0, 0.5, 1.0, 1.5]


def test_idle_time_fills_the_bucket_and_no_further() -> None:
    time = Time()
    bucket = time.bucket(rate=2, burst=3)
    bucket.take(3)
    time.now = 1000
    bucket.take(3)
    assert time.now == 1000
    bucket.take(1)
    assert time.now == 1000.5


def test_more_than_the_bucket_holds_passes_and_is_paid_for() -> None:
    time = Time()
    bucket = time.bucket(rate=10, burst=1)
    bucket.take(101)
    assert time.now == 10


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_bucket_without_a_flow_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        Time().bucket(rate, burst)


def test_messages_a_second_and_failures_count() -> None:
    time = Time()
    mailbox, throttled = source(time, messages=2)
    for _ in range(5):
        mailbox.append(INBOX, b"x")
    refs = [*throttled.inventory(next(throttled.folders())), Ref("f1", "1:99")]
    answers = list(throttled.fetch(refs))
    assert time.now == 2.0
    assert isinstance(answers[-1], Failure)
    assert isinstance(answers[-1].error, ItemGone)


def test_bytes_a_second_small_and_streamed() -> None:
    time = Time()
    mailbox, throttled = source(time, size=100_000)
    mailbox.append(INBOX, b"s" * 50_000)
    mailbox.append(INBOX, b"l" * 350_000)
    small, large = None, 0
    for answer in throttled.fetch(throttled.inventory(next(throttled.folders()))):
        assert isinstance(answer, Message)
        if isinstance(answer.raw, tuple):
            small = answer.raw
            assert time.now == 0
        else:
            large = sum(len(chunk) for chunk in answer.raw)
    assert (small, large) == ((b"s" * 50_000,), 350_000)
    assert time.now == pytest.approx(3.0)


def test_a_paced_body_expires_with_its_fetch() -> None:
    mailbox, throttled = source(Time())
    for _ in range(2):
        mailbox.append(INBOX, b"l" * 350_000)
    answers = throttled.fetch(throttled.inventory(next(throttled.folders())))
    first = next(answers)
    next(answers)
    assert isinstance(first, Message)
    with pytest.raises(RuntimeError, match="gone on"):
        list(first.raw)
