"""The Graph target keeps every promise, by each of its ways, on a calm service and on one with all its oddities."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from connectors.graph import GraphMailbox, GraphSettings
from connectors.graph.client import Client
from connectors.graph.limiter import Limiters
from connectors.graph.source import GraphSource
from connectors.graph.writing.target import GraphTarget
from connectors.model import Folder
from connectors.protocols import Source, Target
from connectors.testing.driver import NotTaken, Path
from connectors.testing.promises.losses import LossPromises
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite
from fixtures.exchange.item import Flags
from fixtures.graph import Drop, Fault, GraphServer, Lose, Quirks

NUMBERS = count(1)
SYSTEM = frozenset({"\\Seen", "\\Flagged"})
KEPT = 1000
"""Links that the service remembers of a folder: each look is by a new session of the Source."""
WILD = replace(Quirks.wild(), generations=KEPT, repeats=0.0)
"""But for rows told twice, which the Source passes on where they come last: the suite looks at their order."""

LAST: dict[Write, tuple[str, str]] = {
    "append": ("POST", "/mailFolders/{}/messages$|/move$"),
    "set_flags": ("PATCH", "/messages/"),
    "move": ("POST", "/move$"),
    "remove": ("DELETE", "/messages/"),
}
"""The request by which a write comes to be. A message is made in its folder, or comes into it by a move."""


class GraphTargetDriver:
    """A user of its own. Its hand is in the store itself, and not behind Graph."""

    def __init__(self, server: GraphServer, settings: GraphSettings) -> None:
        self.server, self.settings = server, settings
        self.address = f"user{next(NUMBERS)}@corp.example"
        self.mailbox = server.mailbox(self.address)
        self.mailbox.pace = 1.0
        self._stack = ExitStack()

    def create_folder(self, path: Path) -> None:
        self.mailbox.make_folder(path[-1], self._id(path[:-1]))

    def rename_folder(self, path: Path, to: Path) -> None:
        raise AssertionError("the suite for targets does not call it")

    def delete_folder(self, path: Path) -> None:
        self.mailbox.delete_folder(self._id(path))

    def lock_folder(self, path: Path) -> None:
        self.mailbox.lock_folder(self._id(path))

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        return self.mailbox.deliver(self._id(path), raw, arrived_at, flags=_flags(flags)).immutable_id

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        if not flags <= SYSTEM:
            raise NotTaken(f"Exchange has no {sorted(flags - SYSTEM)}")
        wanted = _flags(flags)
        self.mailbox.set_flags(name, read=wanted.read, follow_up=wanted.follow_up)

    def expunge(self, path: Path, name: str) -> None:
        self.mailbox.delete(name)

    def move(self, path: Path, name: str, to: Path) -> str:
        raise AssertionError("the suite for targets does not call it")

    def raw(self, path: Path, name: str) -> bytes:
        return self.mailbox.mime(name)

    def open(self) -> Source:
        client = Client(self.settings, GraphMailbox(self.address))
        client.page = 5
        self._stack.callback(client.close)
        return GraphSource(client)

    def open_target(self) -> Target:
        client = Client(self.settings, GraphMailbox(self.address))
        self._stack.callback(client.close)
        return GraphTarget(client, self.settings)

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        """The fault is added with the first call: others may write to the mailbox before it."""
        target = self.open_target()
        act, armed = getattr(target, write), [True]
        method, path = LAST[write]

        def lose(first: Any, *more: Any) -> Any:
            if armed:
                armed.clear()
                place = quote(first.id, safe="") if isinstance(first, Folder) else ""
                fault: Fault = Lose(0) if happened else Drop()
                self.server.faults.add(fault, method=method, path=path.format(place), mailbox=self.address)
            return act(first, *more)

        setattr(target, write, lose)
        return target

    def fill(self) -> None:
        self.mailbox.full = True

    def renumber(self, path: Path) -> None:
        raise NotTaken("Graph's immutable ids stay as long as the mailbox does, and a restore makes another mailbox")

    def close(self) -> None:
        self._stack.close()

    def _id(self, path: Path) -> str:
        if not path:
            return "msgfolderroot"
        return self.mailbox.folder("/".join(["Inbox" if path[0] == "INBOX" else path[0], *path[1:]])).id


def _flags(flags: frozenset[str]) -> Flags:
    return Flags(read="\\Seen" in flags, follow_up="flagged" if "\\Flagged" in flags else "notFlagged")


def settings_of(server: GraphServer, writing: str) -> GraphSettings:
    """With limits that are counted by the service's own clock."""
    where = server.base_url, server.authority, server.ca_file
    certificate = server.certificate_file.read_text
    settings = GraphSettings(server.tenant, server.client_id, certificate, *where, writing=writing)
    object.__setattr__(settings, "limiters", Limiters(server.clock.now))
    return settings


Service = tuple[GraphServer, GraphSettings]


@pytest.fixture(scope="module")
def services() -> Iterator[Callable[[str, str], Service]]:
    """One of a kind for all tests, with settings that keep its token; each test has a user of its own."""
    with ExitStack() as stack:

        @cache
        def start(kind: str, writing: str) -> Service:
            quirks = {"calm": Quirks(generations=KEPT), "odd": WILD}[kind]
            server = stack.enter_context(GraphServer(seed=4, quirks=quirks))
            return server, settings_of(server, writing)

        yield start


class GraphTargets:
    """The fixture for a way of writing and a kind of service."""

    large = 5 << 20
    kind = "calm"
    writing: str

    @pytest.fixture
    def driver(self, services: Callable[[str, str], Service]) -> Iterator[GraphTargetDriver]:
        server, settings = services(self.kind, self.writing)
        with closing(GraphTargetDriver(server, settings)) as driver:
            yield driver
        assert server.log.most_at_once(driver.address) <= 4
        assert server.log.leaks() == []


class TestImporting(GraphTargets, TargetSuite):
    writing = "import"


class TestComposing(GraphTargets, TargetSuite):
    writing = "compose"


class TestImportingWithOddities(GraphTargets, LossPromises):
    """The other promises are kept there in the rain: test_graph_target_rain."""

    kind, writing = "odd", "import"


class TestComposingWithOddities(GraphTargets, LossPromises):
    kind, writing = "odd", "compose"


@pytest.mark.proof
class TestImportingWithAllPromisesAndOddities(GraphTargets, TargetSuite):
    kind, writing = "odd", "import"


@pytest.mark.proof
class TestComposingWithAllPromisesAndOddities(GraphTargets, TargetSuite):
    kind, writing = "odd", "compose"
