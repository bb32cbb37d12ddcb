"""Client certificates against Dovecot: alone (EXTERNAL), with a password, another's, a stranger's, none."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import LoginRefused, Unreachable
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.protocols import PrivateFile
from fixtures.servers.authority import Authority
from fixtures.servers.dovecot import Dovecot
from tests.logins import mail, write

CERTIFICATES = """
ssl_ca = <{root}/clients/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("clients"), "Authority of Clients")


@pytest.fixture(scope="module")
def server(clients: Authority) -> Iterator[Dovecot]:
    server = Dovecot(tls=True, mechanisms="plain external", logins=CERTIFICATES)
    write(server.root / "clients" / "ca.pem", clients.ca_file.read_bytes())
    with server:
        server.deliver("alice", "INBOX", [b"Subject: by certificate\r\n\r\n"])
        yield server


def place(server: Dovecot, certificate: Path | None, auth: str = "external", tls: str = "implicit") -> ImapSettings:
    port = server.tls_port if tls == "implicit" else server.port
    own = PrivateFile(certificate) if certificate else None
    return ImapSettings(
        server.host,
        port,
        tls,
        server.ca_file,
        auth=auth,
        client_certificate=own,
        timeout=20.0,
        connect_timeout=20.0,
    )


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_alone(server: Dovecot, clients: Authority, tls: str) -> None:
    where = place(server, clients.issue_client("alice"), tls=tls)
    assert mail(where, ImapMailbox("alice")) == [b"Subject: by certificate\r\n\r\n"]


def test_the_certificate_of_the_mailbox(server: Dovecot, clients: Authority) -> None:
    mailbox = ImapMailbox("alice", client_certificate=PrivateFile(clients.issue_client("alice")))
    assert mail(place(server, clients.issue_client("bob")), mailbox)


def test_a_certificate_and_a_password(server: Dovecot, clients: Authority) -> None:
    where = place(server, clients.issue_client("alice"), "password")
    assert mail(where, ImapMailbox("alice", lambda: server.password))


def test_the_certificate_of_another(server: Dovecot, clients: Authority) -> None:
    with pytest.raises(LoginRefused, match="alice") as caught:
        CONNECTOR.open_source(place(server, clients.issue_client("bob")), ImapMailbox("alice"))
    assert "client_certificate" in caught.value.advice


def test_a_certificate_of_an_unknown_issuer(server: Dovecot, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "Stranger").issue_client("alice")
    with pytest.raises(LoginRefused) as caught:
        CONNECTOR.open_source(place(server, stranger), ImapMailbox("alice"))
    assert "client_certificate" in caught.value.advice


def test_a_server_that_wants_a_certificate(server: Dovecot) -> None:
    with pytest.raises(LoginRefused):
        CONNECTOR.open_source(place(server, None), ImapMailbox("alice"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", [True, False], ids=["a stranger's", "none"])
def test_tls_itself_may_want_a_certificate(
    clients: Authority, tmp_path: Path, version: ssl.TLSVersion, *, shown: bool
) -> None:
    ours = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*ours.issue("localhost", "127.0.0.1"))
    context.load_verify_locations(ours.ca_file)
    own = PrivateFile(clients.issue_client("alice")) if shown else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = threading.Thread(target=_refuse, args=(listener, context))
        door.start()
        place = ImapSettings("127.0.0.1", listener.getsockname()[1], ca_file=ours.ca_file, client_certificate=own)
        with pytest.raises((LoginRefused, Unreachable)) as caught:
            CONNECTOR.open_source(place, ImapMailbox("alice", lambda: "open sesame"))
        door.join()
    # TLS 1.2 has no alert of its own for a certificate that does not come.
    assert isinstance(caught.value, LoginRefused if shown or version > ssl.TLSVersion.TLSv1_2 else Unreachable)
    assert "client_certificate" in caught.value.advice


def _refuse(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)
