"""The Graph target keeps every promise also where it appends by IMAP."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest

from connectors.graph import GraphSettings
from connectors.protocols import Target
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite
from fixtures.graph import GraphServer, Quirks
from fixtures.graph.imap import HOST, SharedImap
from fixtures.servers.scripted_imap import CUT
from tests.conformance.test_graph_target import KEPT, GraphTargetDriver, settings_of

Service = tuple[GraphServer, SharedImap, GraphSettings]


class ImapTargetDriver(GraphTargetDriver):
    """As by Graph alone, but that what is appended is lost on another connection."""

    def __init__(self, server: GraphServer, imap: SharedImap, settings: GraphSettings) -> None:
        super().__init__(server, settings)
        self._account = imap.account(self.address)
        self._imap = imap

    def open_target(self) -> Target:
        target = super().open_target()
        self._stack.callback(target.close)
        return target

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        """Armed with the first call, as by Graph alone."""
        if write != "append":
            return super().open_losing(write, happened=happened)
        target, armed = self.open_target(), [True]
        append = target.append

        def losing(*told: Any) -> Any:
            if armed:
                armed.clear()
                self._lose(happened=happened)
            return append(*told)

        target.append = losing  # type: ignore[method-assign]
        return target

    def _lose(self, *, happened: bool) -> None:
        if not happened:
            self._imap.trouble(self.address, "APPEND", CUT)
            return
        add = self._account.add

        def lost(*told: Any, **more: Any) -> int:
            add(*told, **more)
            del self._account.add  # type: ignore[misc]  # the one of the class is there again
            raise ConnectionAbortedError

        self._account.add = lost  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with ExitStack() as stack:
        server = stack.enter_context(GraphServer(seed=4, quirks=Quirks(generations=KEPT)))
        imap = stack.enter_context(SharedImap(server))
        settings = settings_of(server, "compose")
        limiters = settings.limiters
        settings = replace(settings, writing="imap", imap_host=HOST, imap_port=imap.port)
        object.__setattr__(settings, "limiters", limiters)
        yield server, imap, settings


class TestByImap(TargetSuite):
    large = 5 << 20

    @pytest.fixture
    def driver(self, service: Service) -> Iterator[ImapTargetDriver]:
        with closing(ImapTargetDriver(*service)) as driver:
            yield driver
        assert service[0].log.most_at_once(driver.address) <= 4
