"""Whatever a server says to be left alone for a while, at any command: nothing is lost, and the wait is counted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from random import Random

import pytest

from connectors.errors import Disconnected, ReplicationError, ServerBusy, Throttled
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings, translate
from connectors.model import Message
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from fixtures.servers.imap_sim import Dialect, Gmail, ImapSim, Microsoft365
from fixtures.servers.imap_sim import exchange as exchange_says
from fixtures.servers.imap_sim import gmail as gmail_says
from fixtures.servers.scripted_imap import CUT, Answer

NUMBERS = count()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[type[Dialect]], ImapSim]]:
    with ExitStack() as stack:
        yield cache(lambda dialect: stack.enter_context(ImapSim(dialect())))


class Reader(Retrying):
    """A mailbox of three messages, read with the patience of the engine and without sleeping."""

    def __init__(self, server: ImapSim, user: str, attempts: int = 4) -> None:
        self.slept: list[float] = []
        self.opened = 0
        settings = ImapSettings(server.host, server.port, tls="off", timeout=20)

        def opening() -> Source:
            self.opened += 1
            return CONNECTOR.open_source(settings, ImapMailbox(user, lambda: server.password))

        super().__init__(opening, Pauses(attempts=attempts), self.slept.append, Random(0))

    def pull(self) -> int:
        """How many messages a pass over INBOX brings."""
        folder = next(folder for folder in self.folders() if folder.path == ("INBOX",))
        refs = (change.ref for page in self.changes(folder, None) for change in page.changes)
        assert self.count(folder) == 3
        return sum(isinstance(answer, Message) for answer in self.fetch(refs))


SAID: list[tuple[type[Dialect], bool, tuple[Answer, ...]]] = [
    (Microsoft365, True, (exchange_says.THROTTLED % 5000,)),
    (Microsoft365, True, (exchange_says.THROTTLED_BAD % 5000, exchange_says.CLOSED_14)),
    (Microsoft365, True, (exchange_says.UNAVAILABLE,)),
    (Microsoft365, True, (exchange_says.BUSY,)),
    (Microsoft365, True, (exchange_says.NOT_CONNECTED,)),
    (Microsoft365, False, (exchange_says.CLOSED,)),
    (Gmail, True, (gmail_says.OVER_QUOTA,)),
    (Gmail, True, ("{tag} NO [THROTTLED] Slow down (Failure)",)),
    (Gmail, True, ("{tag} NO [LIMIT] Too many commands (Failure)",)),
    (Gmail, True, ("* BYE [UNAVAILABLE] Temporary System Error",)),
    (Gmail, False, (CUT,)),
]
"""What is said, and whether it asks for a pause."""


@pytest.mark.parametrize("command", ["LIST", "EXAMINE", "UID SEARCH", "UID FETCH 1:3", "UID FETCH .*BODY"])
@pytest.mark.parametrize(("dialect", "asks", "answers"), SAID, ids=lambda value: str(value)[2:40])
def test_a_server_that_asks_for_time_gets_it(
    start: Callable[[type[Dialect]], ImapSim],
    dialect: type[Dialect],
    asks: bool,
    answers: tuple[Answer, ...],
    command: str,
) -> None:
    server, user = start(dialect), f"user{next(NUMBERS)}"
    for number in range(3):
        server.account(user).add("INBOX", b"Subject: %d\r\n\r\n" % number)
    server.trouble(user, command, *answers)
    reader = Reader(server, user)
    assert reader.pull() == 3
    reader.close()
    assert (reader.throttled_seconds > 0) == asks
    if "5000" in str(answers):
        assert reader.slept == [5.0, *reader.slept[1:]]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Request is throttled. Suggested Backoff Time: 299961 milliseconds", Throttled),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", Throttled),
        ("[ALERT] Too many simultaneous connections. (Failure)", Throttled),
        ("Server Unavailable. 15", ServerBusy),
        ("Server Busy", ServerBusy),
        ("[ALERT] Server is busy", ServerBusy),
        ("The server is too busy. Please try again later.", None),
        ("User is authenticated but not connected.", ServerBusy),
        ("The folder is called Server Busy", None),
    ],
)
def test_words_that_mean_the_whole_mailbox(said: str, kind: type[ReplicationError] | None) -> None:
    """Said of a folder or of a message, they are about neither: no folder is closed and no message quarantined."""
    for error in (translate.refused(said, "x"), translate.item_refused(said, "x"), translate.closed(said, "x")):
        if kind is not None:
            assert type(error) is kind
            assert error.advice
        else:
            assert not isinstance(error, Throttled | ServerBusy)


def test_the_pause_is_the_servers() -> None:
    error = translate.closed("Request is throttled. Suggested Backoff Time: 89117 milliseconds", "mail.example:993")
    assert error.retry_after == 89.117


def test_a_connection_that_was_closed_for_idleness_is_only_closed() -> None:
    assert type(translate.closed("Connection is closed. 13", "mail.example:993")) is Disconnected


def test_a_session_too_many_is_logged_in_and_not_connected(start: Callable[[type[Dialect]], ImapSim]) -> None:
    """Exchange lets it in, and then refuses whatever it asks. Another one is opened; then it is the next run's turn."""
    server, user = start(Microsoft365), f"user{next(NUMBERS)}"
    for number in range(3):
        server.account(user).add("INBOX", b"Subject: %d\r\n\r\n" % number)
    with server.lock:
        server.connections[user] = 20
    reader = Reader(server, user)
    with pytest.raises(ServerBusy, match="authenticated but not connected"):
        reader.pull()
    assert reader.opened == 2
    with server.lock:
        server.connections[user] = 3
    assert reader.pull() == 3
    reader.close()


def test_one_connection_too_many(start: Callable[[type[Dialect]], ImapSim]) -> None:
    """Gmail refuses the sixteenth login; when another client leaves, the next try succeeds."""
    server, user = start(Gmail), f"user{next(NUMBERS)}"
    for number in range(3):
        server.account(user).add("INBOX", b"Subject: %d\r\n\r\n" % number)
    with server.lock:
        server.connections[user] = 15
    reader = Reader(server, user)
    with pytest.raises(Throttled, match="Too many simultaneous connections") as caught:
        reader.pull()
    assert "max_connections" in caught.value.advice
    assert reader.throttled_seconds == sum(reader.slept) > 0
    with server.lock:
        server.connections[user] = 14
    assert reader.pull() == 3
    reader.close()
