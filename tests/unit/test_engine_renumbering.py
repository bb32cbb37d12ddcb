"""Messages that got other numbers: matched without their bodies where that is safe, and read again later."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from connectors.errors import Disconnected, FolderGone, FolderRefused, ItemUnreadable
from connectors.memory import FULL, INBOX, MemorySource
from connectors.memory.mailbox import Kept
from connectors.model import Capabilities, Failure, Folder, Message, Ref, Role
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import Faults, Raise
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress
from replicator.mailstore.mailbox.failures import FailureBook
from replicator.quarantine import accept
from tests.shelf import NAME, Shelf

DATE = datetime(2026, 1, 1, tzinfo=UTC)
NAMING = replace(FULL, identities=True)


class Counting(MemorySource):
    """Counts what it is asked for."""

    asked: Counter[str]
    padding = 0

    def answer(self, ref: Ref) -> Message | Failure:
        self.asked["bodies"] += 1
        return super().answer(ref)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        for each in super().headers(refs):
            self.asked["headers"] += 1
            yield each

    def size(self, message: Kept) -> int:
        return super().size(message) + self.padding


class Desk:
    """A shelf, and the counts of each pass over it."""

    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf(directory)
        self.server = self.shelf.server
        self.asked: Counter[str] = Counter()

    def post(self, count: int, start: int = 0, path: tuple[str, ...] = INBOX) -> None:
        for number in range(start, start + count):
            raw = f"Subject: {number}\r\n\r\n{'body' * number}\r\n".encode()
            self.server.append(path, raw, {"\\Seen"}, DATE + timedelta(minutes=number))

    def open(self, capabilities: Capabilities = FULL, padding: int = 0) -> Callable[[], Source]:
        def make() -> Source:
            source = Counting(self.server, capabilities)
            source.asked, source.padding = self.asked, padding
            return source

        return make

    def sync(self, capabilities: Capabilities = FULL, *, padding: int = 0, full: bool = False) -> MailboxReport:
        self.asked.clear()
        report = self.shelf.sync(source=self.open(capabilities, padding), full=full)
        assert report.ok, report.as_json()
        self.check()
        return report

    def check(self) -> None:
        with self.shelf.open() as mailstore:
            assert all(folder.balanced for folder in mailstore.mailbox(NAME).status().folders)
        assert self.shelf.problems() == []

    def unverified(self, state: str = "live") -> list[str]:
        with self.shelf.open() as mailstore:
            return [each.ref.id for each in mailstore.mailbox(NAME).listing(state=state) if each.unverified]

    def bodies(self) -> list[bytes | None]:
        return list(self.shelf.held().values())

    def truth(self, path: tuple[str, ...] = INBOX) -> list[bytes]:
        return [kept.raw for kept in self.server.listing(path).values()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.post(12)
    desk.sync()
    return desk


def numbers(report: MailboxReport) -> tuple[int, ...]:
    counts = report.counts
    return counts.seen, counts.stored, counts.merged, counts.removed, counts.unverified, counts.bytes


def test_a_folder_that_was_numbered_anew_costs_no_bodies(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    desk.post(1, start=50)
    report = desk.sync()
    assert numbers(report)[:5] == (13, 1, 12, 12, 12)
    assert desk.asked == {"headers": 12, "bodies": 1}
    assert desk.bodies() == desk.truth()
    assert len(desk.unverified()) == 12


def test_the_next_run_reads_the_bodies_again_and_the_one_after_is_silent(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    desk.sync()
    second = desk.sync()
    assert (second.counts.reread, second.counts.corrected, second.counts.seen, desk.asked["bodies"]) == (12, 0, 0, 12)
    assert desk.unverified() == []
    third = desk.sync()
    assert (third.counts.reread, desk.asked) == (0, {})


def test_an_order_of_its_own_is_no_obstacle(desk: Desk) -> None:
    folder = desk.server.kept[INBOX]
    folder.messages = dict(reversed(folder.messages.items()))
    desk.server.renumber(INBOX)
    desk.sync()
    assert desk.asked["bodies"] == 0
    assert desk.bodies() == desk.truth()


def test_sizes_that_were_not_proven_decide_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(9)
    desk.sync()
    desk.server.renumber(INBOX)
    assert numbers(desk.sync())[:5] == (9, 0, 9, 9, 0)
    assert desk.asked == {"bodies": 9}


def test_a_source_that_estimates_sizes_is_not_believed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    desk.sync(padding=1)
    desk.server.renumber(INBOX)
    desk.sync()
    assert desk.asked == {"bodies": 12}


@pytest.mark.parametrize("sign", ["size", "date", "header", "flag", "role"])
def test_what_differs_in_one_sign_is_fetched(desk: Desk, sign: str) -> None:
    folder = desk.server.kept[INBOX]
    kept = folder.messages[5]
    changed = {
        "size": replace(kept, raw=kept.raw + b"more\r\n"),
        "date": replace(kept, arrived_at=DATE),
        "header": replace(kept, raw=kept.raw.replace(b"Subject: 4", b"Subject: X")),
        "flag": replace(kept, flags=frozenset({"\\Draft"})),
        "role": kept,
    }
    folder.messages[5] = changed[sign]
    folder.role = Role.DRAFTS if sign == "role" else folder.role
    desk.server.renumber(INBOX)
    desk.sync()
    assert desk.asked["bodies"] == (12 if sign == "role" else 1)
    assert desk.bodies() == desk.truth()


def test_a_draft_on_record_is_no_match(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    desk.server.set_flags(INBOX, "5", {"\\Draft"})
    desk.sync()
    desk.server.set_flags(INBOX, "5", set())
    desk.server.renumber(INBOX)
    desk.sync()
    assert desk.asked["bodies"] == 1


def twins(desk: Desk, *bodies: str) -> None:
    for body in bodies:
        desk.server.append(INBOX, f"Subject: twin\r\n\r\n{body}\r\n".encode(), (), DATE)


def test_equal_copies_are_matched_one_by_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    twins(desk, "same", "same", "same")
    desk.sync()
    desk.server.renumber(INBOX)
    desk.server.expunge(INBOX, "13")
    twins(desk, "same", "same")
    report = desk.sync()
    assert (desk.asked["bodies"], report.counts.unverified) == (1, 15)
    assert desk.bodies() == desk.truth()


def test_rows_that_differ_in_nothing_but_their_bodies_are_fetched(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    twins(desk, "aaaa", "bbbb")
    desk.sync()
    desk.server.renumber(INBOX)
    desk.server.expunge(INBOX, "13")
    desk.sync()
    assert desk.asked["bodies"] == 1
    assert desk.bodies() == desk.truth()


def test_a_match_that_was_wrong_is_put_right_and_ends_such_matches(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    twins(desk, "aaaa")
    desk.sync()
    desk.server.expunge(INBOX, "13")
    twins(desk, "bbbb")
    desk.server.renumber(INBOX)
    before = desk.shelf.now
    assert desk.sync().counts.unverified == 13
    report = desk.sync()
    assert (report.counts.reread, report.counts.corrected, report.as_json()["corrected"]) == (13, 1, 1)
    assert desk.bodies() == desk.truth()
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        then = [b"".join(store.read(each)) for each in store.listing(at=before)]
    assert then[-1].endswith(b"aaaa\r\n"), "what was on record before must stand"
    desk.server.renumber(INBOX)
    desk.sync()
    assert desk.asked["bodies"] == 13


def test_a_budget_bounds_what_is_read_again(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    desk.sync()

    def run(budget: float) -> int:
        with desk.shelf.open() as mailstore:
            progress = Progress(MailboxReport(NAME))
            side = replace(desk.shelf.side("primary"), open_source=desk.open())
            job = MailboxJob(NAME, (side,), reread=budget)
            desk.shelf.step(mailstore, job, progress)
            return progress.report.counts.reread

    assert run(0) == 0
    assert run(1) == 1, "one that is larger than the budget comes first some day"
    sizes = [len(raw) for raw in desk.truth()]
    assert run(sizes[1] + sizes[2]) == 2
    assert run(1e9) == 9


def test_full_reads_all_of_them_again(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    assert desk.sync(full=True).counts.reread == 0, "not in the run that has just matched them"
    assert desk.sync(full=True).counts.reread == 12


def test_a_doubt_that_left_stays_on_record(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    desk.sync()
    desk.server.expunge(INBOX, "1")
    desk.sync()
    assert (len(desk.unverified()), len(desk.unverified("removed"))) == (0, 1)


def test_a_doubt_that_is_numbered_anew_goes_on_and_keeps_its_age(desk: Desk) -> None:
    for reread in (0, 12, 0):
        desk.server.renumber(INBOX)
        report = desk.sync()
        assert (report.counts.unverified, report.counts.reread) == (12, reread)
    assert (len(desk.unverified()), len(desk.unverified("removed"))) == (12, 0)


class Poisoned(Counting):
    """Cannot give some bodies."""

    def answer(self, ref: Ref) -> Message | Failure:
        answer = super().answer(ref)
        is_poison = isinstance(answer, Message) and b"poison" in b"".join(answer.raw)
        return Failure(ref, ItemUnreadable("the server cannot read it")) if is_poison else answer


def test_what_was_accepted_as_lost_stays_so_under_another_number(desk: Desk) -> None:
    def sync() -> MailboxReport:
        source = Poisoned(desk.server)
        source.asked = desk.asked
        return desk.shelf.sync(source=lambda: source)

    twins(desk, "poison", "poison")
    desk.server.append(INBOX, b"Subject: later\r\n\r\npoison\r\n", (), DATE + timedelta(days=1))
    assert sync().unaccepted == 3
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        first = next(FailureBook(store.database).placements())
        assert accept(mailstore, store, [first]) == 1
    twins(desk, "poison")
    assert sync().unaccepted == 3, "another one is not accepted with it"
    desk.server.renumber(INBOX)
    assert sync().unaccepted == 3
    desk.check()
    desk.server.expunge(INBOX, "13")
    desk.server.expire_cursors(INBOX)
    assert sync().unaccepted == 3, "when it leaves, no other takes its place"
    desk.check()


def test_a_copy_by_identity_costs_no_body_and_is_not_in_doubt(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.server.create_folder(("Label",))
    desk.post(3)
    desk.sync(NAMING)
    desk.server.copy(INBOX, "1", ("Label",))
    desk.server.move(INBOX, "2", ("Label",))
    assert numbers(desk.sync(NAMING)) == (2, 0, 2, 1, 0, 0)
    assert (desk.asked, desk.unverified()) == ({}, [])


def test_an_identity_in_a_folder_numbered_anew_is_in_doubt(tmp_path: Path) -> None:
    """The server may be another one by now."""
    desk = Desk(tmp_path)
    desk.post(3)
    desk.sync(NAMING)
    desk.server.renumber(INBOX)
    assert numbers(desk.sync(NAMING)) == (3, 0, 3, 3, 3, 0)
    assert (desk.asked, len(desk.unverified())) == ({}, 3)
    assert desk.sync(NAMING).counts.reread == 3


def test_another_identity_is_another_message_whatever_else_agrees(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    twins(desk, "aaaa")
    desk.sync(NAMING)
    desk.server.expunge(INBOX, "13")
    twins(desk, "bbbb")
    desk.server.renumber(INBOX)
    desk.sync(NAMING)
    assert desk.asked["bodies"] == 1
    assert desk.bodies() == desk.truth()


def forge(desk: Desk, raw: bytes) -> None:
    """A message under the identity of the first one."""
    desk.server.append(INBOX, raw, (), DATE)
    messages = desk.server.kept[INBOX].messages
    newest = max(messages)
    messages[newest] = replace(messages[newest], identity=messages[1].identity)


def test_an_identity_that_a_size_contradicts_is_not_believed_nor_ever_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.post(12)
    desk.sync(NAMING)
    forge(desk, b"Subject: other\r\n\r\nlonger than the first\r\n")
    desk.sync(NAMING)
    assert desk.bodies() == desk.truth()
    desk.server.copy(INBOX, "2", INBOX)
    desk.sync(NAMING)
    assert desk.asked == {"bodies": 1}


def test_headers_that_cannot_be_had_cost_bodies_and_nothing_else(desk: Desk) -> None:
    desk.server.renumber(INBOX)
    faults = Faults(
        Raise("headers", Disconnected("cut"), after=3, call=1), Raise("headers", Disconnected("cut"), call=2)
    )
    source = Retrying(faults.opening(desk.open()), Pauses(attempts=3), lambda _: None, Random(1))
    desk.asked.clear()
    report = desk.shelf.sync(source=lambda: source)
    faults.verify()
    assert report.ok, report.as_json()
    assert (report.counts.unverified, desk.asked["bodies"]) == (3, 9)
    desk.check()
    assert desk.bodies() == desk.truth()


class Blind(Counting):
    """Leaves folders out of its list, as Dovecot does with all that is below a folder that it cannot read."""

    def folders(self) -> Iterator[Folder]:
        return (folder for folder in super().folders() if folder.path == INBOX)


def blind(desk: Desk) -> Source:
    source = Blind(desk.server)
    source.asked = desk.asked
    return source


@pytest.mark.parametrize("refused", [True, False])
def test_a_folder_that_is_no_longer_listed_is_asked_for_before_it_is_closed(desk: Desk, refused: bool) -> None:
    desk.server.create_folder(("Hidden",))
    desk.post(2, path=("Hidden",))
    desk.sync()

    desk.server.lock_folder(("Hidden",), locked=refused)
    report = desk.shelf.sync(source=lambda: blind(desk))
    assert [trouble.code for trouble in report.folder_errors] == ([FolderRefused.__name__] if refused else [])
    assert report.counts.removed == 0
    assert len(desk.shelf.held()) == 14
    desk.server.delete_folder(("Hidden",))
    report = desk.shelf.sync(source=lambda: blind(desk))
    assert (report.ok, report.counts.removed, len(desk.shelf.held())) == (True, 2, 12)


@pytest.mark.parametrize("kind", [FolderRefused, FolderGone])
def test_a_folder_that_is_not_covered_any_more_is_closed_only_if_it_is_gone(desk: Desk, kind: type) -> None:
    desk.server.create_folder(("Lists",))
    desk.post(2, path=("Lists",))
    desk.sync()
    if kind is FolderRefused:
        desk.server.lock_folder(("Lists",))
    else:
        desk.server.delete_folder(("Lists",))
    side = replace(desk.shelf.side("primary", lambda: blind(desk)), covers=lambda path, _: path == INBOX)
    with desk.shelf.open() as mailstore:
        progress = Progress(MailboxReport(NAME))
        desk.shelf.step(mailstore, MailboxJob(NAME, (side,)), progress)
    assert progress.report.ok
    assert progress.report.counts.removed == (2 if kind is FolderGone else 0)


NAMED_BY_PATH = replace(FULL, stable_folder_ids=False)


@pytest.fixture
def shelved(tmp_path: Path) -> Desk:
    """Folder ids are paths. The numbering of the two folders is the same, as on servers that count seconds."""
    desk = Desk(tmp_path)
    desk.server.create_folder(("Old",))
    desk.server.kept[("Old",)].validity = desk.server.kept[INBOX].validity
    desk.post(12)
    desk.post(14, start=20, path=("Old",))
    desk.sync(NAMED_BY_PATH)
    return desk


def test_a_renamed_folder_costs_nothing(shelved: Desk) -> None:
    shelved.server.rename_folder(("Old",), ("New",))
    shelved.post(1, start=90, path=("New",))
    report = shelved.sync(NAMED_BY_PATH)
    assert numbers(report)[:5] == (1, 1, 0, 0, 0)
    assert shelved.asked["bodies"] == 1
    assert shelved.asked["headers"] <= 8
    assert shelved.sync(NAMED_BY_PATH).counts.seen == 0
    with shelved.shelf.open() as mailstore:
        paths = {each.path for each in mailstore.mailbox(NAME).listing(state="all")}
    assert paths == {INBOX, ("New",)}


def test_a_name_that_was_used_before_may_come_again(shelved: Desk) -> None:
    for old, new in (("Old", "New"), ("New", "Old"), ("Old", "New")):
        shelved.server.rename_folder((old,), (new,))
        assert shelved.sync(NAMED_BY_PATH).counts.seen == 0
    shelved.server.delete_folder(("New",))
    assert shelved.sync(NAMED_BY_PATH).counts.removed == 14
    shelved.server.create_folder(("Other",))
    shelved.post(12, start=40, path=("Other",))
    shelved.sync(NAMED_BY_PATH)
    shelved.server.rename_folder(("Other",), ("New",))
    assert shelved.sync(NAMED_BY_PATH).counts.seen == 0
    shelved.server.create_folder(("Other",))
    shelved.post(2, start=60, path=("Other",))
    assert shelved.sync(NAMED_BY_PATH).counts.stored == 2


@pytest.mark.parametrize("change", ["date", "size", "header"])
def test_another_folder_with_the_same_numbering_is_another_folder(shelved: Desk, change: str) -> None:
    """One goes and another comes between two runs: they share UIDVALIDITY and UIDs, and most of the rest."""
    kept = dict(shelved.server.kept[("Old",)].messages)
    shelved.server.delete_folder(("Old",))
    shelved.server.create_folder(("New",))
    folder = shelved.server.kept[("New",)]
    folder.validity, folder.next_uid = shelved.server.kept[INBOX].validity, 15
    for uid, message in kept.items():
        raw, arrived_at = message.raw.replace(b"body", b"BODY"), message.arrived_at
        raw = raw + b"x" if change == "size" else raw.replace(b"Subject", b"SUBJECT") if change == "header" else raw
        arrived_at += timedelta(seconds=change == "date")
        folder.messages[uid] = replace(message, raw=raw, arrived_at=arrived_at)
    report = shelved.sync(NAMED_BY_PATH)
    assert (report.counts.stored, report.counts.removed) == (14, 14)
    with shelved.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        assert [b"".join(store.read(each)) for each in store.listing("New")] == shelved.truth(("New",))


def test_a_rename_that_numbers_anew_is_matched_message_by_message(shelved: Desk) -> None:
    """As Courier does it."""
    shelved.server.rename_folder(("Old",), ("New",))
    shelved.server.renumber(("New",))
    report = shelved.sync(NAMED_BY_PATH)
    assert numbers(report)[:5] == (14, 0, 14, 14, 14)
    assert (shelved.asked["bodies"], len(shelved.unverified())) == (0, 14)
    assert shelved.sync(NAMED_BY_PATH).counts.reread == 14


def test_one_page_of_a_new_folder_is_not_asked_for_where_no_folder_is_gone(shelved: Desk) -> None:
    shelved.server.create_folder(("More",))
    shelved.post(3, start=70, path=("More",))
    shelved.sync(NAMED_BY_PATH)
    assert shelved.asked == {"bodies": 3}
