"""The mailbox as Exchange keeps it: ids, change keys, folders, and the log of what happened."""

from datetime import UTC, datetime
from threading import Thread

import pytest

from connectors.testing.corpus import plain
from fixtures.exchange import AlreadyThere, Clock, Event, Flags, Mailbox, NoSuchFolder, NoSuchItem, Unreadable
from fixtures.exchange.log import HIERARCHY

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def alice() -> Mailbox:
    return Mailbox("alice@corp.example", seed=1, clock=Clock(NOON))


def told(mailbox: Mailbox, folder: str, since: int = 0) -> list[tuple[str, str]]:
    """What happened in a folder, with the default ids of those to whom it did."""
    return [(each.kind, each.state.id) for each in mailbox.changes(mailbox.folder(folder).id, since)]


def last(events: list[Event]) -> int:
    return events[-1].number


def test_a_mailbox_is_the_same_for_the_same_seed() -> None:
    one, two, other = (Mailbox("alice@corp.example", seed=seed, clock=Clock(NOON)) for seed in (1, 1, 2))
    items = [each.deliver("inbox", plain(1)) for each in (one, two, other)]
    assert items[0] == items[1]
    assert one.mime(items[0].id) == two.mime(items[1].id)
    assert items[0].immutable_id != items[2].immutable_id


def test_what_is_delivered_stands_there(alice: Mailbox) -> None:
    item = alice.deliver("Inbox", plain(1), NOON)
    assert [each.id for each in alice.items("inbox")] == [item.id]
    assert (item.received, item.flags, alice.count("inbox"), alice.count("inbox", unread=True)) == (NOON, Flags(), 1, 1)


def test_a_move_changes_the_default_id_and_not_the_other(alice: Mailbox) -> None:
    before = alice.deliver("inbox", plain(1))
    after = alice.move(before.id, "archive")
    assert after.immutable_id == before.immutable_id
    assert after.id != before.id
    assert after.change_key != before.change_key
    assert alice.item(before.immutable_id) == alice.item(after.id) == after
    with pytest.raises(NoSuchItem):
        alice.item(before.id)


def test_a_way_back_gives_a_third_default_id(alice: Mailbox) -> None:
    first = alice.deliver("inbox", plain(1))
    away = alice.move(first.id, "archive")
    back = alice.move(away.id, "inbox")
    assert len({first.id, away.id, back.id}) == 3
    assert told(alice, "inbox") == [("added", first.id), ("removed", first.id), ("added", back.id)]
    assert told(alice, "archive") == [("added", away.id), ("removed", away.id)]


def test_a_copy_is_another_item(alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1), NOON)
    copy = alice.copy(item.id, "archive")
    assert copy.immutable_id != item.immutable_id
    assert copy.content == item.content
    assert alice.item(item.id) == item


def test_every_change_gives_another_change_key(alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    states = [
        item,
        alice.set_flags(item.id, read=True),
        alice.set_flags(item.id, categories=("Red",), follow_up="flagged"),
        alice.edit(item.id, plain(2)),
        alice.touch(item.id),
        alice.spoil(item.id, ""),
    ]
    assert len({each.change_key for each in states}) == len(states)
    assert states[-1].flags == Flags(read=True, follow_up="flagged", categories=("Red",))
    assert states[-1].content.subject == "conformance 0002"


def test_an_edit_tells_what_it_changed(alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    before = last(alice.changes(item.folder_id, 0))
    alice.set_flags(item.id, read=True)
    (event,) = alice.changes(item.folder_id, before)
    assert (event.kind, event.changed) == ("changed", frozenset({"read"}))


def test_what_is_deleted_is_in_recoverable_items_and_then_gone(alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    alice.delete(item.id)
    (kept,) = alice.items("recoverableitemsdeletions")
    assert (kept.immutable_id, kept.id == item.id) == (item.immutable_id, False)
    assert [event.reason for event in alice.changes(item.folder_id, 0)] == ["", "deleted"]
    alice.delete(kept.id)
    with pytest.raises(NoSuchItem):
        alice.item(item.immutable_id)
    assert alice.items() == []


def test_a_spoilt_item_can_be_described_and_not_given(alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    alice.spoil(item.id)
    assert alice.item(item.id).content.subject == "conformance 0001"
    with pytest.raises(Unreadable, match="ErrorCorruptData"):
        alice.mime(item.id)
    alice.spoil(item.id, "")
    assert b"conformance 0001" in alice.mime(item.id)


def test_ids_differ_in_the_case_of_a_letter_alone(alice: Mailbox) -> None:
    """Whoever folds their case takes one item for another."""
    ids = {alice.deliver("inbox", plain(number)).immutable_id for number in range(60)}
    assert len(ids) == 60
    assert len({each.lower() for each in ids}) < 60


def test_folders_keep_their_id(alice: Mailbox) -> None:
    made = alice.make_folder("Projects", "inbox")
    item = alice.deliver("Inbox/Projects", plain(1))
    alice.rename_folder(made.id, "Work")
    alice.move_folder(made.id, "msgfolderroot")
    assert alice.folder("Work").id == made.id
    assert alice.items("Work") == [item]
    with pytest.raises(NoSuchFolder):
        alice.folder("Inbox/Projects")
    kinds = [event.kind for event in alice.changes(HIERARCHY, 0) if event.key == made.id]
    assert kinds == ["added", "changed", "changed"]


def test_parents_come_first(alice: Mailbox) -> None:
    alice.make_folder("b", "inbox")
    alice.make_folder("c", "Inbox/b")
    alice.move_folder("Inbox/b", "sentitems")
    seen: set[str] = set()
    for folder in alice.folders():
        assert folder.parent_id in seen | {"", "store"}
        seen.add(folder.id)


def test_names_beside_each_other_differ(alice: Mailbox) -> None:
    alice.make_folder("Projects")
    with pytest.raises(AlreadyThere):
        alice.make_folder("projects")
    with pytest.raises(AlreadyThere):
        alice.rename_folder("Projects", "INBOX")
    assert alice.rename_folder("Projects", "Projects").name == "Projects"


def test_a_folder_goes_with_all_that_is_in_it(alice: Mailbox) -> None:
    made = alice.make_folder("Projects")
    inner = alice.make_folder("Old", "Projects")
    item = alice.deliver(inner.id, plain(1))
    alice.delete_folder("Projects")
    for gone in (made, inner):
        with pytest.raises(NoSuchFolder):
            alice.folder(gone.id)
    with pytest.raises(NoSuchItem):
        alice.item(item.id)
    removed = [event.key for event in alice.changes(HIERARCHY, 0) if event.kind == "removed"]
    assert removed == [inner.id, made.id]


def test_changes_are_seen_late(alice: Mailbox) -> None:
    alice.lag = 30
    item = alice.deliver("inbox", plain(1))
    assert alice.changes(item.folder_id, 0) == []
    alice.clock.advance(20)
    later = alice.deliver("inbox", plain(2))
    alice.clock.advance(10)
    assert told(alice, "inbox") == [("added", item.id)]
    assert alice.history(item.folder_id, later.immutable_id) == []
    alice.clock.advance(20)
    assert told(alice, "inbox") == [("added", item.id), ("added", later.id)]


def test_an_arrival_that_is_never_told(alice: Mailbox) -> None:
    items = [alice.deliver("inbox", plain(number)) for number in (1, 2)]
    alice.hide_arrivals(1)
    hidden, shown = (alice.move(each.id, "archive") for each in items)
    assert told(alice, "archive") == [("added", shown.id)]
    assert {each.id for each in alice.items("archive")} == {hidden.id, shown.id}
    assert [kind for kind, _ in told(alice, "inbox")] == ["added", "added", "removed", "removed"]


def test_many_hands_at_once(alice: Mailbox) -> None:
    def work(number: int) -> None:
        for each in range(20):
            item = alice.deliver("inbox", plain(100 * number + each))
            alice.move(item.id, "archive")

    hands = [Thread(target=work, args=(number,)) for number in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    numbers = [event.number for place in ("inbox", "archive") for event in alice.changes(alice.folder(place).id, 0)]
    assert len(numbers) == len(set(numbers)) == 4 * 20 * 3
    assert (alice.count("inbox"), alice.count("archive")) == (0, 80)


def test_a_clock_stands_still_and_is_moved() -> None:
    clock = Clock(NOON)
    assert clock.moment() == NOON
    clock.advance(-1.5)
    assert clock.now() == NOON.timestamp() - 1.5
