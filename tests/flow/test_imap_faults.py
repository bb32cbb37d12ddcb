"""What Dovecot cannot read, a message or a folder, stops nothing else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from random import Random

import pytest

from connectors.errors import FolderGone, FolderRefused, ItemUnreadable, Unreachable
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.model import Change, Failure, Folder, Message, Ref, Seen
from connectors.retrying import Pauses, Retrying
from fixtures.servers.dovecot import Dovecot

USERS = [f"user{number}" for number in range(40)]
NUMBERS = count()


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[str], Dovecot]]:
    with ExitStack() as stack:

        @cache
        def running(capability: str) -> Dovecot:
            return stack.enter_context(Dovecot(users=USERS, capability=capability))

        yield running


@pytest.fixture(params=["qresync", "condstore", "plain"])
def server(request: pytest.FixtureRequest, start: Callable[[str], Dovecot]) -> Dovecot:
    return start(request.param)


@pytest.fixture
def user() -> str:
    return USERS[next(NUMBERS) % len(USERS)]


class Opened(Retrying):
    """Retrying with the engine's patience, that counts its sessions and does not sleep."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self.sessions = 0
        settings = ImapSettings(server.host, server.port, tls="off", timeout=20)

        def opening():
            self.sessions += 1
            return CONNECTOR.open_source(settings, ImapMailbox(user, lambda: server.password))

        super().__init__(opening, Pauses(attempts=4), lambda _: None, Random(0))

    def folder(self, *path: str) -> Folder:
        (found,) = [folder for folder in self.folders() if folder.path == path]
        return found

    def read(self, folder: Folder) -> tuple[list[Change], list[Message | Failure]]:
        """A full pass with the bodies, as the engine makes it."""
        changes: list[Change] = []

        def refs() -> Iterator[Ref]:
            for page in self.changes(folder, None):
                changes.extend(page.changes)
                yield from (change.ref for change in page.changes)

        return changes, list(self.fetch(refs()))


@contextmanager
def unreadable(*paths: Path) -> Iterator[None]:
    """Without any permission, for as long as this lasts: what is below could not be removed at the end."""
    modes = [(path, path.stat().st_mode) for path in paths]
    try:
        for path in paths:
            path.chmod(0)
        yield
    finally:
        for path, mode in modes:
            path.chmod(mode)


def mails(server: Dovecot, user: str, folder: str, number: int) -> list[Path]:
    server.deliver(user, folder, (b"Subject: %d\r\n\r\n%d\r\n" % (each, each) for each in range(number)))
    return sorted((server.maildir(user, folder) / "cur").iterdir())


@pytest.mark.parametrize("bad", [{3}, {1, 150, 151, 300}], ids=["one", "four"])
def test_messages_that_cannot_be_read_are_the_only_ones_missing(server: Dovecot, user: str, bad: set[int]) -> None:
    files = mails(server, user, "INBOX", 300)
    source = Opened(server, user)
    with unreadable(*(files[number - 1] for number in bad)):
        changes, answers = source.read(source.folder("INBOX"))
        assert source.count(source.folder("INBOX")) == 300
        source.close()
    assert [int(change.ref.native) for change in changes if isinstance(change, Seen)] == list(range(1, 301))
    assert sorted(int(answer.ref.native) for answer in answers) == list(range(1, 301))
    failures = {int(answer.ref.native): answer.error for answer in answers if isinstance(answer, Failure)}
    assert failures.keys() == bad
    for number, error in failures.items():
        assert isinstance(error, ItemUnreadable)
        assert f"message {number} in INBOX" in error.message
        assert "Internal error" in error.message
    # One; two for the listing, which dies of it too; for each a full request and two alone.
    assert source.sessions <= 3 + 3 * len(bad)


def test_once_it_can_be_read_it_is_given(server: Dovecot, user: str) -> None:
    files = mails(server, user, "INBOX", 3)
    source = Opened(server, user)
    with unreadable(files[1]):
        _, answers = source.read(source.folder("INBOX"))
        (bad,) = [answer.ref for answer in answers if isinstance(answer, Failure)]
        (again,) = source.fetch([bad])
        assert isinstance(again, Failure)
    (message,) = source.fetch([bad])
    source.close()
    assert isinstance(message, Message)
    assert b"".join(message.raw) == b"Subject: 1\r\n\r\n1\r\n"


def test_a_folder_that_cannot_be_read_is_refused_and_stays_listed(server: Dovecot, user: str) -> None:
    """Dovecot lists it as \\Noselect once it knows; a directory whose mail is out of reach was not deleted."""
    mails(server, user, "Büro", 2)
    mails(server, user, "Büro/Alt", 2)
    mails(server, user, "other", 2)
    source = Opened(server, user)
    below = source.folder("Büro", "Alt")
    with unreadable(server.maildir(user, "Büro")):
        for _ in range(3):
            source.close()
            source = Opened(server, user)
            with pytest.raises(FolderRefused, match="folder Büro: ") as caught:
                source.read(source.folder("Büro"))
            assert caught.value.advice
            with pytest.raises(FolderRefused, match="folder Büro"):
                source.count(source.folder("Büro"))
            with pytest.raises(FolderRefused, match="folder Büro/Alt: "):
                source.read(below)
            assert len(source.read(source.folder("other"))[1]) == 2
            assert source.sessions == 1
        listed = source.folder("Büro")
    assert len(source.read(listed)[1]) == 2
    source.close()


def test_a_folder_known_to_be_out_of_reach_is_not_selectable(server: Dovecot, user: str) -> None:
    with server.client(user) as client:
        client.create("locked")
        with unreadable(server.maildir(user, "locked")):
            client.list()
            client.select("locked")
            source = Opened(server, user)
            list(source.folders())
            folder = source.folder("locked")
            # Without LIST-STATUS the server does not look into it, and does not know yet.
            assert folder.selectable == ("LIST-STATUS" not in source.capabilities.extensions)
            assert folder.stamp == ""
            with pytest.raises(FolderRefused):
                source.read(folder)
            source.close()


def test_a_deleted_folder_that_others_are_below_is_gone_though_it_is_listed(server: Dovecot, user: str) -> None:
    mails(server, user, "top", 2)
    mails(server, user, "top/below", 2)
    source = Opened(server, user)
    assert source.folder("top").selectable
    with server.client(user) as client:
        client.delete("top")
    folder = source.folder("top")
    assert not folder.selectable
    with pytest.raises(FolderGone):
        source.read(folder)
    with pytest.raises(FolderGone):
        source.count(folder)
    assert len(source.read(source.folder("top", "below"))[1]) == 2
    source.close()


def test_starttls_on_a_port_of_tls() -> None:
    with Dovecot(users=["alice"], tls=True) as server:
        for tls in ("starttls", "off"):
            settings = ImapSettings(server.host, server.tls_port, tls=tls, ca_file=server.ca_file, connect_timeout=0.5)
            with pytest.raises(Unreachable, match="greeting") as caught:
                CONNECTOR.open_source(settings, ImapMailbox("alice", lambda: server.password))
            assert "implicit" in caught.value.advice
