"""The IMAP source against Dovecot, beyond what the conformance suite asks of every source."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count

import pytest

from connectors.errors import CursorExpired, Disconnected, Unreachable
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.model import Message, Ref, Seen
from fixtures.reader import INBOX, assert_histories_end_well
from fixtures.servers.dovecot import Dovecot

CAPABILITIES = ("qresync", "condstore", "plain")
USERS = [f"user{number}" for number in range(40)]
NUMBERS = count()


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


@pytest.mark.parametrize(
    ("histories", "steps"), [(3, 40), pytest.param(15, 120, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
)
def test_a_reader_that_is_cut_again_and_again_ends_with_what_is_there(
    server: Dovecot, user: str, histories: int, steps: int
) -> None:
    with server.client(user) as client:
        assert_histories_end_well(lambda window: opened(server, user, window), client, histories, steps)


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
