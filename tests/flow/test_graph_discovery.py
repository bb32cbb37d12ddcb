"""`mailbox discover` over Microsoft 365: who has a mailbox in the tenant, and which of them are not covered."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.errors import AppRefused, ConfigError, ProtocolError, Throttled
from connectors.graph import CONNECTOR, GraphMailbox
from fixtures.graph import Answer, GraphServer, Response
from fixtures.graph.directory import Person, guest
from tests.flow.test_graph import ALICE, settings_of
from tests.flow.test_graph_commands import Desk, desk  # noqa: F401 - a fixture

BOB, CAROL = "bob@corp.example", "carol@corp.example"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer(seed=4) as server:
        for address in (ALICE, BOB):
            server.mailbox(address)
        yield server


def found(server: GraphServer) -> set[str]:
    return set(CONNECTOR.discover(settings_of(server), GraphMailbox(ALICE)))


def test_everyone_who_may_have_a_mailbox(server: GraphServer) -> None:
    server.tenant_data.people += [
        Person("service@corp.example"),
        Person("Shared@corp.example", "Desk@corp.example", kind=None),
        guest("visitor@elsewhere.example"),
        replace(guest("other@elsewhere.example"), kind=None),
    ]
    assert found(server) == {ALICE, BOB, "desk@corp.example"}


def test_a_large_tenant_comes_in_pages(server: GraphServer) -> None:
    server.tenant_data.people += [
        Person(f"u{number}@corp.example", f"u{number}@corp.example") for number in range(2100)
    ]
    assert len(found(server)) == 2102
    assert len(server.log.entries(path="/v1.0/users")) == 3


def test_no_request_touches_a_mailbox(server: GraphServer) -> None:
    found(server)
    assert [each.mailbox for each in server.log.entries() if each.mailbox] == []


def test_a_link_to_another_host_is_not_followed(server: GraphServer) -> None:
    elsewhere = {"value": [], "@odata.nextLink": "https://127.0.0.1:1/v1.0/users?$skiptoken=1"}
    server.faults.add(Answer(response=Response(200, elsewhere)), path="/users")
    with pytest.raises(ProtocolError, match="another host"):
        found(server)


def test_what_is_wrong_is_said(server: GraphServer) -> None:
    server.tenant_data.roles = {"Mail.Read"}
    with pytest.raises(ConfigError, match="Authorization_RequestDenied") as caught:
        found(server)
    assert "User.Read.All" in caught.value.advice
    assert "API permissions" in caught.value.advice
    server.faults.add(Answer(429, retry_after=30), path="/users")
    with pytest.raises(Throttled, match="listing its users"):
        found(server)
    server.tenant_data.installed = False
    with pytest.raises(AppRefused, match="AADSTS"):
        found(server)


MORE = '[[mailbox]]\nid = "carol"\nprimary = {{ source = "m365", address = "{}" }}\n'


@pytest.mark.parametrize("by", ["Carol@corp.example", "c.smith@corp.onmicrosoft.example", "c.old@corp.example", "id"])
def test_whatever_name_the_configuration_has_for_it(server: GraphServer, desk: Desk, by: str) -> None:  # noqa: F811
    """The address, the user principal name, an older address, the object id, in any case."""
    aliases = ("c.old@corp.example",)
    carol = Person("c.smith@corp.onmicrosoft.example", "Carol@corp.example", aliases=aliases)
    server.tenant_data.people.append(carol)
    with desk.file.open("a") as file:
        file.write(MORE.format(carol.row()["id"].upper() if by == "id" else by))
    code, lines, _ = desk.type_lines("mailbox", "discover", "m365")
    assert code == 0
    assert {line["name"]: line["covered_by"] for line in lines} == {ALICE: ALICE, BOB: None, CAROL: "carol"}


def test_before_any_mailbox_is_configured(server: GraphServer, desk: Desk) -> None:  # noqa: F811
    desk.file.write_text(desk.file.read_text().partition("[[mailbox]]")[0])
    code, lines, _ = desk.type_lines("mailbox", "discover", "m365")
    assert (code, {line["name"] for line in lines}) == (0, {ALICE, BOB})
    code, told, _ = desk.type("mailbox", "discover", "m365", "--as", "nobody@corp.example")
    assert (code, told["error"]["code"]) == (2, "ConfigError")
    server.tenant_data.roles.clear()
    code, told, _ = desk.type("mailbox", "discover", "m365")
    assert (code, told["error"]["code"]) == (2, "ConfigError")
    assert "User.Read.All" in told["error"]["advice"]
