"""Messages that must not be taken for others: ids given out twice, identities that lie, doubts that travel."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from connectors.errors import Throttled
from connectors.memory import FULL, INBOX
from connectors.memory.mailbox import Kept
from connectors.model import Capabilities, Failure, Message, Ref
from connectors.protocols import Source
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress
from tests.shelf import NAME
from tests.unit.test_engine_renumbering import DATE, NAMED_BY_PATH, NAMING, Counting, Desk

LABEL = ("Label",)
LATER = DATE + timedelta(days=1)
ROUGH = replace(NAMING, exact_sizes=False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def identified(desk: Desk, identity: Callable[[Kept], str]) -> None:
    """The server's identities are these."""
    for folder in desk.server.kept.values():
        folder.messages = {uid: replace(kept, identity=identity(kept)) for uid, kept in folder.messages.items()}


def assert_true(desk: Desk) -> None:
    """Each folder holds what the server holds, but for rows that are marked."""
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        for path, folder in desk.server.kept.items():
            held = {each.ref.id: b"".join(store.read(each)) for each in store.listing(path[0]) if not each.unverified}
            truth = {ref: kept.raw for ref, kept in desk.server.listing(path).items()}
            assert held == {ref: raw for ref, raw in truth.items() if ref in held}
            assert len(list(store.listing(path[0]))) == len(folder.messages)


def letter(word: str) -> bytes:
    return f"Subject: {word}\r\n\r\n{word}\r\n".encode()


@pytest.mark.parametrize("capabilities", [NAMING, ROUGH])
def test_a_server_that_gives_one_identity_to_all_loses_nothing(desk: Desk, capabilities: Capabilities) -> None:
    for path in (LABEL, ("More",)):
        desk.server.create_folder(path)
    for path, word in ((INBOX, "one"), (INBOX, "two"), (LABEL, "six"), (("More",), "ten")):
        desk.server.append(path, letter(word), (), DATE)
    identified(desk, lambda _: "M0")
    desk.sync(capabilities, padding=capabilities is ROUGH)
    assert desk.unverified() == []
    assert_true(desk)


def test_identities_that_are_numbers_within_a_folder_lose_nothing(desk: Desk) -> None:
    """Sizes are of no help on this server."""
    desk.server.create_folder(LABEL)
    desk.post(12)
    for number in range(12):
        desk.server.append(LABEL, letter(f"label {number}"), (), LATER + timedelta(minutes=number))
    identified(desk, lambda kept: f"M{kept.uid}")
    desk.sync(ROUGH, padding=1)
    assert desk.unverified() == []
    assert_true(desk)


def forged(desk: Desk, *, path: tuple[str, ...] = INBOX, uid: int = 3) -> None:
    """A new server gave the identity of a message of the old one to another, alike in date and size."""
    kept = desk.server.kept[path]
    kept.messages[uid] = replace(kept.messages[uid], raw=kept.messages[uid].raw.replace(b"body", b"BODY"))


def settled(desk: Desk, budget: float, capabilities: Capabilities = NAMING) -> MailboxReport:
    with desk.shelf.open() as mailstore:
        progress = Progress(MailboxReport(NAME))
        side = replace(desk.shelf.side("primary"), open_source=desk.open(capabilities))
        desk.shelf.step(mailstore, MailboxJob(NAME, (side,), reread=budget), progress)
        return progress.report


def test_a_doubt_goes_along_when_its_message_is_moved(desk: Desk) -> None:
    desk.server.create_folder(LABEL)
    desk.post(12)
    desk.sync(NAMING)
    forged(desk)
    desk.server.renumber(INBOX)
    desk.sync(NAMING)
    desk.server.move(INBOX, "3", LABEL)
    settled(desk, budget=0)
    assert len(desk.unverified()) == 12
    desk.sync(NAMING)
    assert desk.unverified() == []
    assert_true(desk)


def test_a_doubt_goes_along_though_no_other_is_left(desk: Desk) -> None:
    desk.server.create_folder(LABEL)
    desk.post(12)
    desk.sync(NAMING)
    forged(desk)
    desk.server.renumber(INBOX)
    desk.sync(NAMING)
    for uid in range(1, 13):
        if uid != 3:
            desk.server.expunge(INBOX, str(uid))
    desk.server.move(INBOX, "3", LABEL)
    settled(desk, budget=0)
    assert len(desk.unverified()) == 1
    desk.sync(NAMING)
    assert_true(desk)


@pytest.mark.parametrize("capabilities", [FULL, NAMING])
def test_each_body_is_read_again_some_day_though_every_run_finds_other_numbers(
    desk: Desk, capabilities: Capabilities
) -> None:
    """The oldest doubts come first: those that began anew wait behind those that were carried over."""
    desk.post(12)
    desk.sync(capabilities)
    forged(desk, uid=12)
    for _ in range(10):
        desk.server.renumber(INBOX)
        settled(desk, budget=100, capabilities=capabilities)
    assert desk.bodies() == desk.truth()


def test_a_folder_that_only_the_new_server_has_is_in_doubt_too(desk: Desk) -> None:
    """It stands before INBOX in every list, and its identities are those of other messages on the old server."""
    desk.post(12)
    desk.sync(NAMING)
    before = dict(desk.server.kept[INBOX].messages)
    desk.server.renumber(INBOX)
    path = ("A new one",)
    desk.server.create_folder(path)
    desk.server.kept[path].messages[3] = before[3]
    desk.server.kept[path].next_uid = 4
    forged(desk, path=path)
    report = desk.sync(NAMING)
    assert report.counts.unverified == 13
    assert desk.sync(NAMING).counts.corrected == 1
    assert_true(desk)


def replaced(desk: Desk, path: tuple[str, ...]) -> list[bytes]:
    """Other messages under the same ids: a server that was set back, or another folder of the same numbering."""
    folder = desk.server.kept[path]
    for uid, kept in folder.messages.items():
        other = kept.raw.replace(b"body", b"BODY").replace(b"Subject", b"SUBJECT")
        folder.messages[uid] = replace(kept, raw=other, arrived_at=kept.arrived_at + timedelta(days=30))
    desk.server.expire_cursors(path)
    return desk.truth(path)


@pytest.mark.parametrize("capabilities", [FULL, NAMED_BY_PATH])
def test_an_id_that_stands_for_another_message_is_fetched(desk: Desk, capabilities: Capabilities) -> None:
    desk.post(12)
    desk.sync(capabilities)
    before = desk.shelf.now
    truth = replaced(desk, INBOX)
    report = desk.sync(capabilities)
    assert (report.counts.seen, report.counts.removed, desk.asked["bodies"]) == (0, 12, 12)
    assert desk.bodies() == truth
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        assert all(b"Subject" in b"".join(store.read(each)) for each in store.listing(at=before))
    again = desk.sync(capabilities)
    assert (again.counts.removed, again.counts.seen, desk.asked) == (0, 0, {})


def test_another_offset_is_the_same_date(desk: Desk) -> None:
    """Some servers give their own time zone, whichever it is by now."""
    desk.post(3)
    desk.sync()
    folder = desk.server.kept[INBOX]
    for uid, kept in folder.messages.items():
        folder.messages[uid] = replace(kept, arrived_at=kept.arrived_at.astimezone(timezone(timedelta(hours=2))))
    desk.server.expire_cursors(INBOX)
    desk.sync()
    assert desk.asked == {}


def test_a_folder_that_was_excluded_meanwhile_is_not_opened(desk: Desk) -> None:
    desk.server.create_folder(LABEL)
    desk.post(12)
    desk.post(2, start=40, path=LABEL)
    desk.sync()
    desk.server.renumber(INBOX)
    desk.server.renumber(LABEL)
    assert desk.sync().counts.unverified == 14
    asked: list[str] = []

    class Watching(Counting):
        def fetch(self, refs):  # type: ignore[no-untyped-def]
            listed = list(refs)
            asked.extend(ref.folder for ref in listed)
            return super().fetch(listed)

    def make() -> Source:
        source = Watching(desk.server)
        source.asked = desk.asked
        return source

    side = replace(desk.shelf.side("primary", make), covers=lambda path, _: path == LABEL)
    with desk.shelf.open() as mailstore:
        progress = Progress(MailboxReport(NAME))
        desk.shelf.step(mailstore, MailboxJob(NAME, (side,)), progress)
    assert progress.report.counts.reread == 2
    assert set(asked) == {desk.server.kept[LABEL].id}


class Stopping(Counting):
    """Says after three bodies that it is enough for today."""

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        for number, answer in enumerate(super().fetch(refs)):
            if number == 3:
                raise Throttled("enough for today", "wait")
            yield answer


def test_what_was_read_again_before_a_source_had_enough_is_kept(desk: Desk) -> None:
    desk.post(12)
    desk.sync()
    desk.server.renumber(INBOX)
    desk.sync()
    source = Stopping(desk.server)
    source.asked = desk.asked
    report = desk.shelf.sync(source=lambda: source)
    assert report.ok, report.as_json()
    assert (report.counts.reread, len(desk.unverified())) == (3, 9)


def test_a_days_bytes_are_not_spent_on_reading_again_however_many_runs_there_are(desk: Desk) -> None:
    limited = replace(FULL, daily_bytes=1_000_000)
    desk.post(60)
    desk.sync(limited)
    desk.server.renumber(INBOX)
    desk.sync(limited)
    began = desk.shelf.now
    for _ in range(3):
        desk.shelf.now += 600
        assert desk.sync(limited).ok
    read = 60 - len(desk.unverified())
    sizes = [len(raw) for raw in desk.truth()]
    assert 3 <= read < 60
    assert sum(sizes[:read]) <= 1_000_000 / 8 * (desk.shelf.now - began) / 86400 + 3 * max(sizes)
