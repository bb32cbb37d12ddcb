"""A `Retrying` over sessions that die all the time keeps every promise, as if they did not."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from connectors.errors import Disconnected, ReplicationError, ServerBusy
from connectors.memory import MemoryMailbox, MemorySource
from connectors.model import Failure, Message
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import Cut, Faults
from connectors.testing.suite import SourceSuite


class Chaos(Faults):
    """At any step, any call may fail; a body may be cut anywhere."""

    def __init__(self, rng: Random, share: float) -> None:
        super().__init__()
        self._rng = rng
        self._share = share
        self.struck = 0

    def strike(self, method: str, call: int, given: int = 0) -> None:
        self._roll(Disconnected("cut"))
        self._roll(ServerBusy("later"))

    def bend(self, answer: Message | Failure, call: int, nth: int) -> Message | Failure:
        size = 1 << self._rng.randrange(25)
        if isinstance(answer, Failure) or isinstance(answer.raw, tuple) or self._rng.random() > 5 * self._share:
            return answer
        cut = Cut(Disconnected("cut"), at=self._rng.randrange(size))
        return replace(Faults(cut).bend(answer, 1, 1), ref=answer.ref)

    def _roll(self, error: ReplicationError) -> None:
        if self._rng.random() < self._share:
            self.struck += 1
            raise error


class ChaoticMailbox(MemoryMailbox):
    """A mailbox whose sessions die."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self._rng = Random(seed)
        self._share = share

    def open(self) -> Source:
        make: Callable[[], Source] = Chaos(self._rng, self._share).opening(lambda: MemorySource(self, page_changes=2))
        return Retrying(make, Pauses(attempts=60), lambda seconds: None, self._rng)


class TestRetrying(SourceSuite):
    @pytest.fixture(params=[0, 1, *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(2, 30))])
    def driver(self, request: pytest.FixtureRequest) -> ChaoticMailbox:
        return ChaoticMailbox(request.param, 0.04)


class TestRetryingInPeace(SourceSuite):
    @pytest.fixture
    def driver(self) -> ChaoticMailbox:
        return ChaoticMailbox(0, 0.0)
