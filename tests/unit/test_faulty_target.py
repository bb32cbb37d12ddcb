"""A lost write of a Target happens as the script says: never, at once, or when the server comes to it."""

import pytest

from connectors.errors import Disconnected, ServerBusy
from connectors.memory import MemoryMailbox, MemorySource, MemoryTarget
from connectors.model import Folder, Message, Ref, Unknown
from connectors.testing.faulty import Act, Fault, Faults, Lose, Raise
from connectors.testing.faulty_target import FaultyTarget

LETTER = Message(Ref("", ""), (b"Subject: a\r\n\r\n",))


def faulty(*script: Fault) -> tuple[MemoryMailbox, FaultyTarget, Folder, Faults]:
    mailbox, faults = MemoryMailbox(), Faults(*script)
    (folder,) = MemorySource(mailbox).folders()
    return mailbox, FaultyTarget(MemoryTarget(mailbox), faults), folder, faults


def test_without_a_script_nothing_happens() -> None:
    mailbox, target, folder, faults = faulty()
    plain = MemoryTarget(mailbox)
    ref = target.append(folder, LETTER, "op")
    assert isinstance(ref, Ref)
    assert target.capabilities == plain.capabilities
    assert target.mark(folder) == plain.mark(folder)
    assert target.quota() == plain.quota()
    assert target.keeps(folder, frozenset({"\\Seen"})) == {"\\Seen"}
    other = target.ensure_folder(("a",))
    assert target.rename_folder(other, ("b",)).path == ("b",)
    moved = target.move(ref, other)
    assert isinstance(moved, Ref)
    target.set_flags(moved, frozenset({"\\Seen"}), frozenset())
    assert target.find(other, plain.mark(other), lambda _: True) == []
    target.remove(moved)
    target.close()
    faults.verify()


@pytest.mark.parametrize(("happened", "at_once", "later"), [("never", 0, 0), ("at once", 1, 1), ("later", 0, 1)])
def test_a_lost_append_happens_as_scripted(happened: str, at_once: int, later: int) -> None:
    mailbox, target, folder, faults = faulty(Lose("append", happened, call=2))  # type: ignore[arg-type]
    assert isinstance(target.append(folder, LETTER, "one"), Ref)
    answer = target.append(folder, LETTER, "two")
    assert isinstance(answer, Unknown)
    assert not answer.written
    assert len(mailbox.listing(("INBOX",))) == 1 + at_once
    for write in target.late:
        write()
    assert len(mailbox.listing(("INBOX",))) == 1 + later
    faults.verify()


def test_once_it_has_died_nothing_more_can_be_done() -> None:
    mailbox, target, folder, _ = faulty(Lose("set_flags", "at once"))
    ref = target.append(folder, LETTER, "op")
    assert isinstance(ref, Ref)
    with pytest.raises(Disconnected):
        target.set_flags(ref, frozenset({"\\Seen"}), frozenset())
    assert [each.flags for each in mailbox.listing(("INBOX",)).values()] == [{"\\Seen"}]
    assert isinstance(target.append(folder, LETTER, "op"), Unknown)
    with pytest.raises(Disconnected):
        target.mark(folder)
    assert len(mailbox.listing(("INBOX",))) == 1


def test_an_error_is_raised_before_the_write_and_an_act_comes_before_it() -> None:
    busy, acts = ServerBusy("busy"), []
    mailbox, target, folder, faults = faulty(Raise("append", busy), Act("append", lambda: acts.append(1), call=2))
    with pytest.raises(ServerBusy):
        target.append(folder, LETTER, "op")
    assert mailbox.listing(("INBOX",)) == {}
    assert isinstance(target.append(folder, LETTER, "op"), Ref)
    assert acts == [1]
    faults.verify()


def test_a_loss_that_never_came_fails_the_test() -> None:
    _, target, folder, faults = faulty(Lose("append", "never", call=2))
    target.append(folder, LETTER, "op")
    with pytest.raises(AssertionError, match="did not happen"):
        faults.verify()
