"""TLS against Dovecot with a private authority: who is let in, who is not, and nothing is sent before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import LoginRefused, Unreachable, Untrusted
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.model import Message
from fixtures.servers.authority import Authority
from fixtures.servers.dovecot import Dovecot

BODY = b"Subject: over TLS\r\n\r\n" + b"x" * 3_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot(tls=True) as server:
        yield server


def settings(server: Dovecot, tls: str, **changed: object) -> ImapSettings:
    port = server.tls_port if tls == "implicit" else server.port
    values = {"host": "localhost", "port": port, "tls": tls, "ca_file": server.ca_file, "timeout": 20.0}
    return ImapSettings(**{**values, **changed})


def mailbox(server: Dovecot, user: str = "alice") -> ImapMailbox:
    return ImapMailbox(user, lambda: server.password)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mail_comes_over_tls(server: Dovecot, tls: str, host: str) -> None:
    folder = f"{tls} {host}"
    server.deliver("alice", folder, [BODY, b"Subject: small\r\n\r\n"])
    source = CONNECTOR.open_source(settings(server, tls, host=host), mailbox(server))
    (found,) = [each for each in source.folders() if each.path == (folder,)]
    sizes = [
        len(b"".join(answer.raw)) for answer in source.fetch(source.inventory(found)) if isinstance(answer, Message)
    ]
    assert sizes == [len(BODY), 18]
    source.close()


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_an_unknown_authority_is_not_trusted(server: Dovecot, tls: str, tmp_path: Path) -> None:
    for ca_file in (None, Authority(tmp_path, "Another Authority").ca_file):
        with pytest.raises(Untrusted, match="certificate"):
            CONNECTOR.open_source(settings(server, tls, ca_file=ca_file), mailbox(server))


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(
    ("certificate", "says"),
    [({"names": ("mail.example",)}, "match"), ({"expired": True}, "expired")],
    ids=["another host", "expired"],
)
def test_a_certificate_that_does_not_fit_is_not_trusted(certificate: dict[str, object], says: str, tls: str) -> None:
    with Dovecot(tls=True, **certificate) as server, pytest.raises(Untrusted, match=says):
        CONNECTOR.open_source(settings(server, tls), mailbox(server))
    assert "auth" not in server.log().replace("no auth attempts", "")


def test_a_wrong_password(server: Dovecot) -> None:
    with pytest.raises(LoginRefused, match="alice"):
        CONNECTOR.open_source(settings(server, "implicit"), ImapMailbox("alice", lambda: "open pumpkin"))


def test_the_wrong_port(server: Dovecot) -> None:
    with pytest.raises(Unreachable):
        CONNECTOR.open_source(settings(server, "implicit", port=server.port), mailbox(server))
