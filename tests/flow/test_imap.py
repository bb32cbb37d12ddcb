"""The IMAP source against Dovecot, beyond what the conformance suite asks of every source."""

import imaplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from random import Random

import pytest

from connectors.errors import CursorExpired, Disconnected, Unreachable
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.source import ImapSource
from connectors.model import Cursor, Folder, Gone, Message, Ref, Seen
from fixtures.servers.dovecot import Dovecot

CAPABILITIES = ("qresync", "condstore", "plain")
USERS = [f"user{number}" for number in range(40)]
NUMBERS = count()
INBOX = Folder("INBOX", ("INBOX",))


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[str], Dovecot]]:
    with ExitStack() as stack:

        @cache
        def running(capability: str) -> Dovecot:
            return stack.enter_context(Dovecot(users=USERS, capability=capability, rawlog=True))

        yield running


@pytest.fixture(params=CAPABILITIES)
def server(request: pytest.FixtureRequest, start: Callable[[str], Dovecot]) -> Dovecot:
    return start(request.param)


@pytest.fixture
def user() -> str:
    return USERS[next(NUMBERS) % len(USERS)]


@contextmanager
def opened(server: Dovecot, user: str, window: int = 1000) -> Iterator[ImapSource]:
    settings = ImapSettings(server.host, server.port, tls="off", timeout=20)
    source = ImapSource(connect(settings, ImapMailbox(user, lambda: server.password)), window)
    try:
        yield source
    finally:
        source.close()


def mails(count: int, start: int = 0) -> Iterator[bytes]:
    return (b"Subject: %d\r\n\r\n%d\r\n" % (number, number) for number in range(start, start + count))


class Reader:
    """Holds what the pages said; where removals are not reported, it looks at the inventory as the engine does."""

    def __init__(self) -> None:
        self.rows: dict[Ref, frozenset[str]] = {}
        self.cursor: Cursor | None = None
        self.bodies: dict[Ref, bytes] = {}
        self.full: set[Ref] | None = None

    def step(self, source: ImapSource, pages: int) -> bool:
        """At most so many pages of a pass, with the bodies that are missing; whether it was the whole."""
        if self.cursor is None:
            self.full = set()
        try:
            for number, page in enumerate(source.changes(INBOX, self.cursor), start=1):
                self._take(source, page.changes)
                self.cursor = page.cursor
                if page.last:
                    self._end(source)
                    return True
                if number == pages:
                    return False
        except CursorExpired:
            self.cursor = None
        return False

    def _take(self, source: ImapSource, changes: tuple[Seen | Gone, ...]) -> None:
        for change in changes:
            if isinstance(change, Gone):
                self.rows.pop(change.ref, None)
            else:
                self.rows[change.ref] = change.flags
                if self.full is not None:
                    self.full.add(change.ref)
        missing = [ref for ref in self.rows if ref not in self.bodies]
        for answer in source.fetch(missing):
            if isinstance(answer, Message):
                self.bodies[answer.ref] = b"".join(answer.raw)

    def _end(self, source: ImapSource) -> None:
        if self.full is not None:
            self.rows = {ref: flags for ref, flags in self.rows.items() if ref in self.full}
            self.full = None
        if not source.capabilities.reports_removals:
            present = set(source.inventory(INBOX))
            self.rows = {ref: flags for ref, flags in self.rows.items() if ref in present}


def served(client: imaplib.IMAP4) -> dict[int, tuple[bytes, frozenset[str]]]:
    """What the server holds, asked for by imaplib."""
    client.select("INBOX")
    _, rows = client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    found = {}
    for head, raw in (each for each in rows if isinstance(each, tuple)):
        uid = int(head.partition(b"UID ")[2].split()[0])
        flags = {flag.decode() for flag in imaplib.ParseFlags(head)} - {"\\Recent"}
        found[uid] = (raw, frozenset(flags))
    return found


def disturb(client: imaplib.IMAP4, rng: Random, numbers: Iterator[int]) -> None:
    """One change by another client."""
    client.select("INBOX")
    uids = client.uid("SEARCH", "ALL")[1][0].split()
    act = rng.choice(("append", "append", "flag", "flag", "expunge"))
    if act == "append" or not uids:
        for number in range(rng.randint(1, 4)):
            client.append(
                "INBOX", rng.choice(("", "(\\Seen key)")), None, b"Subject: new %d %d\r\n\r\n" % (next(numbers), number)
            )
        return
    some = b",".join(rng.sample(uids, min(len(uids), rng.randint(1, 5))))
    if act == "flag":
        client.uid(
            "STORE", some, rng.choice(("+FLAGS", "-FLAGS", "FLAGS")), rng.choice(("(\\Flagged)", "(a b)", "(\\Seen c)"))
        )
    else:
        client.uid("STORE", some, "+FLAGS", "(\\Deleted)")
        client.expunge()


@pytest.mark.parametrize(
    ("histories", "steps"), [(3, 40), pytest.param(15, 120, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
)
def test_a_reader_that_is_cut_again_and_again_ends_with_what_is_there(
    server: Dovecot, user: str, histories: int, steps: int
) -> None:
    """Passes broken after any page, by a new session, while another client changes the folder; then one whole pass."""
    numbers, rng = count(), Random(f"{histories} {steps}")
    with server.client(user) as client:
        for _ in range(histories):
            reader = Reader()
            for _ in range(steps):
                with opened(server, user, window=rng.choice((1, 3, 10))) as source:
                    reader.step(source, rng.randint(1, 4))
                if rng.random() < 0.7:
                    disturb(client, rng, numbers)
            with opened(server, user) as source:
                while not reader.step(source, 100):
                    pass
                assert reader.step(source, 100)
            truth = served(client)
            assert {int(ref.native): flags for ref, flags in reader.rows.items()} == {
                uid: flags for uid, (_, flags) in truth.items()
            }
            assert {int(ref.native): reader.bodies[ref] for ref in reader.rows} == {
                uid: raw for uid, (raw, _) in truth.items()
            }


def test_a_pass_over_thousands_interleaved_with_their_bodies(server: Dovecot, user: str) -> None:
    server.deliver(user, "INBOX", mails(2100), "FS", datetime(2020, 2, 29, 12, 0, tzinfo=UTC))
    with opened(server, user) as source:
        pages = []

        def refs() -> Iterator[Ref]:
            for page in source.changes(INBOX, None):
                pages.append(page)
                yield from (change.ref for change in page.changes)

        bodies = {
            answer.ref.native: b"".join(answer.raw) for answer in source.fetch(refs()) if isinstance(answer, Message)
        }
        assert sorted(bodies.values()) == sorted(mails(2100))
        assert [len(page.changes) for page in pages] == [1000, 1000, 100]
        seen = pages[0].changes[0]
        assert isinstance(seen, Seen)
        assert (seen.flags, seen.arrived_at) == ({"\\Flagged", "\\Seen"}, datetime(2020, 2, 29, 12, 0, tzinfo=UTC))
        assert source.count(INBOX) == 2100
        (again,) = source.changes(INBOX, pages[-1].cursor)
        assert (again.changes, again.cursor, again.last) == ((), pages[-1].cursor, True)


def test_nothing_is_marked_and_nothing_is_selected(server: Dovecot, user: str) -> None:
    server.deliver(user, "INBOX", mails(3))
    with opened(server, user) as source:
        assert len(list(source.fetch(source.inventory(INBOX)))) == 3
    with server.client(user) as client:
        assert client.select("INBOX")[0] == "OK"
        assert client.untagged_responses["RECENT"] == [b"3"], "the user's own client was robbed of \\Recent"
        assert b"\\Seen" not in client.uid("FETCH", "1:3", "(FLAGS)")[1][0]


def test_what_a_pass_without_changes_asks(server: Dovecot, user: str) -> None:
    server.deliver(user, "INBOX", mails(2005))
    with opened(server, user) as source:
        cursor = [page.cursor for page in source.changes(INBOX, None)][-1]
    server.forget_commands(user)
    with opened(server, user) as source:
        list(source.folders())
        list(source.changes(INBOX, cursor))
        source.count(INBOX)
        # LIST, EXAMINE, EXAMINE again for the count; without mod-sequences SEARCH and three windows besides.
        expected = 3 if "CONDSTORE" in source.capabilities.extensions else 7
    asked = [line for line in server.commands(user) if not line.startswith(("ID", "ENABLE", "LOGOUT"))]
    assert len(asked) == expected, asked


def test_a_restarted_server_is_a_lost_connection_and_lost_indexes_expire_cursors() -> None:
    with Dovecot(users=["alice"]) as server:
        server.deliver("alice", "INBOX", mails(10))
        with opened(server, "alice") as source:
            cursor = [page.cursor for page in source.changes(INBOX, None)][-1]
            server.stop()
            with pytest.raises(Disconnected):
                list(source.changes(INBOX, cursor))
            with pytest.raises(Unreachable):
                CONNECTOR.open_source(
                    ImapSettings(server.host, server.port, tls="off"), ImapMailbox("alice", lambda: server.password)
                )
        server.restart(forget_indexes=True)
        with opened(server, "alice") as source:
            with pytest.raises(CursorExpired):
                list(source.changes(INBOX, cursor))
            assert sum(len(page.changes) for page in source.changes(INBOX, None)) == 10
