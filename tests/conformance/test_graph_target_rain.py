"""The Graph target in a rain of refusals, pauses and lost answers, used as its contract says: everything happens once.

What is around the target here is what whoever writes has to do: wait as long as is asked, look for what may have
happened before it is done again, open a new session after a lost one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from random import Random
from typing import TypeVar

import pytest

from connectors.errors import Disconnected, ItemBusy, ItemGone, ServerBusy, Throttled
from connectors.graph import GraphSettings
from connectors.model import (
    Failure,
    Folder,
    Gone,
    Mark,
    Message,
    Quota,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)
from connectors.protocols import Source, Target
from connectors.retrying import Pauses, Retrying
from connectors.testing.promises.appends import AppendPromises
from connectors.testing.promises.edits import EditPromises
from connectors.testing.promises.making import MakingPromises
from connectors.testing.promises.marks import MarkPromises
from fixtures.graph import Answer, Cut, Drop, GraphServer, Lose
from tests.conformance.test_graph_target import WILD, GraphTargetDriver, settings_of

RATE = 0.05
TROUBLES = (
    Answer(503), Answer(503, retry_after=2), Answer(429, retry_after=7), Answer(500), Answer(502), Answer(504),
    Lose(500), Lose(504), Lose(0), Drop(), Cut(at=10),
)  # fmt: skip
"""What is refused was not done, what is lost was, and of the rest nobody knows."""

TIMES = 60
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(2, 30))]
T = TypeVar("T")


class Persisting:
    """A target that goes on until it is done. `wait` is called in place of waiting."""

    def __init__(self, open_target: Callable[[], Target], wait: Callable[[float], None]) -> None:
        self._open, self._wait = open_target, wait
        self._target: Target | None = None
        self.unknown = 0

    @property
    def capabilities(self) -> TargetCapabilities:
        return self._again(lambda target: target.capabilities)

    def mark(self, folder: Folder) -> Mark:
        return self._again(lambda target: target.mark(folder))

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        """Nobody else writes in between, so that whatever came after the mark is the message."""
        mark = self.mark(folder)
        for _ in range(TIMES):
            answer = self._waiting(lambda target: target.append(folder, message, op))
            if not isinstance(answer, Unknown):
                return answer
            self._lose()
            if found := self.find(folder, mark, _any):
                assert len(found) == 1, "it was written twice"
                return found[0]
            assert not answer.written
        raise AssertionError("it never came to be")

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        return self._again(lambda target: target.find(folder, since, matches))

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        return self._again(lambda target: target.keeps(folder, flags))

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """After a lost one, what it would have become is what it is."""
        for lost in range(TIMES):
            try:
                answer = self._waiting(lambda target: target.set_flags(ref, add, remove, if_version))
            except Disconnected:
                self._lose()
                continue
            done = lost and isinstance(answer, Stale) and answer.now.flags >= add and not answer.now.flags & remove
            return answer.now if done and isinstance(answer, Stale) else answer
        raise AssertionError("it never came to be")

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        mark = self.mark(to)
        for _ in range(TIMES):
            answer = self._waiting(lambda target: target.move(ref, to, if_version))
            if not isinstance(answer, Unknown):
                return answer
            self._lose()
            if found := self.find(to, mark, _any):
                assert len(found) == 1, "it was moved twice"
                return found[0]
        raise AssertionError("it never came to be")

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """A change of nothing says first whether it is there: after a lost answer it may be gone by our own hand."""
        self._again(lambda target: target.set_flags(ref, frozenset(), frozenset()))
        for lost in range(TIMES):
            try:
                return self._waiting(lambda target: target.remove(ref, if_version))
            except Disconnected:
                self._lose()
            except ItemGone:
                if lost:
                    return Gone(ref)
                raise
        raise AssertionError("it never came to be")

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:
        return self._again(lambda target: target.ensure_folder(path, role))

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        return self._again(lambda target: target.rename_folder(folder, path))

    def quota(self) -> Quota:
        return self._again(lambda target: target.quota())

    def close(self) -> None:
        if self._target is not None:
            self._target.close()

    def _again(self, act: Callable[[Target], T]) -> T:
        """What may simply be called again."""
        for _ in range(TIMES):
            try:
                return self._waiting(act)
            except Disconnected:
                self._lose()
        raise AssertionError("it never came to be")

    def _waiting(self, act: Callable[[Target], T]) -> T:
        """Errors other than Disconnected mean that nothing was written. A session may be as hard to get."""
        for _ in range(TIMES):
            try:
                return act(self._session())
            except (Throttled, ServerBusy, ItemBusy) as error:
                self._wait((error.retry_after or 10) + 1)
        raise AssertionError("it never came to be")

    def _session(self) -> Target:
        for _ in range(TIMES):
            if self._target is not None:
                return self._target
            try:
                self._target = self._open()
            except Disconnected:
                continue
        raise AssertionError("no session came to be")

    def _lose(self) -> None:
        self.unknown += 1
        if self._target is not None:
            self._target.close()
        self._target = None


class Lasting(Retrying):
    """What could not be had three times in a row, as can happen here, is asked for again."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        for answer in super().fetch(refs):
            if isinstance(answer, Failure) and answer.error.transient:
                yield from self.fetch([answer.ref])
            else:
                yield answer


class RainDriver(GraphTargetDriver):
    """Nobody really waits: the service's clock is moved on."""

    def open(self) -> Source:
        return Lasting(super().open, Pauses(attempts=40, lone=6), self.server.clock.advance, Random(7))

    def open_target(self) -> Target:
        return Persisting(super().open_target, self.server.clock.advance)


def _any(_: Message) -> bool:
    return True


Service = tuple[GraphServer, GraphSettings]


@pytest.fixture(scope="module")
def services() -> Iterator[Callable[[int, str], Service]]:
    """One of a seed for all tests; each has a user of its own."""
    with ExitStack() as stack:

        @cache
        def start(seed: int, writing: str) -> Service:
            server = stack.enter_context(GraphServer(seed=seed, quirks=WILD))
            server.faults.rain(RATE, *TROUBLES)
            return server, settings_of(server, writing)

        yield start


class RainSuite(AppendPromises, MarkPromises, EditPromises, MakingPromises):
    """But for bytes that are others each time they are read: of these a lost try leaves none for the next."""

    large = 5 << 20
    writing: str
    test_bytes_that_change_while_they_are_read_are_not_written = None
    test_trouble_in_reading_the_message_passes_through_and_leaves_nothing = None
    test_bytes_that_can_be_read_once_only_are_no_message = None

    @pytest.fixture(params=SEEDS)
    def driver(self, services: Callable[[int, str], Service], request: pytest.FixtureRequest) -> Iterator[RainDriver]:
        server, settings = services(request.param, self.writing)
        with closing(RainDriver(server, settings)) as driver:
            yield driver
        assert server.log.most_at_once(driver.address) <= 4
        assert server.log.leaks() == []
        assert [each for each in server.log.early() if each.mailbox == driver.address] == []


class TestImportingInTheRain(RainSuite):
    writing = "import"


class TestComposingInTheRain(RainSuite):
    writing = "compose"
