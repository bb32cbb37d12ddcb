"""A tenant of Microsoft 365 on this machine with one mailbox, and an independent client of it.

from tests.tenancy import alice_fixture, client_fixture, clock_fixture, server_fixture  # noqa: F401
"""

from collections.abc import Iterator

import pytest

from fixtures.exchange import Mailbox
from fixtures.graph import Clock, GraphServer
from fixtures.graph.client import Client


@pytest.fixture(name="clock")
def clock_fixture() -> Clock:
    """The server's, which the test sets."""
    return Clock()


@pytest.fixture(name="server")
def server_fixture(clock: Clock) -> Iterator[GraphServer]:
    """Calm, until a test says otherwise."""
    with GraphServer(seed=5, clock=clock) as server:
        yield server


@pytest.fixture(name="alice")
def alice_fixture(server: GraphServer) -> Mailbox:
    """The only mailbox, empty."""
    return server.mailbox("alice@corp.example")


@pytest.fixture(name="client")
def client_fixture(server: GraphServer, alice: Mailbox) -> Iterator[Client]:
    """Of that mailbox."""
    with Client(server, alice.address) as client:
        yield client
