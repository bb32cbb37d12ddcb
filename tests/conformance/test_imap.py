"""The IMAP source keeps every promise against Dovecot, with QRESYNC, with CONDSTORE alone and with neither."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path as FilePath

import pytest
from imapclient.imap_utf7 import encode as encode_utf7

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.source import ImapSource
from connectors.testing.driver import NotTaken, Path
from connectors.testing.suite import SourceSuite
from fixtures.servers.dovecot import Dovecot

NUMBERS, USERS = count(1), 60


class ImapDriver:
    """A user of its own on a shared server; changes go through imaplib, the Source under test reads."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self._server, self._user = server, user
        self._client = server.client(user)
        self._opened: list[ImapSource] = []
        self._locked: list[FilePath] = []

    def create_folder(self, path: Path) -> None:
        status, _ = self._client.create(_name(path))
        if status != "OK":
            raise NotTaken(path)

    def rename_folder(self, path: Path, to: Path) -> None:
        self._do(self._client.rename(_name(path), _name(to)))

    def delete_folder(self, path: Path) -> None:
        self._do(self._client.delete(_name(path)))

    def lock_folder(self, path: Path) -> None:
        self._locked.append(self._server.maildir(self._user, "/".join(path)))
        self._locked[-1].chmod(0)

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        if not raw:
            raise NotTaken("Dovecot takes no empty message by APPEND")
        date = arrived_at.strftime("%d-%b-%Y %H:%M:%S +0000")
        head = f'APPEND {_name(path)} ({" ".join(sorted(flags))}) "{date}" '.encode()
        return self._send(head + b"{%d+}\r\n%b" % (len(raw), raw)).partition("APPENDUID ")[2].split()[1].rstrip("]")

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        self._select(path)
        self._do(self._client.uid("STORE", name, "FLAGS.SILENT", f"({' '.join(sorted(flags))})"))

    def expunge(self, path: Path, name: str) -> None:
        self._select(path)
        self._do(self._client.uid("STORE", name, "+FLAGS.SILENT", "(\\Deleted)"))
        self._do(self._client.uid("EXPUNGE", name))

    def move(self, path: Path, name: str, to: Path) -> str:
        self._select(path)
        self._do(self._client.uid("MOVE", name, _name(to)))
        return self._client.untagged_responses.pop("COPYUID")[-1].split()[2].decode()

    def raw(self, path: Path, name: str) -> bytes:
        self._select(path)
        _, rows = self._client.uid("FETCH", name, "(BODY.PEEK[])")
        return rows[0][1]

    def open(self) -> ImapSource:
        settings = ImapSettings(self._server.host, self._server.port, tls="off", timeout=20)
        session = connect(settings, ImapMailbox(self._user, lambda: self._server.password))
        self._opened.append(ImapSource(session, window=2))
        return self._opened[-1]

    def close(self) -> None:
        for source in self._opened:
            source.close()
        self._client.logout()
        for directory in self._locked:
            directory.chmod(0o700)

    def _select(self, path: Path) -> None:
        self._do(self._client.select(_name(path)))

    def _do(self, answer: tuple[str, list[bytes]]) -> None:
        assert answer[0] == "OK", answer

    def _send(self, command: bytes) -> str:
        """imaplib's own APPEND would change the bytes."""
        self._client.send(b"W1 " + command + b"\r\n")
        while not (line := self._client.readline()).startswith(b"W1 "):
            assert line, "the server closed the connection"
        if not line.startswith(b"W1 OK"):
            raise NotTaken(line)
        return line.decode()


def _name(path: Path) -> str:
    text = encode_utf7("/".join(path)).decode("ascii")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], Dovecot]]:
    """One server a capability, for all tests; each test has a user of its own."""
    with ExitStack() as stack:

        @cache
        def start(capability: str) -> Dovecot:
            users = [f"user{number}" for number in range(USERS)]
            return stack.enter_context(Dovecot(users=users, capability=capability))

        yield start


class ImapSuite(SourceSuite):
    capability = ""

    @pytest.fixture
    def driver(self, servers: Callable[[str], Dovecot]) -> Iterator[ImapDriver]:
        with closing(ImapDriver(servers(self.capability), f"user{next(NUMBERS) % USERS}")) as driver:
            yield driver


class TestImapWithQresync(ImapSuite):
    capability = "qresync"


class TestImapWithCondstore(ImapSuite):
    capability = "condstore"


class TestImapWithNeither(ImapSuite):
    capability = "plain"
