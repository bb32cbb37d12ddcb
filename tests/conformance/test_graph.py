"""The Graph source keeps every promise: on a calm service, on one with all its oddities, and with sessions that die."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import count
from random import Random
from urllib.parse import quote

import pytest

from connectors.graph import GraphMailbox, GraphSettings
from connectors.graph.client import Client
from connectors.graph.limiter import Limiters
from connectors.graph.source import GraphSource
from connectors.protocols import Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.driver import Path
from connectors.testing.suite import SourceSuite
from fixtures.exchange.item import Flags
from fixtures.graph import EVER, Answer, Cut, Drop, GraphServer, Quirks

NUMBERS = count(1)


class GraphDriver:
    """A user of its own. Its hand is in the store itself, and not behind Graph."""

    def __init__(self, server: GraphServer, settings: GraphSettings) -> None:
        self.server, self.settings = server, settings
        self.address = f"user{next(NUMBERS)}@corp.example"
        self.mailbox = server.mailbox(self.address)
        self._folders: dict[Path, str] = {("INBOX",): self.mailbox.folder("inbox").id, (): "msgfolderroot"}
        self._opened: list[Source] = []

    def create_folder(self, path: Path) -> None:
        self._folders[path] = self.mailbox.make_folder(path[-1], self._folders[path[:-1]]).id

    def rename_folder(self, path: Path, to: Path) -> None:
        self._folders[to] = self._folders.pop(path)
        self.mailbox.rename_folder(self._folders[to], to[-1])

    def delete_folder(self, path: Path) -> None:
        self.mailbox.delete_folder(self._folders.pop(path))

    def lock_folder(self, path: Path) -> None:
        name = self._folders[path]
        refusal = Answer(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        self.server.faults.add(refusal, path=f"({re.escape(name)}|{re.escape(quote(name))})", times=EVER)

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        return self.mailbox.deliver(self._folders[path], raw, arrived_at, flags=_flags(flags)).immutable_id

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        wanted = _flags(flags)
        self.mailbox.set_flags(name, read=wanted.read, follow_up=wanted.follow_up)

    def expunge(self, path: Path, name: str) -> None:
        self.mailbox.delete(name)

    def move(self, path: Path, name: str, to: Path) -> str:
        return self.mailbox.move(name, self._folders[to]).immutable_id

    def edit(self, path: Path, name: str, raw: bytes) -> None:
        self.mailbox.edit(name, raw)

    def raw(self, path: Path, name: str) -> bytes:
        return self.mailbox.mime(name)

    def open(self) -> Source:
        self._opened.append(self.opened())
        return self._opened[-1]

    def opened(self) -> Source:
        """With pages as small as the service makes them."""
        client = Client(self.settings, GraphMailbox(self.address))
        client.page = 2
        return GraphSource(client)

    def close(self) -> None:
        for source in self._opened:
            source.close()


class RestlessDriver(GraphDriver):
    """Sessions that die, and pauses that are asked for. Nobody really waits: the service's clock is moved on."""

    def opened(self) -> Source:
        return Retrying(super().opened, Pauses(attempts=40, lone=6), self.server.clock.advance, Random(7))


def _flags(flags: frozenset[str]) -> Flags:
    return Flags(read="\\Seen" in flags, follow_up="flagged" if "\\Flagged" in flags else "notFlagged")


KEPT = 1000
"""Links that the service remembers of a folder: the suite resumes from all. The real one keeps few: tests/flow."""

SEEDS = [2, *(pytest.param(seed, marks=pytest.mark.proof) for seed in range(3, 12))]
TROUBLES = Answer(503), Answer(500), Answer(429, retry_after=7), Answer(504), Cut(at=10), Drop()
WILD = replace(Quirks.wild(), generations=KEPT, same_link=False)
Service = tuple[GraphServer, GraphSettings]


@pytest.fixture(scope="module")
def services() -> Iterator[Callable[[str, int], Service]]:
    """One of a kind and seed for all tests, with settings that keep its token; each test has a user of its own."""
    with ExitStack() as stack:

        @cache
        def start(kind: str, seed: int) -> Service:
            quirks = {"calm": Quirks(generations=KEPT), "odd": WILD, "troubled": replace(WILD, repeats=0.0)}
            server = stack.enter_context(GraphServer(seed=seed, quirks=quirks[kind]))
            if kind == "troubled":
                server.faults.rain(0.05, *TROUBLES)
            where = server.base_url, server.authority, server.ca_file
            settings = GraphSettings(server.tenant, server.client_id, server.certificate_file.read_text, *where)
            object.__setattr__(settings, "limiters", Limiters(server.clock.now))
            return server, settings

        yield start


class GraphSuite(SourceSuite):
    large = 5 << 20
    kind: str
    driver_class: type[GraphDriver] = GraphDriver

    @pytest.fixture(params=SEEDS)
    def driver(self, services: Callable[[str, int], Service], request: pytest.FixtureRequest) -> Iterator[GraphDriver]:
        server, settings = services(self.kind, request.param)
        with closing(self.driver_class(server, settings)) as driver:
            yield driver
        assert server.log.most_at_once(driver.address) <= 4


class TestGraph(GraphSuite):
    kind = "calm"


class TestGraphWithItsOddities(GraphSuite):
    """Empty pages, rows told twice or again, or in part, removals of what was never there, another link each time."""

    kind = "odd"


class TestGraphInTrouble(GraphSuite):
    """Refusals, pauses, cut bodies and lost connections at every kind of request, on top of the oddities.

    But for rows told twice: a new session does not know what an old one has given, and the suite counts.
    """

    kind, driver_class = "troubled", RestlessDriver
