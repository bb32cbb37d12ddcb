"""The simulator's limits and faults over HTTP, and its own log of what was asked."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.graph import EVER, Act, Answer, Clock, Cut, Drop, GraphServer, Lose, Response, Slow
from fixtures.graph.client import Client
from tests.tenancy import alice_fixture, client_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `client` and its like

# Limits


def test_a_fifth_at_once_is_too_many(client: Client, server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    gate = threading.Event()
    server.faults.add(Slow(gate, at=10), path="/\\$value", times=4)
    with ThreadPoolExecutor(4) as pool:
        path = f"messages/{item.immutable_id}/$value"
        waiting = [pool.submit(client_get, server, path) for _ in range(4)]
        server.log.wait_for(4, path="$value", status=200)
        answer = client.ask("GET", "mailFolders/inbox")
        gate.set()
        assert [each.result() for each in waiting] == [200] * 4
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == (
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
    )
    assert server.log.most_at_once(alice.address) == 5
    assert client.ask("GET", "mailFolders/inbox").status_code == 200


def client_get(server: GraphServer, path: str, address: str = "alice@corp.example") -> int:
    with Client(server, address) as client:
        return client.ask("GET", path).status_code


def test_four_in_turn_are_never_too_many(server: GraphServer, alice: Mailbox) -> None:
    """A place is free for whoever has read all of the answer before."""
    ids = [alice.deliver("inbox", plain(number)).immutable_id for number in range(4)]

    def read(name: str) -> set[int]:
        with Client(server, alice.address) as client:
            return {client.ask("GET", f"messages/{name}/$value").status_code for _ in range(40)}

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(read, ids)) == {200}
    assert 1 < server.log.most_at_once(alice.address) <= 4


def test_mailboxes_do_not_share_their_places(server: GraphServer) -> None:
    gate = threading.Event()
    server.mailbox("bob@corp.example")
    server.faults.add(Slow(gate), mailbox="alice@corp.example", times=4)
    server.mailbox("alice@corp.example")
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(client_get, server, "mailFolders") for _ in range(4)]
        server.log.wait_for(4, mailbox="alice@corp.example", status=200)
        assert client_get(server, "mailFolders", "bob@corp.example") == 200
        gate.set()
        assert [each.result() for each in waiting] == [200] * 4


def test_a_budget_of_requests(client: Client, server: GraphServer, clock: Clock) -> None:
    server.limits.requests = 3
    answers = [client.ask("GET", "mailFolders/inbox") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    wait = int(answers[3].headers["Retry-After"])
    assert 590 < wait <= 600
    clock.advance(wait)
    assert client.ask("GET", "mailFolders/inbox").status_code == 200
    assert server.log.early() == []


def test_a_budget_of_uploads(client: Client, server: GraphServer, clock: Clock) -> None:
    server.limits.upload = 1000
    told = {"subject": "x" * 600}
    statuses = [client.ask("POST", "messages", json=told).status_code for _ in range(2)]
    assert statuses == [201, 429]
    clock.advance(301)
    assert client.ask("POST", "messages", json=told).status_code == 201


# Faults


def test_a_service_that_is_busy(client: Client, server: GraphServer) -> None:
    server.faults.add(Answer(503), path="mailFolders", after=1, times=2)
    answers = [client.ask("GET", "mailFolders") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 503, 503, 200]
    assert "Retry-After" not in answers[1].headers


def test_json_where_mime_should_be(client: Client, server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    server.faults.add(Answer(response=Response(200, {"value": "not mail"})), path="/\\$value")
    answer = client.ask("GET", f"messages/{item.id}/$value")
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "application/json")


def test_what_was_done_and_not_answered(client: Client, server: GraphServer, alice: Mailbox) -> None:
    server.faults.add(Lose(504), method="POST", path="messages$")
    server.faults.add(Lose(0), method="POST", path="messages$")
    assert client.ask("POST", "messages", json={"subject": "one"}).status_code == 504
    with pytest.raises(requests.ConnectionError):
        client.ask("POST", "messages", json={"subject": "two"})
    assert [item.content.subject for item in alice.items("drafts")] == ["one", "two"]


def test_a_connection_that_is_dropped(client: Client, server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", large(1, 200_000))
    path = f"messages/{item.immutable_id}/$value"
    server.faults.add(Cut(at=70_000), path="/\\$value")
    server.faults.add(Drop(), path="/\\$value")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.ask("GET", path)
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", path)
    assert len(client.ask("GET", path).content) > 200_000
    entries = server.log.entries(path="$value")
    assert [(each.cut, each.body_bytes) for each in entries[:2]] == [(True, 70_000), (True, 0)]
    assert server.log.read_twice() == []
    client.ask("GET", path)
    assert [path in each for each in server.log.read_twice()] == [True]


def test_a_token_that_ends_in_the_middle(client: Client, server: GraphServer) -> None:
    server.faults.add(Act(server.login.revoke), path="mailFolders", after=1)
    assert [client.ask("GET", "mailFolders").status_code for _ in range(3)] == [200, 401, 401]
    client.token = server.login.give()
    assert client.ask("GET", "mailFolders").status_code == 200


def test_the_mailbox_changes_under_the_readers_feet(client: Client, server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    server.faults.add(Act(lambda: alice.move(item.immutable_id, "archive")), path="/\\$value")
    assert client.error("GET", f"messages/{item.id}/$value") == (404, "ErrorItemNotFound")


def test_a_fault_that_does_not_happen_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="never happened"), GraphServer() as server:
        server.faults.add(Answer(503), path="nowhere", times=EVER)
    with pytest.raises(AssertionError, match="never happened"), GraphServer() as server:  # noqa: PT012
        server.mailbox("alice@corp.example")
        server.faults.add(Answer(503), path="mailFolders", times=2)
        assert client_get(server, "mailFolders") == 503


def test_bad_weather_is_the_same_for_the_same_seed() -> None:
    seen = []
    for seed in (1, 1, 2):
        with GraphServer(seed=seed) as server, Client(server, "alice@corp.example") as client:
            server.mailbox("alice@corp.example")
            server.faults.rain(0.4, Answer(503), Answer(500), Lose(504))
            seen.append([client.ask("GET", "mailFolders").status_code for _ in range(30)])
    assert seen[0] == seen[1] != seen[2]
    assert set(seen[0]) == {200, 500, 503, 504}


# The log


def test_the_log_tells_what_was_asked(client: Client, server: GraphServer, alice: Mailbox) -> None:
    client.ask("GET", "mailFolders/inbox?$select=id", headers={"client-request-id": "not a uuid"})
    mine = "0a1b2c3d-0000-4000-8000-000000000001"
    answer = client.ask("GET", "mailFolders", headers={"client-request-id": mine})
    assert answer.headers["client-request-id"] == mine
    first, second = server.log.entries(mailbox=alice.address)
    assert (first.method, first.path, first.status) == ("GET", f"/v1.0/users/{alice.address}/mailFolders/inbox", 200)
    assert (second.body_bytes, second.concurrency) == (len(answer.content), 1)
    assert first.started <= first.ended <= second.started
    assert "authorization" not in {name.lower() for name in first.headers}
    server.log.forget()
    assert server.log.entries() == []


def test_many_servers_at_once() -> None:
    def serve(seed: int) -> int:
        with GraphServer(seed=seed) as server:
            server.mailbox("alice@corp.example")
            return client_get(server, "mailFolders")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(serve, range(24))) == {200}
