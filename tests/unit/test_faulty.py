"""A script of faults happens where it says, and one that did not happen fails the test."""

import pytest

from connectors.body import Body
from connectors.errors import Disconnected, ItemUnreadable, ServerBusy, Unreachable
from connectors.memory import FULL, INBOX, MemoryMailbox, MemorySource
from connectors.model import Failure, Folder, Message, Ref
from connectors.testing.faulty import EACH, Act, Cut, Fault, Faults, Faulty, Raise, Refuse

CUT = Disconnected("cut")


@pytest.fixture
def mailbox() -> MemoryMailbox:
    made = MemoryMailbox()
    for number in range(4):
        made.append(INBOX, b"%d" % number * 10)
    return made


def faulty(mailbox: MemoryMailbox, *script: Fault) -> tuple[Faulty, Folder]:
    source = MemorySource(mailbox, page_changes=2)
    (folder,) = source.folders()
    return Faulty(source, Faults(*script)), folder


def test_without_a_script_nothing_happens(mailbox: MemoryMailbox) -> None:
    source, folder = faulty(mailbox)
    plain = MemorySource(mailbox, page_changes=2)
    assert source.capabilities is FULL
    assert list(source.folders()) == list(plain.folders())
    assert list(source.changes(folder, None)) == list(plain.changes(folder, None))
    assert list(source.fetch(source.inventory(folder))) == list(plain.fetch(plain.inventory(folder)))
    assert source.count(folder) == 4
    source.close()
    source.verify()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_call_raises_after_so_many_elements_or_at_its_end(mailbox: MemoryMailbox, after: int) -> None:
    source, folder = faulty(mailbox, Raise("changes", CUT, after=after))
    pages = source.changes(folder, None)
    assert len([next(pages) for _ in range(after)]) == after
    with pytest.raises(Disconnected):
        next(pages)
    source.verify()
    assert len(list(source.changes(folder, None))) == 2


@pytest.mark.parametrize("method", ["folders", "changes", "fetch", "inventory", "count"])
def test_every_method_can_be_struck_in_any_call(mailbox: MemoryMailbox, method: str) -> None:
    source, folder = faulty(mailbox, Raise(method, CUT, call=2))
    asks = {
        "folders": lambda: list(source.folders()),
        "changes": lambda: list(source.changes(folder, None)),
        "fetch": lambda: list(source.fetch([Ref(folder.id, "1:1")])),
        "inventory": lambda: list(source.inventory(folder)),
        "count": lambda: source.count(folder),
    }
    asks[method]()
    with pytest.raises(Disconnected):
        asks[method]()
    asks[method]()
    source.verify()


def test_each_call_can_be_struck(mailbox: MemoryMailbox) -> None:
    source, folder = faulty(mailbox, Raise("count", CUT, call=EACH))
    for _ in range(3):
        with pytest.raises(Disconnected):
            source.count(folder)
    source.verify()


def test_an_act_changes_the_mailbox_once_and_the_call_goes_on(mailbox: MemoryMailbox) -> None:
    source, folder = faulty(mailbox, Act("changes", lambda: mailbox.expunge(INBOX, "4"), after=1))
    assert [len(page.changes) for page in source.changes(folder, None)] == [2, 1]
    source.verify()


@pytest.mark.parametrize("at", [0, 3, 9])
def test_a_body_is_cut(mailbox: MemoryMailbox, at: int) -> None:
    source, folder = faulty(mailbox, Cut(CUT, at=at, nth=2))
    read = b""
    for answer in source.fetch(source.inventory(folder)):
        assert isinstance(answer, Message)
        if isinstance(answer.raw, Body):
            with pytest.raises(Disconnected):  # noqa: PT012
                for chunk in answer.raw:
                    read += chunk
    assert read == b"1" * at
    source.verify()


def test_a_cut_body_expires_with_its_fetch(mailbox: MemoryMailbox) -> None:
    source, folder = faulty(mailbox, Cut(CUT, at=3))
    answers = source.fetch(source.inventory(folder))
    first = next(answers)
    next(answers)
    assert isinstance(first, Message)
    with pytest.raises(RuntimeError):
        list(first.raw)


def test_a_message_is_refused(mailbox: MemoryMailbox) -> None:
    error = ItemUnreadable("no")
    source, folder = faulty(mailbox, Refuse("1:3", error))
    answers = list(source.fetch(source.inventory(folder)))
    assert answers[2] == Failure(Ref(folder.id, "1:3"), error)
    assert sum(isinstance(answer, Message) for answer in answers) == 3
    source.verify()


@pytest.mark.parametrize(
    "fault",
    [
        Raise("changes", CUT, after=3),
        Raise("changes", CUT, call=2),
        Raise("chnages", CUT),
        Act("folders", list),
        Cut(CUT, at=10),
        Cut(CUT, at=0, nth=5),
        Refuse("1:9", CUT),
    ],
)
def test_what_did_not_happen_fails(mailbox: MemoryMailbox, fault: Fault) -> None:
    source, folder = faulty(mailbox, fault)
    list(source.changes(folder, None))
    for answer in source.fetch(source.inventory(folder)):
        assert isinstance(answer, Message)
        b"".join(answer.raw)
    with pytest.raises(AssertionError, match="did not happen"):
        source.verify()


def test_a_with_block_verifies_unless_it_failed_by_itself() -> None:
    with pytest.raises(AssertionError, match="did not happen"), Faults(Raise("count", CUT)):
        pass
    with pytest.raises(ServerBusy), Faults(Raise("count", CUT)):
        raise ServerBusy("the test's own")


def test_a_script_goes_on_through_reopened_sessions(mailbox: MemoryMailbox) -> None:
    with Faults(Raise("open", Unreachable("down")), Raise("count", CUT, call=2)) as faults:
        reopen = faults.opening(lambda: MemorySource(mailbox))
        with pytest.raises(Unreachable):
            reopen()
        first = reopen()
        (folder,) = first.folders()
        assert first.count(folder) == 4
        with pytest.raises(Disconnected):
            reopen().count(folder)
