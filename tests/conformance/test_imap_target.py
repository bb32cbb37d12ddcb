"""The IMAP target keeps every promise on Dovecot with QRESYNC, CONDSTORE, neither, on Cyrus, Courier and Exchange."""

import imaplib
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from functools import cache
from itertools import count

import pytest
from imapclient.imap_utf7 import encode as encode_utf7

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.imap.writing.target import ImapTarget
from connectors.protocols import Target
from connectors.testing.driver import NotTaken, Path
from connectors.testing.promises.appends import AppendPromises
from connectors.testing.promises.edits import EditPromises
from connectors.testing.promises.losses import LossPromises
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite
from fixtures.servers.courier import Courier
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.imap_sim import Dialect, Exchange, Gmail, ImapSim
from fixtures.servers.losing import Losing
from fixtures.servers.mail_server import MailServer

NUMBERS = count(1)
USERS = 100
ROOM = 30_000
"""Kilobytes that each user may hold on Dovecot."""

QUOTA = f"""
plugin {{
  quota = count:all
  quota_vsizes = yes
  quota_rule = *:storage={ROOM}K
  quota_grace = 0
}}
"""

LOST: dict[tuple[Write, bool], bytes] = {
    ("append", True): rb"APPEND ",
    ("append", False): rb"APPEND ",
    ("set_flags", True): rb"UID STORE ",
    ("set_flags", False): rb"UID STORE ",
    ("move", True): rb"UID MOVE |UID EXPUNGE ",
    ("move", False): rb"UID MOVE |UID COPY ",
    ("remove", True): rb"UID EXPUNGE ",
    ("remove", False): rb"UID STORE ",
}
"""The command that a session dies at, by the write and whether it happened."""


class ImapTargetDriver:
    """A user of its own on a shared server; changes go through imaplib, the Source looks, the Target is tested."""

    def __init__(self, server: MailServer, user: str) -> None:
        self._server, self._user = server, user
        self._client = server.client(user)
        self._stack = ExitStack()

    def create_folder(self, path: Path) -> None:
        status, _ = self._client.create(self._name(path))
        if status != "OK":
            raise NotTaken(path)

    def rename_folder(self, path: Path, to: Path) -> None:
        raise AssertionError("the suite for targets does not call it")

    def delete_folder(self, path: Path) -> None:
        self._do(self._client.delete(self._name(path)))

    def lock_folder(self, path: Path) -> None:
        raise NotTaken("this server knows no folders that cannot be opened")

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        date = arrived_at.strftime("%d-%b-%Y %H:%M:%S %z")
        self._client.send(
            f'W1 APPEND {self._name(path)} ({" ".join(sorted(flags))}) "{date}" {{{len(raw)}}}\r\n'.encode()
        )
        while not (line := self._client.readline()).startswith(b"+"):
            if line.startswith(b"W1"):
                raise NotTaken(line)
        self._client.send(raw + b"\r\n")
        while not (line := self._client.readline()).startswith(b"W1 "):
            assert line, "the server closed the connection"
        if not line.startswith(b"W1 OK"):
            raise NotTaken(line)
        return line.decode().partition("APPENDUID ")[2].split()[1].rstrip("]")

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        self._select(path)
        self._do(self._client.uid("STORE", name, "FLAGS.SILENT", f"({' '.join(sorted(flags))})"))

    def expunge(self, path: Path, name: str) -> None:
        self._select(path)
        self._do(self._client.uid("STORE", name, "+FLAGS.SILENT", "(\\Deleted)"))
        self._do(self._client.uid("EXPUNGE", name))

    def move(self, path: Path, name: str, to: Path) -> str:
        raise AssertionError("the suite for targets does not call it")

    def raw(self, path: Path, name: str) -> bytes:
        raise AssertionError("the suite for targets does not call it")

    def open(self) -> ImapSource:
        source = ImapSource.open(self._settings(self._server.port), self._mailbox())
        self._stack.callback(source.close)
        return source

    def open_target(self) -> Target:
        return self._open_target(self._server.port)

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        proxy = self._stack.enter_context(Losing(self._server.port, LOST[write, happened], happened=happened))
        return self._open_target(proxy.port)

    def fill(self) -> None:
        raise NotTaken("this server has no quota")

    def renumber(self, path: Path) -> None:
        raise NotTaken("this server does not lose its numbers on demand")

    def close(self) -> None:
        self._client.logout()
        self._stack.close()

    def _open_target(self, port: int) -> ImapTarget:
        target = ImapTarget(connect(self._settings(port), self._mailbox()))
        self._stack.callback(target.close)
        return target

    def _settings(self, port: int) -> ImapSettings:
        return ImapSettings(self._server.host, port, tls="off", timeout=20)

    def _mailbox(self) -> ImapMailbox:
        return ImapMailbox(self._user, lambda: self._server.password)

    def _select(self, path: Path) -> None:
        self._do(self._client.select(self._name(path)))

    def _do(self, answer: tuple[str, list[bytes]]) -> None:
        assert answer[0] == "OK", answer

    def _name(self, path: Path) -> str:
        text = encode_utf7(self._server.separator.join(path)).decode("ascii")
        name = text if path[0] == "INBOX" else self._server.prefix + text
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class DovecotDriver(ImapTargetDriver):
    _server: Dovecot

    def lock_folder(self, path: Path) -> None:
        directory = self._server.maildir(self._user, "/".join(path))
        directory.chmod(0)
        self._stack.callback(directory.chmod, 0o700)

    def fill(self) -> None:
        size = ROOM * 1000
        raw = b"Subject: ballast\r\n\r\n" + b"".join(b"%075d\r\n" % line for line in range(size // 77))
        self.append(("INBOX",), raw, frozenset(), datetime.fromisoformat("2024-01-01T00:00:00+00:00"))

    def renumber(self, path: Path) -> None:
        """As if its indexes had been lost: what is on disk gets another numbering."""
        directory = self._server.maildir(self._user, "/".join(path))
        uidlist = directory / "dovecot-uidlist"
        text = uidlist.read_text()
        for index in directory.glob("dovecot.index*"):
            index.unlink()
        new = re.sub(r"^3 V(\d+)", lambda match: f"3 V{int(match[1]) + 1}", text, count=1)
        uidlist.write_text(re.sub(r" G\w+", f" G{uuid.uuid4().hex}", new, count=1))


class CyrusDriver(ImapTargetDriver):
    _server: CyrusImap

    def lock_folder(self, path: Path) -> None:
        self._as_admin("setacl", self._admin_name(path), self._user, "l")

    def fill(self) -> None:
        self._as_admin("setquota", self._admin_name(()), "(STORAGE 0)")

    def _admin_name(self, path: Path) -> str:
        return f'"{self._server.separator.join(("user", self._user, *path))}"'

    def _as_admin(self, verb: str, *arguments: str) -> None:
        with self._server.client("admin") as admin:
            self._do(getattr(admin, verb)(*arguments))


class CourierDriver(ImapTargetDriver):
    _server: Courier

    def fill(self) -> None:
        (self._server.maildir(self._user, "INBOX") / "maildirsize").write_text("1000S\n")

    def renumber(self, path: Path) -> None:
        """As if they had been lost: the first line is a version, the UIDVALIDITY and the next UID."""
        numbers = self._server.maildir(self._user, self._name(path).strip('"')) / "courierimapuiddb"
        version, uidvalidity, rest = numbers.read_text().split(" ", 2)
        numbers.write_text(f"{version} {int(uidvalidity) + 1} {rest}")


class ExchangeDriver(ImapTargetDriver):
    _server: "Imitation"

    def renumber(self, path: Path) -> None:
        self._server.account(self._user).renumber("/".join(path))


class Imitation(ImapSim):
    """Of a server that cannot be run here, as a MailServer."""

    separator, prefix, tls_port = "/", "", 0

    def client(self, user: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self.host, self.port, timeout=30)
        client.login(user, self.password)
        return client

    def commands(self, user: str) -> list[str]:
        raise AssertionError("it keeps no logs")

    def forget_commands(self, user: str) -> None:
        raise AssertionError("it keeps no logs")


IMITATED: dict[str, Callable[[], Dialect]] = {"exchange": Exchange, "gmail": Gmail}


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], MailServer]]:
    """One server a kind, for all tests; each test has a user of its own."""
    with ExitStack() as stack:
        users = [f"user{number}" for number in range(USERS)]

        @cache
        def start(kind: str) -> MailServer:
            if kind == "cyrus":
                return stack.enter_context(CyrusImap(users=users))
            if kind in IMITATED:
                return stack.enter_context(Imitation(IMITATED[kind]()))
            if kind == "courier":
                return stack.enter_context(Courier(users=users))
            return stack.enter_context(Dovecot(users=users, capability=kind, plugins="quota imap_quota", logins=QUOTA))

        yield start


class OnServer:
    kind = ""
    make: type[ImapTargetDriver] = DovecotDriver

    @pytest.fixture
    def driver(self, servers: Callable[[str], MailServer]) -> Iterator[ImapTargetDriver]:
        with closing(self.make(servers(self.kind), f"user{next(NUMBERS) % USERS}")) as driver:
            yield driver


class TestOnDovecot(OnServer, TargetSuite):
    kind = "qresync"


class TestOnDovecotWithCondstore(OnServer, EditPromises, LossPromises):
    """What the extension makes a difference to."""

    kind = "condstore"


class TestOnDovecotWithNeither(OnServer, EditPromises, LossPromises):
    """What the extension makes a difference to."""

    kind = "plain"


class TestOnCyrus(OnServer, TargetSuite):
    kind = "cyrus"
    make = CyrusDriver


class TestOnCourier(OnServer, TargetSuite):
    kind = "courier"
    make = CourierDriver


class TestOnExchange(OnServer, AppendPromises, EditPromises):
    """An imitation of it, which makes MIME anew and keeps no keywords."""

    kind = "exchange"
    make = ExchangeDriver


class TestOnGmail(OnServer, EditPromises, LossPromises):
    """An imitation of it, whose folders are labels."""

    kind = "gmail"
    make = ImapTargetDriver
