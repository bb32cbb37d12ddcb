"""What is asked again, after which pause, and when it is given up."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from random import Random

import pytest

from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderGone,
    ItemBusy,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    ReplicationError,
    Scope,
    ServerBusy,
    Throttled,
    Unreachable,
)
from connectors.memory import FULL, INBOX, MemoryMailbox, MemorySource
from connectors.model import Failure, Folder, Message, Ref
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import EACH, Act, Cut, Fault, Faults, Raise, Refuse

LARGE = bytes(range(256)) * 4096


class HalfChance(Random):
    """Chance that is none: every pause is three quarters of the whole."""

    def random(self) -> float:
        return 0.5


class Desk:
    """A `Retrying` over a faulty mailbox, with what it did."""

    def __init__(self, *script: Fault, capabilities=FULL, pauses: Pauses | None = None) -> None:
        self.mailbox = MemoryMailbox()
        self.faults = Faults(*script)
        self.slept: list[float] = []
        self.told: list[str] = []
        self.opened = 0
        self._capabilities = capabilities
        self._pauses = pauses or Pauses(first=4, factor=2, longest=20, attempts=4)

    def open(self) -> Retrying:
        opening = self.faults.opening(self._session)
        tell = lambda error, pause: self.told.append(error.code)  # noqa: E731
        return Retrying(opening, self._pauses, self.slept.append, HalfChance(), tell)

    def _session(self) -> Source:
        self.opened += 1
        return MemorySource(self.mailbox, self._capabilities, page_changes=2, stream_over=1000)


def inbox(source: Source) -> Folder:
    return next(folder for folder in source.folders() if folder.path == INBOX)


def ids(answers: Iterable[Message | Failure]) -> list[str]:
    return [answer.ref.native for answer in answers]


def cut(text: str = "cut") -> Disconnected:
    return Disconnected(text)


def test_changes_resume_at_the_last_page() -> None:
    desk = Desk(Raise("changes", cut(), call=1, after=1), Raise("changes", cut(), call=2, after=1))
    for _ in range(6):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    with desk.faults:
        pages = list(source.changes(inbox(source), None))
    assert [[change.ref.native for change in page.changes] for page in pages] == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert [page.last for page in pages] == [False, False, True]
    assert desk.opened == 3


def test_fetch_asks_again_only_for_what_was_not_answered() -> None:
    desk = Desk(Raise("fetch", cut(), call=1, after=2), Raise("fetch", cut(), call=2, after=1))
    for _ in range(5):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    refs = list(source.inventory(inbox(source)))
    with desk.faults:
        assert ids(source.fetch(refs)) == ["1", "2", "3", "4", "5"]


def test_pauses_grow_up_to_a_limit_and_the_last_error_is_raised() -> None:
    desk = Desk(*(Raise("count", cut(str(call)), call=call) for call in range(1, 7)), pauses=Pauses(4, 2, 20, 6))
    source = desk.open()
    folder = inbox(source)
    with desk.faults, pytest.raises(Disconnected, match="6"):
        source.count(folder)
    assert desk.slept == [3, 6, 12, 15, 15]  # three quarters of 4, 8, 16, 20, 20
    assert desk.told == ["Disconnected"] * 5


def test_a_gain_renews_the_patience() -> None:
    desk = Desk(Raise("changes", cut(), call=EACH, after=1))
    for _ in range(40):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    pages = source.changes(inbox(source), None)
    assert sum(len(next(pages).changes) for _ in range(20)) == 40
    assert desk.slept == [3] * 19


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 2.0), (0.5, 3.0)])
def test_chance_takes_off_at_most_half(chance: float, pause: float) -> None:
    assert Pauses(first=4).seconds(1, chance) == pause


def test_the_server_may_ask_for_a_longer_pause() -> None:
    desk = Desk(
        Raise("count", Throttled("slower", retry_after=77)),
        Raise("count", Throttled("", retry_after=1), call=2),
        pauses=Pauses(4, 2, 80, 4),
    )
    source = desk.open()
    assert source.count(inbox(source)) == 0
    assert desk.slept == [77, 6]
    assert source.throttled_seconds == 83
    assert desk.opened == 1, "a server that asked for a pause was bothered with another login"


def test_a_pause_longer_than_the_longest_is_not_waited_for() -> None:
    """Five minutes, as Exchange asks for, would keep the other mailboxes waiting."""
    desk = Desk(Raise("count", Throttled("slower", retry_after=299.961)))
    source = desk.open()
    with pytest.raises(Throttled) as caught:
        source.count(inbox(source))
    assert caught.value.retry_after == 299.961
    assert desk.slept == []
    assert source.throttled_seconds == 0


def test_a_session_that_is_busy_twice_is_replaced() -> None:
    """Exchange has sessions that were logged in and are connected to no mailbox, for ever."""
    busy = Raise("count", ServerBusy("User is authenticated but not connected"), call=EACH, after=0)
    desk = Desk(busy, pauses=Pauses(4, 2, 20, 5))
    source = desk.open()
    folder = inbox(source)
    with pytest.raises(ServerBusy):
        source.count(folder)
    assert desk.opened == 3
    assert source.throttled_seconds == sum(desk.slept)


def test_other_waits_are_not_counted_as_throttled() -> None:
    desk = Desk(Raise("count", cut()), Raise("count", ServerBusy("later"), call=2))
    source = desk.open()
    source.count(inbox(source))
    assert len(desk.slept) == 2
    assert source.throttled_seconds == desk.slept[1]


@pytest.mark.parametrize("error", [LoginRefused("no"), CursorExpired("old"), FolderGone("gone"), ProtocolError("what")])
def test_permanent_errors_pass_at_once(error: ReplicationError) -> None:
    desk = Desk(Raise("changes", error))
    source = desk.open()
    folder = inbox(source)
    with desk.faults, pytest.raises(type(error)) as caught:
        next(source.changes(folder, None))
    assert caught.value is error
    assert desk.slept == []
    assert source.count(folder) == 0
    assert desk.opened == (1 if error.scope < Scope.MAILBOX else 2), "one folder's trouble cost a login"


def test_opening_is_retried_too() -> None:
    desk = Desk(Raise("open", Unreachable("down")), Raise("open", Unreachable("down"), call=2))
    with desk.faults:
        assert inbox(desk.open()).path == INBOX
    assert desk.slept == [3, 6]


def test_folders_are_listed_whole_or_not_at_all() -> None:
    desk = Desk(Raise("folders", cut(), after=1))
    desk.mailbox.create_folder(("a",))
    with desk.faults:
        assert [folder.path for folder in desk.open().folders()] == [INBOX, ("a",)]


def test_an_inventory_is_a_gain_only_beyond_where_it_was() -> None:
    desk = Desk(Raise("inventory", cut(), call=EACH, after=2))
    for _ in range(3):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    folder = inbox(source)
    with desk.faults, pytest.raises(Disconnected):
        list(source.inventory(folder))
    assert len(desk.slept) == 3


def test_an_older_session_is_left_without_a_pause() -> None:
    desk = Desk(Raise("count", cut()))
    for _ in range(6):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    folder = inbox(source)
    pages = source.changes(folder, None)
    answers = source.fetch(iter([Ref(folder.id, "1:1"), Ref(folder.id, "1:2")]))
    seen = [next(pages), next(answers)]
    assert source.count(folder) == 6  # reopens
    assert len([*seen, *pages, *answers]) == 3 + 2
    assert (desk.opened, desk.slept) == (2, [3])


def test_refs_may_come_from_a_pass_that_reopens_the_session() -> None:
    desk = Desk(Raise("changes", cut(), after=1), Raise("changes", cut(), call=2, after=1))
    for _ in range(6):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    pages = source.changes(inbox(source), None)
    with desk.faults:
        assert ids(source.fetch(change.ref for page in pages for change in page.changes)) == list("123456")
    assert desk.slept == [3, 3]


class Undead(MemorySource):
    """A session that goes on answering after it was closed, with what may be old by then; `late` counts such steps."""

    late = 0

    def _check_open(self) -> None:
        self.late += self._closed


def undead_desk() -> tuple[Desk, Retrying, list[Undead], list[Ref]]:
    desk, sessions = Desk(Raise("count", cut())), []
    desk._session = lambda: sessions.append(Undead(desk.mailbox, page_changes=2)) or sessions[-1]
    for _ in range(4):
        desk.mailbox.append(INBOX, b"")
    source = desk.open()
    return desk, source, sessions, list(source.inventory(inbox(source)))


def test_a_lost_session_is_not_asked_for_another_step() -> None:
    _, source, sessions, refs = undead_desk()
    answers = source.fetch(refs)
    pages = source.changes(inbox(source), None)
    assert [next(answers).ref, len(next(pages).changes)] == [refs[0], 2]
    source.count(inbox(source))
    assert [answer.ref for answer in answers] == refs[1:]
    assert [len(page.changes) for page in pages] == [2]
    assert [session.late for session in sessions] == [0, 0]


def test_what_a_session_says_while_it_is_lost_is_asked_for_again() -> None:
    desk, source, sessions, refs = undead_desk()

    def asked() -> Iterator[Ref]:
        yield refs[0]
        source.count(folder)  # the session is lost here
        desk.mailbox.set_flags(INBOX, "2", {"\\Seen"})
        yield refs[1]

    folder = inbox(source)
    sessions[0].answer = lambda ref: Message(ref, (b"old",))
    assert [(answer.ref, answer.raw) for answer in source.fetch(asked())] == [(refs[0], (b"old",)), (refs[1], (b"",))]


def test_a_pass_that_has_ended_is_not_taken_up_in_a_new_session() -> None:
    _, source, _, _ = undead_desk()
    folder = inbox(source)
    pages = source.changes(folder, None)
    assert [next(pages).last, next(pages).last] == [False, True]
    source.count(folder)
    assert list(pages) == []


def test_an_error_of_the_refs_is_not_the_sources() -> None:
    def refs() -> Iterator[Ref]:
        yield Ref("f1", "1:1")
        raise error

    desk = Desk()
    desk.mailbox.append(INBOX, b"")
    error = cut("the caller's")
    answers = desk.open().fetch(refs())
    assert next(answers).ref.native == "1"
    with pytest.raises(Disconnected) as caught:
        next(answers)
    assert caught.value is error
    assert desk.slept == []


def test_a_source_that_leaves_a_ref_unanswered_is_reported() -> None:
    class Silent(MemorySource):
        def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
            yield from list(super().fetch(refs))[1:]

    mailbox = MemoryMailbox()
    mailbox.append(INBOX, b"")
    source = Retrying(lambda: Silent(mailbox), Pauses(), lambda _: None, Random(0))
    with pytest.raises(ProtocolError, match="not answered"):
        list(source.fetch([Ref("f1", "1:1")]))


def test_a_failure_is_an_answer() -> None:
    desk = Desk(Refuse("1:1", ItemBusy("locked")))
    desk.mailbox.append(INBOX, b"")
    with desk.faults:
        (answer,) = desk.open().fetch([Ref("f1", "1:1")])
    assert isinstance(answer, Failure)
    assert desk.slept == []


def large_desk(*script: Fault, **options: object) -> tuple[Desk, Retrying, list[Ref]]:
    desk = Desk(*script, **options)
    for body in (LARGE, b"small", LARGE[::-1]):
        desk.mailbox.append(INBOX, body)
    source = desk.open()
    return desk, source, list(source.inventory(inbox(source)))


@pytest.mark.parametrize("at", [0, 1, 65535, 65536, 65537, len(LARGE) - 1])
def test_a_body_goes_on_where_it_was_cut(at: int) -> None:
    desk, source, refs = large_desk(Cut(cut(), at), Cut(cut(), at // 2, call=2))
    with desk.faults:
        assert [b"".join(answer.raw) for answer in source.fetch(refs)] == [LARGE, b"small", LARGE[::-1]]
    assert desk.slept == [3, 6]


def test_a_session_that_stands_in_the_middle_of_a_body_is_left() -> None:
    desk, source, refs = large_desk(Cut(Throttled("slower"), at=70_000))
    with desk.faults:
        assert [b"".join(answer.raw) for answer in source.fetch(refs)] == [LARGE, b"small", LARGE[::-1]]
    assert desk.opened == 2


def test_a_body_read_again_is_fetched_to_its_end_before_the_others_go_on() -> None:
    class Ending(MemorySource):
        def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
            asked = list(refs)
            yield from super().fetch(asked)
            ended.append([ref.native for ref in asked])

    ended: list[list[str]] = []
    mailbox = MemoryMailbox()
    refs = [Ref("f1", f"1:{mailbox.append(INBOX, LARGE)}") for _ in range(2)]
    opening = Faults(Cut(cut(), at=1)).opening(lambda: Ending(mailbox, stream_over=1000))
    answers = Retrying(opening, Pauses(), lambda _: None, Random(0)).fetch(refs)
    chunks = iter(next(answers).raw)
    assert [len(next(chunks)) for _ in range(2)] == [1, 65535]
    assert ended == []
    assert next(answers).ref == refs[1]
    assert ended == [["1"]]


def test_a_body_that_never_gets_further_is_given_up_and_the_others_go_on() -> None:
    desk, source, refs = large_desk(Cut(cut(), at=70_000, call=EACH))
    answers = source.fetch(refs)
    chunks = iter(next(answers).raw)
    with desk.faults, pytest.raises(ItemUnreadable, match=r"message 1 in f1: .* 70000 bytes .*: cut"):
        list(chunks)
    assert len(desk.slept) == 3
    assert ids(answers) == ["2", "3"]


def test_a_body_that_cannot_be_had_because_nothing_can_is_the_mailboxs_trouble() -> None:
    down = [Raise("open", Unreachable("down"), call=call) for call in (2, 3, 4)]
    _, source, refs = large_desk(Cut(cut(), at=70_000), *down)
    chunks = iter(next(source.fetch(refs)).raw)
    with pytest.raises(Unreachable):
        list(chunks)


def test_a_body_whose_cuts_come_ever_earlier_is_the_mailboxs_trouble() -> None:
    cuts = [Cut(cut(), at=at, call=call) for call, at in enumerate((70_000, 60_000, 50_000, 40_000), start=1)]
    desk, source, refs = large_desk(*cuts)
    chunks = iter(next(source.fetch(refs)).raw)
    with desk.faults, pytest.raises(Disconnected):
        list(chunks)


def test_what_a_reader_leaves_of_a_resumed_body_is_skipped() -> None:
    desk, source, refs = large_desk(Cut(cut(), at=70_000))
    answers = source.fetch(refs)
    chunks = iter(next(answers).raw)
    with desk.faults:
        assert sum(len(next(chunks)) for _ in range(3)) > 70_000
    assert ids(answers) == ["2", "3"]
    with pytest.raises(RuntimeError, match="gone on"):
        next(chunks)


@pytest.mark.parametrize(("exact", "error"), [(True, ItemUnreadable), (False, ItemBusy)])
@pytest.mark.parametrize("other", [b"other" + LARGE[5:], LARGE[:60_000], b""])
def test_a_body_that_comes_back_with_other_bytes(exact: bool, error: type[ReplicationError], other: bytes) -> None:
    def change() -> None:
        kept = desk.mailbox.kept[INBOX].messages
        kept[1] = replace(kept[1], raw=other)

    capabilities = replace(FULL, exact_bytes=exact)
    script = (Cut(cut(), at=70_000), Act("fetch", change, call=2))
    desk, source, refs = large_desk(*script, capabilities=capabilities, pauses=Pauses(attempts=2))
    answers = source.fetch(refs)
    chunks = iter(next(answers).raw)
    with pytest.raises(error):
        list(chunks)
    assert ids(answers) == ["2", "3"]
    desk.faults.verify()


def test_a_body_whose_message_left_meanwhile() -> None:
    desk, source, refs = large_desk()
    desk.faults = Faults(Cut(cut(), at=70_000), Act("fetch", lambda: desk.mailbox.expunge(INBOX, "1"), call=2))
    source = desk.open()
    answers = source.fetch(refs)
    with pytest.raises(ItemGone):
        list(next(answers).raw)
    assert ids(answers) == ["2", "3"]


def test_a_body_is_not_read_on_once_its_source_is_closed() -> None:
    desk, source, refs = large_desk()
    answers = source.fetch(refs)
    chunks = iter(next(answers).raw)
    next(chunks)
    source.close()
    with pytest.raises(Disconnected, match="closed"):
        list(chunks)
    assert (desk.opened, desk.slept) == (1, [])


def test_a_body_that_is_not_answered_again_is_the_servers_fault() -> None:
    class Forgetful(MemorySource):
        asked = 0

        def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
            Forgetful.asked += 1
            return super().fetch(refs) if Forgetful.asked == 1 else iter(())

    mailbox = MemoryMailbox()
    mailbox.append(INBOX, LARGE)
    opening = Faults(Cut(cut(), at=1)).opening(lambda: Forgetful(mailbox, stream_over=1000))
    source = Retrying(opening, Pauses(), lambda _: None, Random(0))
    with pytest.raises(ProtocolError, match="not answered"):
        list(next(source.fetch([Ref("f1", "1:1")])).raw)


def test_once_closed_nothing_is_opened_again() -> None:
    desk = Desk()
    source = desk.open()
    folder = inbox(source)
    pages = source.changes(folder, None)
    source.close()
    source.close()
    asks: list[Callable[[], object]] = [lambda: next(pages), lambda: source.count(folder)]
    for ask in asks:
        with pytest.raises(Disconnected, match="closed"):
            ask()
    assert (desk.opened, desk.slept) == (1, [])
