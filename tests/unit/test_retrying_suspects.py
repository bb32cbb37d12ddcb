"""Which message is blamed for a session's end, and when none is."""

from collections.abc import Callable, Iterable, Iterator
from random import Random

import pytest

from connectors.errors import Disconnected, ItemUnreadable, ProtocolError, ReplicationError, Unreachable
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.model import Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import EACH, Faults, Faulty, Raise
from connectors.throttled import Bucket, Throttled


class Dying(MemorySource):
    """A session that ends when it is asked for one of the `deadly` messages, or for a listing unless it is wary."""

    deadly: frozenset[str] = frozenset()
    deadly_listing = False
    wary = False

    def answer(self, ref: Ref) -> Message | Failure:
        if ref.native in self.deadly:
            self.die()
        return super().answer(ref)

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        if self.deadly_listing and not self.wary:
            self.die()
        return super().changes(folder, since)

    def beware(self, folder: Folder) -> None:
        assert folder.path == INBOX
        self.wary = True

    def die(self) -> None:
        self.close()
        raise Disconnected("BYE it hurts")


class Desk:
    """A mailbox whose sessions die, and how many there were."""

    def __init__(self, count: int, deadly: Iterable[str] = (), **options: int) -> None:
        self.mailbox = MemoryMailbox()
        self.refs = [Ref("f1", f"1:{self.mailbox.append(INBOX, b'%d' % number)}") for number in range(count)]
        self.sessions: list[Dying] = []
        self.slept: list[float] = []
        self.deadly = frozenset(deadly)
        self.options = options

    def session(self) -> Dying:
        self.sessions.append(Dying(self.mailbox, page_changes=100, **self.options))
        self.sessions[-1].deadly = self.deadly
        return self.sessions[-1]

    def open(self, opening: Callable[[], Source] | None = None, attempts: int = 4) -> Retrying:
        return Retrying(opening or self.session, Pauses(first=4, attempts=attempts), self.slept.append, Random(0))


def assert_all_but(deadly: Iterable[str], answers: list[Message | Failure], refs: list[Ref]) -> None:
    """Each ref answered once: the deadly by a Failure that says why, the others by themselves."""
    assert sorted(answer.ref.id for answer in answers) == sorted(ref.id for ref in refs)
    failures = {answer.ref.native: answer.error for answer in answers if isinstance(answer, Failure)}
    assert sorted(failures) == sorted(deadly)
    for native, error in failures.items():
        assert isinstance(error, ItemUnreadable)
        assert f"message {native} in f1" in error.message
        assert "BYE it hurts" in error.message


@pytest.mark.parametrize("deadly", [["1"], ["150"], ["300"], ["7", "8", "9"], ["1", "150", "300"]])
@pytest.mark.parametrize("ahead", [0, 2, 19], ids=["in order", "in threes, turned", "in twenties, turned"])
def test_a_message_that_ends_sessions_is_answered_and_the_others_go_on(deadly: list[str], ahead: int) -> None:
    desk = Desk(300, deadly, ahead=ahead)
    assert_all_but(deadly, list(desk.open().fetch(iter(desk.refs))), desk.refs)
    # One death of a full request and two alone, or a few more to find out which of the request it was.
    assert len(desk.sessions) - 1 <= len(deadly) * (3 if ahead == 0 else 3 + ahead.bit_length())
    assert max(desk.slept) <= 8, "the pauses grew as if nothing had been gained"


def test_all_of_a_folder_may_be_unreadable() -> None:
    desk = Desk(20, map(str, range(1, 21)))
    assert_all_but(desk.deadly, list(desk.open().fetch(desk.refs)), desk.refs)


def test_a_message_asked_for_twice_is_answered_twice() -> None:
    desk = Desk(3, ["2"])
    refs = [desk.refs[1], *desk.refs, desk.refs[1]]
    answers = list(desk.open().fetch(refs))
    assert sorted(answer.ref.id for answer in answers) == sorted(ref.id for ref in refs)


def test_a_message_that_ended_one_session_by_chance_is_given() -> None:
    class Recovering(Dying):
        def answer(self, ref: Ref) -> Message | Failure:
            if ref.native == "2" and len(desk.sessions) < 3:
                self.die()
            return super().answer(ref)

    desk = Desk(5)
    source = desk.open(lambda: desk.sessions.append(Recovering(desk.mailbox)) or desk.sessions[-1])  # type: ignore[func-returns-value]
    assert all(isinstance(answer, Message) for answer in source.fetch(desk.refs))
    assert len(desk.sessions) == 3


@pytest.mark.parametrize("count", [1, 5])
def test_a_network_that_is_down_blames_no_message(count: int) -> None:
    desk = Desk(count, ["1"])
    with Faults(*(Raise("open", Unreachable("down"), call=call) for call in range(3, 5))) as faults:
        answers = desk.open(faults.opening(desk.session)).fetch(desk.refs)
        with pytest.raises(Unreachable):
            next(answers)


@pytest.mark.parametrize("count", [1, 5])
def test_a_server_that_ends_every_session_blames_no_message(count: int) -> None:
    desk = Desk(count, ["1"])
    with Faults(Raise("folders", Disconnected("down"), call=EACH)) as faults:
        answers = desk.open(faults.opening(desk.session)).fetch(desk.refs)
        with pytest.raises(Disconnected):
            list(answers)


def test_a_session_found_dead_blames_no_message() -> None:
    """It may have stood idle for an hour."""
    desk = Desk(1)
    source = desk.open()
    for _ in range(5):
        assert source.count(Folder("f1", INBOX)) == 1
        desk.sessions[-1].close()
        (answer,) = source.fetch(desk.refs)
        assert isinstance(answer, Message)
    assert len(desk.sessions) == 6


def test_refs_are_taken_as_before_once_the_culprit_is_found() -> None:
    desk = Desk(40, ["3"])
    taken: list[Ref] = []

    def refs() -> Iterator[Ref]:
        for ref in desk.refs:
            taken.append(ref)
            yield ref

    answers = desk.open().fetch(refs())
    early = [next(answers) for _ in range(3)]
    assert isinstance(early[2], Failure)
    assert len(taken) == 3
    assert_all_but(["3"], [*early, *answers], desk.refs)


def test_a_message_that_no_one_answers_is_still_the_sources_fault() -> None:
    class Silent(Dying):
        def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
            asked = list(refs)
            if len(desk.sessions) == 1:
                self.die()
            yield from super().fetch(asked[1:])

    desk = Desk(3)
    source = desk.open(lambda: desk.sessions.append(Silent(desk.mailbox)) or desk.sessions[-1])  # type: ignore[func-returns-value]
    with pytest.raises(ProtocolError, match="not answered"):
        list(source.fetch(desk.refs))


@pytest.mark.parametrize("wrapped", ["plain", "throttled", "faulty"])
def test_a_listing_that_ends_sessions_is_asked_for_with_care(wrapped: str) -> None:
    desk = Desk(3)

    def session() -> Source:
        source = desk.session()
        source.deadly_listing = True
        bucket = Bucket(1e9, 1e9, lambda: 0.0, desk.slept.append)
        return {"plain": source, "throttled": Throttled(source, bucket, bucket), "faulty": Faulty(source, Faults())}[
            wrapped
        ]

    pages = list(desk.open(session).changes(Folder("f1", INBOX), None))
    assert [len(page.changes) for page in pages] == [3]
    assert [each.wary for each in desk.sessions] == [False, False, True]


def test_a_source_that_cannot_take_care_is_asked_as_before() -> None:
    class Careless:
        def __init__(self, source: MemorySource) -> None:
            self.changes = source.changes

        def close(self) -> None:
            pass

    desk = Desk(1)
    died = [Disconnected("cut")] * 3

    def session() -> Source:
        if died:
            broken = Careless(desk.session())
            broken.changes = lambda folder, since: (_ for _ in ()).throw(died.pop())  # type: ignore[assignment]
            return broken  # type: ignore[return-value]
        return Careless(desk.session())  # type: ignore[return-value]

    (page,) = desk.open(session).changes(Folder("f1", INBOX), None)
    assert len(page.changes) == 1


def test_a_listing_that_gets_on_is_not_asked_for_with_care() -> None:
    desk = Desk(500)
    lost: ReplicationError = Disconnected("cut")
    with Faults(*(Raise("changes", lost, call=call, after=1) for call in (1, 2, 3))) as faults:
        pages = list(desk.open(faults.opening(desk.session)).changes(Folder("f1", INBOX), None))
    assert sum(len(page.changes) for page in pages) == 500
    assert not any(session.wary for session in desk.sessions)
