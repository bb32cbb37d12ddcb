"""Logins by password to a real Dovecot: master users, odd passwords, and none where it would go in clear."""

from collections.abc import Iterator

import pytest

from connectors.errors import LoginRefused
from connectors.imap import CONNECTOR, ImapMailbox
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot
from tests.logins import mail, settings, write

ODD = 'sésame "open" \\ {5}* ' + "long" * 200
MASTERS = """
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = scheme=PLAIN username_format=%u {root}/masters
}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    server = Dovecot(password=ODD, logins=MASTERS)
    write(server.root / "masters", f"admin:{{PLAIN}}{ODD}\n")
    with server:
        for user in server.users:
            server.deliver(user, "INBOX", [f"Subject: of {user}\r\n\r\n".encode()])
        yield server


@pytest.mark.parametrize("separator", [None, "*"], ids=["authorization identity", "user*master"])
@pytest.mark.parametrize("user", ["alice", "bob"])
def test_one_password_opens_every_mailbox(server: Dovecot, user: str, separator: str | None) -> None:
    proxy = {"proxy_user": "admin", "proxy_password": lambda: ODD, "proxy_separator": separator}
    assert mail(settings(server, **proxy), ImapMailbox(user)) == [f"Subject: of {user}\r\n\r\n".encode()]


@pytest.mark.parametrize(("user", "proxy"), [("nobody here", "admin"), ("alice", "bob")])
def test_who_may_not_act_for_another(server: Dovecot, user: str, proxy: str) -> None:
    place = settings(server, proxy_user=proxy, proxy_password=lambda: ODD)
    with pytest.raises(LoginRefused, match=user) as caught:
        CONNECTOR.open_source(place, ImapMailbox(user))
    assert "proxy_user" in caught.value.advice


def test_a_password_of_any_kind(server: Dovecot) -> None:
    assert mail(settings(server), ImapMailbox("alice", lambda: ODD)) == [b"Subject: of alice\r\n\r\n"]


def test_a_password_of_any_kind_by_login(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a server that has nothing but LOGIN."""
    offered = frozenset({"IMAP4REV1"})
    monkeypatch.setattr("connectors.imap.connection._capabilities", lambda client, place: offered)
    assert mail(settings(server), ImapMailbox("alice", lambda: ODD)) == [b"Subject: of alice\r\n\r\n"]


def test_dovecot_takes_no_password_in_clear_from_another_host() -> None:
    """To it, 127.0.0.1 is another host than 127.0.0.2."""
    with Dovecot(plaintext=False, tls=True, host="127.0.0.2", names=("localhost", "127.0.0.2")) as server:
        with pytest.raises(LoginRefused, match="none was sent") as caught:
            CONNECTOR.open_source(settings(server), ImapMailbox("alice", lambda: server.password))
        assert "starttls" in caught.value.advice
        place = settings(server, tls="starttls", ca_file=server.ca_file)
        assert mail(place, ImapMailbox("alice", lambda: server.password)) == []


def test_an_administrator_of_cyrus_opens_every_mailbox() -> None:
    with CyrusImap() as server:
        with server.client("bob") as client:
            client.append("INBOX", None, None, b"Subject: of bob\r\n\r\n")
        proxy = {"proxy_user": "admin", "proxy_password": lambda: server.password}
        assert mail(settings(server, **proxy), ImapMailbox("bob")) == [b"Subject: of bob\r\n\r\n"]
        assert mail(settings(server, **proxy), ImapMailbox("alice")) == []
        with pytest.raises(LoginRefused, match="alice") as caught:
            CONNECTOR.open_source(settings(server, **{**proxy, "proxy_user": "bob"}), ImapMailbox("alice"))
        assert "proxy_user" in caught.value.advice
