"""Logins by token, to a Dovecot that validates tokens itself; with an application's from a token endpoint."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import AppRefused, LoginRefused
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from fixtures.installation import Installation
from fixtures.servers.authority import Authority
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.tokens import Reply, TokenServer
from tests.logins import mail, settings, write

OAUTH = """
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth.conf
}
"""
OAUTH_FILE = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={root}/keys/
username_attribute = sub
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def client_file(clients: Authority) -> Path:
    return clients.issue_client("app", kind="rsa")


@pytest.fixture(scope="module")
def tokens(clients: Authority, client_file: Path) -> Iterator[TokenServer]:
    with TokenServer(clients) as tokens:
        tokens.register(client_file)
        yield tokens


@pytest.fixture(scope="module")
def server(tokens: TokenServer) -> Iterator[Dovecot]:
    server = Dovecot(users=("alice",), mechanisms="plain login xoauth2 oauthbearer", logins=OAUTH)
    write(server.root / "oauth.conf", OAUTH_FILE.replace("{root}", str(server.root)))
    for folder in ("keys/default/es256", "keys/default/ES256"):
        write(server.root / folder / "default", tokens.public_key)
    with server:
        server.deliver("alice", "INBOX", [b"Subject: by token\r\n\r\n"])
        yield server


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_a_token_of_the_mailbox(server: Dovecot, tokens: TokenServer, auth: str) -> None:
    mailbox = ImapMailbox("alice", token=lambda: tokens.token("alice"))
    assert mail(settings(server, auth=auth), mailbox) == [b"Subject: by token\r\n\r\n"]


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize(("subject", "expires_in"), [("bob", 3600), ("alice", -60)], ids=["another's", "expired"])
def test_a_token_that_is_not_good(
    server: Dovecot, tokens: TokenServer, auth: str, subject: str, expires_in: int
) -> None:
    mailbox = ImapMailbox("alice", token=lambda: tokens.token(subject, expires_in))
    with pytest.raises(LoginRefused, match=r"alice at .*\(status (invalid_token|40[01])\)") as caught:
        CONNECTOR.open_source(settings(server, auth=auth), mailbox)
    assert not any(token in str(caught.value) for token in tokens.issued)


def test_an_expired_token_is_fetched_anew(server: Dovecot, tokens: TokenServer) -> None:
    lifetimes = iter((-60, 3600))
    mailbox = ImapMailbox("alice", token=lambda: tokens.token("alice", next(lifetimes)))
    assert mail(settings(server, auth="xoauth2"), mailbox)
    assert list(lifetimes) == []


@pytest.fixture
def app(server: Dovecot, tokens: TokenServer, clients: Authority, client_file: Path) -> ImapSettings:
    tokens.subject, tokens.forms[:] = "alice", []
    about = {"tenant": tokens.tenant, "client_id": tokens.client_id, "certificate": client_file.read_text}
    return settings(server, auth="xoauth2", authority=tokens.url, ca_file=clients.ca_file, **about)


def test_an_application_with_a_certificate(app: ImapSettings, tokens: TokenServer) -> None:
    for _ in range(3):
        assert mail(app, ImapMailbox("alice"))
    assert len(tokens.forms) == 1


def test_a_token_that_was_withdrawn_is_fetched_anew(app: ImapSettings, tokens: TokenServer) -> None:
    """As the authority sees it, it would have been good for an hour."""
    expired = {"access_token": tokens.token("alice", -60), "expires_in": 3600, "token_type": "Bearer"}
    tokens.replies += [Reply(200, tokens._discovery()), Reply(200, expired)]
    assert mail(app, ImapMailbox("alice"))
    assert mail(app, ImapMailbox("alice"))
    assert len(tokens.forms) == 2


def test_an_application_that_is_not_registered(app: ImapSettings, clients: Authority) -> None:
    another = clients.issue_client("another", kind="rsa")
    with pytest.raises(AppRefused, match="invalid_client"):
        CONNECTOR.open_source(replace(app, certificate=another.read_text), ImapMailbox("alice"))


def test_the_whole_program(
    server: Dovecot, tokens: TokenServer, clients: Authority, client_file: Path, tmp_path: Path
) -> None:
    """One token serves all mailboxes of a process, and one refusal is the verdict on all of them."""
    tokens.subject = "alice"
    home = Installation(tmp_path, server)
    source = f"""
[mailstore]
path = "mailstore"
key = {{ file = "mailstore.key" }}
[source.m365]
connector = "imap"
host = "{server.host}"
port = {server.port}
tls = "off"
auth = "xoauth2"
authority = "{tokens.url}"
ca_file = "{clients.ca_file}"
tenant = "{tokens.tenant}"
client_id = "{tokens.client_id}"
certificate = {{ file = "{client_file}" }}
"""
    mailboxes = [f'[[mailbox]]\nid = "{n}"\nprimary = {{ source = "m365", username = "alice" }}\n' for n in range(3)]
    home.config.write_text(source + "".join(mailboxes))
    home.run("init")
    tokens.forms.clear()
    answer = home.run("-vv", "sync", "--json", "--jobs", "1")
    assert [each["stored"] for each in answer.json()["mailboxes"]] == [1, 1, 1]
    assert len(tokens.forms) == 1
    refusal = {"error": "invalid_client", "error_description": f"AADSTS700027: {tokens.forms[0]['client_assertion']}"}
    tokens.replies += [Reply(200, tokens._discovery()), Reply(401, refusal)]
    refused = home.run("-vv", "--debug", "sync", "--json", "--jobs", "1", expect=14)
    assert {each["error"]["code"] for each in refused.json()["mailboxes"]} == {"AppRefused"}
    assert "certificate" in refused.json()["error"]["advice"]
    assert len(tokens.forms) == 2
    secrets = (*tokens.issued, *(form["client_assertion"] for form in tokens.forms), refusal["error_description"])
    said = answer.out + answer.err + refused.out + refused.err
    assert not any(secret in said for secret in secrets)
