"""The IMAP source keeps every promise on three servers: with QRESYNC, with CONDSTORE alone and with neither."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from itertools import count
from pathlib import Path as FilePath

import pytest

from connectors.testing.driver import NotTaken, Path
from connectors.testing.suite import SourceSuite
from fixtures.imap_driver import ImapDriver
from fixtures.servers.courier import Courier
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot

NUMBERS, USERS = count(1), [f"user{number}" for number in range(120)]  # more than a class has tests
Server = Dovecot | CyrusImap | Courier


class DovecotDriver(ImapDriver):
    """Dovecot may not read a directory of mode 0."""

    def __init__(self, server: Dovecot, user: str) -> None:
        super().__init__(server, user)
        self._dovecot = server
        self._locked: list[FilePath] = []

    def lock_folder(self, path: Path) -> None:
        self._locked.append(self._dovecot.maildir(self.user, "/".join(path)))
        self._locked[-1].chmod(0)

    def close(self) -> None:
        super().close()
        for directory in self._locked:
            directory.chmod(0o700)


class ListedDriver(ImapDriver):
    """Cyrus and Courier have access lists (RFC 4314), and users may take the right to read from themselves."""

    def lock_folder(self, path: Path) -> None:
        who = "owner" if isinstance(self.server, Courier) else self.user
        status, answer = self.client.setacl(self.name(path), who, "la")
        if status != "OK":
            raise NotTaken(answer)


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str, str], Server]]:
    """One server of a kind, for all tests; each test has a user of its own."""
    with ExitStack() as stack:

        @cache
        def start(kind: str, capability: str) -> Server:
            if kind == "courier":
                return stack.enter_context(Courier(users=USERS))
            make = CyrusImap if kind == "cyrus" else Dovecot
            return stack.enter_context(make(users=USERS, capability=capability))

        yield start


class ImapSuite(SourceSuite):
    driver_class: type[ImapDriver] = DovecotDriver
    kind, capability = "dovecot", "qresync"

    @pytest.fixture
    def driver(self, servers: Callable[[str, str], Server]) -> Iterator[ImapDriver]:
        server = servers(self.kind, self.capability)
        with closing(self.driver_class(server, USERS[next(NUMBERS) % len(USERS)])) as driver:
            yield driver


class TestDovecotWithQresync(ImapSuite):
    pass


class TestDovecotWithCondstore(ImapSuite):
    capability = "condstore"


class TestDovecotWithNeither(ImapSuite):
    capability = "plain"


class TestCyrusWithQresync(ImapSuite):
    kind, driver_class = "cyrus", ListedDriver


class TestCyrusWithCondstore(ImapSuite):
    kind, driver_class, capability = "cyrus", ListedDriver, "condstore"


@pytest.mark.proof
class TestCyrusWithNeither(ImapSuite):
    kind, driver_class, capability = "cyrus", ListedDriver, "plain"


class TestCourier(ImapSuite):
    kind, driver_class = "courier", ListedDriver
