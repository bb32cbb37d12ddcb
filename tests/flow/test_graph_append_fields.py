"""The fidelity contract of docs/microsoft365.md: which fields of the header are lost, by each way of writing."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.graph import GraphMailbox, GraphSettings
from connectors.graph.writing.target import GraphTarget
from connectors.model import Message, Ref
from fixtures.exchange import Mailbox
from fixtures.graph import GraphServer
from fixtures.graph.imap import HOST, SharedImap
from tests.tenancy import alice_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `server` and `alice`

RECEIVED = datetime(2023, 2, 3, 4, 5, 6, tzinfo=UTC)
LOST = {
    "import": set[str](),
    "imap": set[str](),
    "compose": {"received", "return-path", "dkim-signature", "list-id", "list-unsubscribe", "auto-submitted"},
}
"""By the way on which they are lost."""

HEADER = b"""Return-Path: <ann@corp.example>\r
Received: from there by here; Mon, 2 Nov 2026 08:00:01 +0000\r
DKIM-Signature: v=1; d=corp.example; b=abc\r
From: Ann <ann@corp.example>\r
To: Bob <bob@corp.example>\r
Cc: "Doe, J\xc3\xbcrg" <j@corp.example>\r
Reply-To: desk@corp.example\r
Subject: pump\r
Message-ID: <pump@corp.example>\r
In-Reply-To: <order@corp.example>\r
References: <first@corp.example> <order@corp.example>\r
Date: Mon, 2 Nov 2026 08:00:00 +0000\r
List-Id: <pumps.corp.example>\r
List-Unsubscribe: <mailto:off@corp.example>\r
Auto-Submitted: auto-generated\r
X-Pump: 17\r
\r
Here it is.\r
"""


@pytest.fixture
def settings(server: GraphServer) -> Iterator[GraphSettings]:
    where = server.base_url, server.authority, server.ca_file
    with ExitStack() as stack:
        imap = stack.enter_context(SharedImap(server))
        told = GraphSettings(server.tenant, server.client_id, server.certificate_file.read_text, *where)
        yield replace(told, imap_host=HOST, imap_port=imap.port)


@pytest.fixture(params=LOST)
def target(request: pytest.FixtureRequest, settings: GraphSettings, alice: Mailbox) -> Iterator[GraphTarget]:
    target = GraphTarget.open(replace(settings, writing=request.param), GraphMailbox(alice.address))
    yield target
    target.close()


def append(target: GraphTarget, alice: Mailbox, raw: bytes) -> bytes:
    """As it is read back."""
    ref = target.append(target.ensure_folder(("INBOX",)), Message(Ref("", ""), (raw,), received_at=RECEIVED), "op")
    assert isinstance(ref, Ref)
    assert alice.item(ref.id).flags.draft is False
    return alice.mime(ref.id)


def test_fields_of_the_header_stay_but_for_those_that_are_named(
    request: pytest.FixtureRequest, target: GraphTarget, alice: Mailbox
) -> None:
    way = request.node.callspec.params["target"]
    made = append(target, alice, HEADER).partition(b"\r\n\r\n")[0].decode().lower()
    there = {line.partition(":")[0] for line in made.split("\r\n") if not line.startswith((" ", "\t"))}
    asked = {line.partition(":")[0] for line in HEADER.decode().lower().partition("\r\n\r\n")[0].split("\r\n")}
    assert asked - there == LOST[way]
