"""The simulator's authority, as msal sees it: a client of Microsoft's own, which is not ours."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
from msal.exceptions import MsalServiceError

from fixtures.graph import Answer as Told
from fixtures.graph import Drop, GraphServer, Lose
from fixtures.servers.authority import Authority

Answer = dict[str, Any]
ACCESS_DENIED = ("ErrorAccessDenied", "Access is denied. Check credentials and try again.")


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer() as server:
        yield server


@pytest.fixture
def ask(server: GraphServer) -> Iterator[Callable[..., Answer]]:
    """A new application of msal each time, so that nothing comes out of a cache."""
    with requests.Session() as session:
        session.verify, session.trust_env = str(server.ca_file), False

        def ask(**changed: Any) -> Answer:
            file: Path = changed.get("file", server.certificate_file)
            app = msal.ConfidentialClientApplication(
                changed.get("client_id", server.client_id),
                authority=f"{server.authority}/{changed.get('tenant', server.tenant)}",
                client_credential={"private_key": file.read_text(), "public_certificate": changed.get("shown", file)
                                   .read_text()},
                http_client=session,
                instance_discovery=False,
            )  # fmt: skip
            return dict(app.acquire_token_for_client(scopes=[changed.get("scope", server.scope)]))

        yield ask


def get(server: GraphServer, token: str, path: str = "users/alice@corp.example/messages") -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return session.get(f"{server.base_url}/v1.0/{path}", headers=headers, verify=str(server.ca_file), timeout=20)


def told(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, error["code"], error["message"]


def test_a_token_for_a_certificate(server: GraphServer, ask: Callable[..., Answer]) -> None:
    server.mailbox("alice@corp.example")
    answer = ask()
    assert (answer["token_type"], answer["expires_in"], answer["token_source"]) == ("Bearer", 3599, "identity_provider")
    assert get(server, answer["access_token"]).json()["value"] == []


@pytest.mark.parametrize(
    ("changed", "error", "number", "text"),
    [
        ({"client_id": "22222222-2222-4333-8444-555555555555"}, "unauthorized_client", 700016, "was not found in the"),
        ({"scope": "https://graph.microsoft.example/.default"}, "invalid_resource", 500011, "The resource principal"),
        ({"scope": "Mail.Read"}, "invalid_scope", 1002012, "must have a scope value with /.default"),
    ],
)
def test_what_is_refused(ask: Callable[..., Answer], changed: Answer, error: str, number: int, text: str) -> None:
    answer = ask(**changed)
    assert (answer["error"], answer["error_codes"]) == (error, [number])
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    assert text in answer["error_description"]


def test_a_tenant_that_is_not_there(server: GraphServer, ask: Callable[..., Answer]) -> None:
    other = "0a1b2c3d-0000-4000-8000-0000000000ff"
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        ask(tenant=other)
    answer = get(server, "", f"../{other}/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith(f"AADSTS90002: Tenant '{other}' not found.")


def test_an_application_that_nobody_has_consented_to(server: GraphServer, ask: Callable[..., Answer]) -> None:
    server.tenant_data.installed = False
    assert ask()["error_codes"] == [700016]


def test_a_certificate_that_is_not_registered(ask: Callable[..., Answer], tmp_path: Path) -> None:
    other = Authority(tmp_path).issue_client("other", kind="rsa")
    answer = ask(file=other)
    assert answer["error_codes"] == [700027]
    assert "[Reason - The key was not found., Thumbprint of key used by client: '" in answer["error_description"]


def test_a_certificate_that_has_expired(server: GraphServer, ask: Callable[..., Answer], tmp_path: Path) -> None:
    old = Authority(tmp_path).issue_client("old", kind="rsa", expired=True)
    server.tenant_data.register(old)
    answer = ask(file=old)
    assert answer["error_codes"] == [700027]
    assert "[Reason - The key used is expired." in answer["error_description"]
    assert "Found key 'Start=" in answer["error_description"]


def test_a_key_that_is_not_the_certificates(server: GraphServer, ask: Callable[..., Answer], tmp_path: Path) -> None:
    other = Authority(tmp_path).issue_client("other", kind="rsa")
    answer = ask(file=other, shown=server.certificate_file)
    assert answer["error_codes"] == [700027]
    assert "use of the key to verify the signature failed" in answer["error_description"]


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_off(server: GraphServer, ask: Callable[..., Answer], seconds: float) -> None:
    server.login.clock.advance(seconds)
    answer = ask()
    assert answer["error_codes"] == [700024]
    assert "not within its valid time range. Current time: " in answer["error_description"]


def test_no_token_is_a_challenge(server: GraphServer) -> None:
    answer = get(server, "")
    assert told(answer) == (401, "InvalidAuthenticationToken", "Access token is empty.")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm=""')
    assert told(get(server, "made.up.token"))[:2] == (401, "InvalidAuthenticationToken")


def test_a_token_ends(server: GraphServer) -> None:
    server.mailbox("alice@corp.example")
    token = server.login.give(lifetime=60)
    assert get(server, token).status_code == 200
    server.clock.advance(60)
    assert told(get(server, token))[2] == "Lifetime validation failed, the token is expired."


def test_a_token_is_revoked(server: GraphServer) -> None:
    server.mailbox("alice@corp.example")
    old = server.login.give()
    server.login.revoke()
    assert get(server, old).status_code == 401
    assert get(server, server.login.give()).status_code == 200


def test_who_may_not(server: GraphServer) -> None:
    """Consent, policy, licence and address: each has a text of its own."""
    for name in ("alice", "bob", "carol"):
        server.mailbox(f"{name}@corp.example")
    server.tenant_data.deny("bob@corp.example")
    server.tenant_data.unlicense("carol@corp.example")
    token = server.login.give()
    paths = [f"users/{name}@corp.example/messages" for name in ("alice", "bob", "carol", "nobody")]
    answers = [get(server, token, path) for path in paths]
    assert answers[0].status_code == 200
    assert [told(each) for each in answers[1:]] == [
        (403, "ErrorAccessDenied", "Access to OData is disabled."),
        (404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."),
        (404, "ErrorInvalidUser", "The requested user 'nobody@corp.example' is invalid."),
    ]
    server.tenant_data.allow("BOB@corp.example")
    assert get(server, token, paths[1]).status_code == 200
    server.tenant_data.roles.clear()
    assert told(get(server, token, paths[0])) == (403, *ACCESS_DENIED)
    assert told(get(server, token, "users"))[1] == "Authorization_RequestDenied"


def test_a_mailbox_by_any_of_its_names(server: GraphServer) -> None:
    alice = server.mailbox("alice@corp.example")
    token = server.login.give()
    for name in (alice.user_id, "ALICE@corp.example", "alice%40corp.example"):
        assert get(server, token, f"users/{name}/messages").status_code == 200
    (user,) = get(server, token, "users").json()["value"]
    assert (user["id"], user["userPrincipalName"]) == (alice.user_id, "alice@corp.example")
    assert get(server, token, f"users/{alice.user_id}").json() == user


def test_an_authority_on_a_bad_day(server: GraphServer, ask: Callable[..., Answer]) -> None:
    for fault in (Drop(), Lose(0), Told(500)):
        server.faults.add(fault, path="/token$")
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask()
    with pytest.raises(MsalServiceError, match="500"):
        ask()
    assert ask()["access_token"] == server.login.issued[-1]
    assert len(server.login.issued) == 2
