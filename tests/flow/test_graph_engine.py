"""The engine over Graph: books that balance, limits that are kept to, nothing asked for twice; and random histories."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from connectors.errors import LoginRefused, Throttled
from connectors.graph import GraphMailbox
from connectors.graph.client import Client
from connectors.graph.limiter import Limiters
from connectors.graph.source import GraphSource
from connectors.model import Role
from connectors.patience import Pauses
from connectors.protocols import Source
from connectors.retrying import Retrying
from connectors.testing.corpus import plain
from fixtures.exchange import Mailbox
from fixtures.exchange.item import Flags
from fixtures.graph import Act, Answer, Cut, Drop, GraphServer, Quirks, Slow
from replicator.engine.report import MailboxReport
from replicator.engine.step import MailboxJob, Progress, SideJob
from tests.flow.test_graph import ALICE, settings_of
from tests.shelf import NAME, Shelf

SESSION = 4
"""Requests that open a session and list the folders: where tokens are had, the inbox, and two levels of folders."""

PROOF = (pytest.mark.proof, pytest.mark.timeout(3600))

TROUBLES = Answer(503), Answer(500), Answer(429, retry_after=7), Answer(504), Cut(at=10), Drop()


Placement = tuple[str, str, frozenset[str], str]


def flags_of(flags: Flags) -> frozenset[str]:
    return frozenset({"\\Seen"} if flags.read else ()) | frozenset(flags.categories)


@dataclass(slots=True)
class Office:
    """A mailstore that follows one mailbox. Nobody really waits: pauses move the service's clock on."""

    server: GraphServer
    alice: Mailbox
    shelf: Shelf
    page: int = 100

    def source(self) -> Source:
        settings = settings_of(self.server)
        object.__setattr__(settings, "limiters", self.limiters)
        pauses = Pauses(attempts=30, lone=4)
        return Retrying(lambda: self._session(settings), pauses, self.server.clock.advance, Random(1))

    @property
    def limiters(self) -> Limiters:
        return Limiters(self.server.clock.now)

    def _session(self, settings) -> GraphSource:  # type: ignore[no-untyped-def]
        client = Client(settings, GraphMailbox(ALICE))
        client.page = self.page
        return GraphSource(client)

    def sync(self, *, full: bool = False) -> MailboxReport:
        """One pass over everything that holds mail."""
        covers: Callable[[tuple[str, ...], Role], bool] = lambda _, role: role is not Role.NOT_MAIL  # noqa: E731
        job = MailboxJob(NAME, (SideJob("primary", "m365", self.source, covers),), full=full)
        progress = Progress(MailboxReport(NAME))
        with self.shelf.open() as mailstore:
            self.shelf.step(mailstore, job, progress)
        return progress.report

    def held(self) -> Counter[Placement]:
        """Every live placement: folder, message, flags, and the subject, which an edit changes."""
        with self.shelf.open() as mailstore:
            listing = list(mailstore.mailbox(NAME).listing())
        return Counter((each.ref.folder, each.ref.id, frozenset(each.flags), each.subject) for each in listing)

    def there(self) -> Counter[Placement]:
        """What truly stands where, but for what its user deleted for good."""
        gone = self.alice.folder("recoverableitemsdeletions").id
        items = [item for item in self.alice.items() if item.folder_id != gone]
        return Counter(
            (item.folder_id, item.immutable_id, flags_of(item.flags), item.content.subject) for item in items
        )

    def unbalanced(self) -> list[str]:
        with self.shelf.open() as mailstore:
            return [each.path for each in mailstore.mailbox(NAME).status().folders if not each.balanced]


@contextmanager
def office(directory: Path, *, seed: int = 5, quirks: Quirks | None = None) -> Iterator[Office]:
    with GraphServer(seed=seed, quirks=quirks) as server:
        yield Office(server, server.mailbox(ALICE), Shelf(directory))


def test_a_pass_keeps_to_the_limits_and_reads_nothing_twice(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        for number in range(230):
            desk.alice.deliver(("inbox", "archive")[number % 2], plain(number))
        report = desk.sync()
        assert report.ok, report.as_json()
        assert report.counts.stored == 230
        assert 1 < desk.server.log.most_at_once() <= 4
        assert desk.server.log.read_twice() == []
        assert len(desk.server.log.entries(path="$value")) == 230
        assert desk.held() == desk.there()
        assert desk.unbalanced() == []


def test_an_unchanged_mailbox_costs_a_request_a_folder(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        for number in range(30):
            desk.alice.deliver("inbox", plain(number))
        desk.sync()
        before = desk.held()
        desk.server.log.forget()
        report = desk.sync()
        assert (report.counts.seen, report.full_passes, report.counts.bytes) == (0, 0, 0)
        assert desk.held() == before
        entries = [each for each in desk.server.log.entries() if not each.inner and "oauth2" not in each.path]
        assert report.folders > 8
        assert len(entries) <= report.folders + SESSION
        assert desk.server.log.entries(path="$value") == []


def test_forgotten_links_cost_a_full_pass_and_no_body(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        names = [desk.alice.deliver("inbox", plain(number)).immutable_id for number in range(30)]
        desk.sync()
        desk.server.forget_links()
        desk.alice.delete(names[3])
        desk.server.log.forget()
        report = desk.sync()
        assert report.ok, report.as_json()
        assert report.full_passes > 0
        assert report.counts.removed == 1
        assert desk.server.log.entries(path="$value") == []
        assert desk.held() == desk.there()


def test_too_many_at_once_elsewhere_makes_us_fewer_and_patient(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.server.limits.concurrent, desk.server.limits.wait = 2, 11
        for number in range(60):
            desk.alice.deliver("inbox", plain(number))
        gate = Event()
        desk.server.faults.add(Slow(gate), path="value", times=2)
        watching = Thread(target=lambda: (desk.server.log.wait_for(3, path="value"), gate.set()))
        watching.start()
        report = desk.sync()
        watching.join()
        assert report.ok, report.as_json()
        assert report.throttled_seconds >= 11
        refused = desk.server.log.entries(status=429)
        assert 0 < len(refused) < 8
        told = min(each.ended for each in refused)
        assert not [each for each in desk.server.log.entries() if each.early and told + 0.5 < each.started < told + 11]
        assert desk.held() == desk.there()
        assert desk.server.log.read_twice() == []


def test_a_pause_that_is_too_long_ends_the_pass_and_the_next_goes_on(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        for number in range(40):
            desk.alice.deliver("inbox", plain(number))
        desk.server.faults.add(Answer(429, retry_after=500), path=r"\$value", after=20)
        report = desk.sync()
        assert report.error is not None
        assert report.error.code == Throttled.__name__
        desk.server.clock.advance(500)
        assert desk.sync().ok
        assert desk.held() == desk.there()


def test_a_move_that_is_told_as_a_removal_only_is_found_by_the_count(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        name = desk.alice.deliver("inbox", plain(1)).immutable_id
        desk.sync()
        desk.alice.hide_arrivals()
        desk.alice.move(name, "archive")
        assert desk.sync().ok
        assert desk.held() == desk.there()
        assert desk.unbalanced() == []


def test_a_message_that_cannot_be_given_stops_no_other(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        names = [desk.alice.deliver("inbox", plain(number)).immutable_id for number in range(9)]
        desk.alice.spoil(names[4])
        report = desk.sync()
        assert (report.counts.stored, report.counts.quarantined) == (8, 1)
        assert desk.unbalanced() == []


@pytest.mark.parametrize("page", [10, 100])
def test_an_interruption_costs_no_more_than_what_was_in_flight(tmp_path: Path, page: int) -> None:
    with office(tmp_path) as desk:
        desk.page = page
        for number in range(330):
            desk.alice.deliver("inbox", plain(number))
        desk.server.faults.add(Act(desk.server.tenant_data.roles.clear), path="value", after=217)
        report = desk.sync()
        assert report.error is not None
        assert report.error.code == LoginRefused.__name__
        assert report.counts.quarantined == 0
        desk.server.tenant_data.roles.add("Mail.Read")
        assert desk.sync().ok
        assert desk.held() == desk.there()
        assert len(desk.server.log.entries(path="$value", status=200)) <= 330 + 2 * page


BLOCKS = [range(1, 4), *(pytest.param(range(at, at + 50), marks=PROOF) for at in range(4, 2004, 50))]


@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_whatever_happens_the_books_are_what_is_there(tmp_path: Path, seeds: range) -> None:
    """Passes between, and during, all that people do, with every oddity and every trouble; then calm."""
    for seed in seeds:
        quirks = replace(Quirks.wild(), same_link=seed % 2 == 0, strict_ids=True)
        (tmp_path / str(seed)).mkdir()
        with office(tmp_path / str(seed), seed=seed, quirks=quirks) as desk:
            live(desk, Random(seed))
            assert desk.held() == desk.there(), f"seed {seed}"
            assert desk.unbalanced() == [], f"seed {seed}"
            assert desk.server.log.most_at_once() <= 4
            assert desk.shelf.problems() == [], f"seed {seed}"


def live(desk: Office, rng: Random) -> None:
    """Some bad days and a calm one."""
    desk.page = rng.choice((2, 5, 100))
    for number in range(6):
        desk.server.faults.rain(rng.choice((0, 0.05)), *TROUBLES)
        for step in range(rng.randrange(25)):
            happen(desk.alice, rng, 100 * number + step)
        desk.alice.hide_arrivals(rng.choice((0, 0, 1)))
        desk.sync(full=rng.random() < 0.1)
        desk.server.clock.advance(100)
    desk.server.faults.clear()
    for full in (True, False):  # what could not be had in bad weather is tried again at once in a full pass
        report = desk.sync(full=full)
        desk.server.clock.advance(100)
        assert report.ok, report.as_json()


def happen(alice: Mailbox, rng: Random, number: int) -> None:
    """One thing that people do."""
    places = [
        each.id for each in alice.folders() if each.name.startswith("Case") or each.well_known in ("inbox", "archive")
    ]
    names = [item.immutable_id for place in places for item in alice.items(place)]
    what = rng.choice(("deliver", "deliver", "deliver", "move", "return", "delete", "flag", "edit", "folder", "drop"))
    if what == "deliver" or not names:
        alice.deliver(rng.choice(places), plain(number))
        return
    name = rng.choice(names)
    if what == "move":
        alice.move(name, rng.choice(places))
    elif what == "return":
        home = alice.item(name).folder_id
        alice.move(name, rng.choice(places))
        alice.move(name, home)
    elif what == "delete":
        alice.delete(name, hard=rng.random() < 0.5)
    elif what == "flag":
        alice.set_flags(name, read=rng.random() < 0.5, categories=rng.choice(((), ("Red",))))
    elif what == "edit":
        alice.edit(name, plain(1000 + number))
    elif what == "folder":
        alice.make_folder(f"Case {number}", rng.choice(places))
    elif what == "drop":
        own = [each.id for each in alice.folders() if each.name.startswith("Case")]
        if own and rng.random() < 0.3:
            alice.delete_folder(rng.choice(own))
