"""How much is asked of one mailbox at once and over time. Time is a number that the tests move."""

import pickle
from threading import Thread

import pytest

from connectors.errors import Throttled
from connectors.graph.limiter import AT_ONCE, RECOVERY, REQUEST_WINDOW, REQUESTS, UPLOAD, Limiter, Limiters


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def limiter(time: Time) -> Limiter:
    return Limiter("alice@corp.example", time)


def test_no_more_than_four_at_once(limiter: Limiter) -> None:
    for _ in range(AT_ONCE):
        limiter.take(patience=0)
    with pytest.raises(Throttled, match=r"alice@corp\.example"):
        limiter.take(patience=0)
    limiter.give()
    assert limiter.take(patience=0) == 1


def test_a_batch_goes_out_whole_only_if_nothing_else_is_under_way(limiter: Limiter) -> None:
    assert limiter.take(20) == 20
    with pytest.raises(Throttled):
        limiter.take(patience=0)
    limiter.give(20)
    limiter.take()
    assert limiter.take(20) == AT_ONCE - 1


def test_who_waits_for_a_place_gets_it(limiter: Limiter) -> None:
    limiter.take(20)
    given: list[int] = []
    waiting = Thread(target=lambda: given.append(limiter.take(patience=30)))
    waiting.start()
    limiter.give(20)
    waiting.join(30)
    assert given == [1]


def test_a_pause_is_kept_to_and_fewer_go_out_after_it(limiter: Limiter, time: Time) -> None:
    assert limiter.pause(12) == 12
    with pytest.raises(Throttled) as caught:
        limiter.take()
    assert caught.value.retry_after == 12
    time.now += 12
    assert limiter.take(20, patience=0) == limiter.limit == AT_ONCE // 2


def test_a_pause_of_no_said_length_is_one_all_the_same(limiter: Limiter) -> None:
    assert limiter.pause(None) > 0


def test_the_longer_of_two_pauses_counts(limiter: Limiter, time: Time) -> None:
    limiter.pause(50)
    limiter.pause(1)
    time.now += 2
    with pytest.raises(Throttled) as caught:
        limiter.take()
    assert caught.value.retry_after == 48
    assert limiter.limit == 1


def test_a_pause_wakes_those_who_wait(limiter: Limiter) -> None:
    limiter.take(20)
    said: list[float | None] = []

    def wait() -> None:
        try:
            limiter.take(patience=30)
        except Throttled as error:
            said.append(error.retry_after)

    waiting = Thread(target=wait)
    waiting.start()
    limiter.pause(9)
    waiting.join(30)
    assert said == [9]


def test_good_answers_bring_the_others_back_one_by_one(limiter: Limiter) -> None:
    limiter.pause(0)
    limiter.pause(0)
    limits = []
    for _ in range(RECOVERY * AT_ONCE):
        limiter.praise()
        limits.append(limiter.limit)
    assert sorted(set(limits)) == [1, 2, 3, 4]
    assert limits[RECOVERY - 2] == 1


def test_no_window_holds_more_requests_than_graph_allows(limiter: Limiter, time: Time) -> None:
    """Whoever asks as fast as he may, and waits as long as he is told."""
    sent: list[float] = []
    while time.now < 1000 + 3 * REQUEST_WINDOW:
        try:
            limiter.give(limiter.take(20))
            sent += [time.now] * 20
        except Throttled as error:
            time.now += error.retry_after or 0
    for start in sent[::400]:
        assert sum(start <= moment < start + REQUEST_WINDOW for moment in sent) <= REQUESTS
    assert len(sent) > 2 * REQUESTS


def test_uploads_have_a_budget_of_their_own(limiter: Limiter) -> None:
    limiter.give(limiter.take(1, upload=UPLOAD // 10))
    with pytest.raises(Throttled):
        limiter.take(1, upload=UPLOAD // 2)
    assert limiter.take(1) == 1


def test_one_mailbox_has_one_limiter_whatever_the_case() -> None:
    limiters = Limiters()
    assert limiters.of("Alice@corp.example") is limiters.of("alice@CORP.example")
    assert limiters.of("bob@corp.example") is not limiters.of("alice@corp.example")
    assert isinstance(pickle.loads(pickle.dumps(limiters)), Limiters)
