"""From settings to a session: what is refused before a password is sent, and what servers answer to it."""

import base64
import logging
import pickle
import socket
import ssl
from pathlib import Path

import pytest

from connectors.errors import (
    ConfigError,
    Disconnected,
    LoginRefused,
    ReplicationError,
    ServerBusy,
    Throttled,
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.connection import make_context
from fixtures.servers.imap_script import settings
from fixtures.servers.scripted_imap import CUT, STALL, Answer, Exchange, ScriptedImap

PASSWORD = "open sesame"
ALICE = ImapMailbox("alice", lambda: PASSWORD)


def refused(server: ScriptedImap, mailbox: ImapMailbox = ALICE, **changed: object) -> ReplicationError:
    values = {"host": server.host, "port": server.port, "tls": "off", "timeout": 5.0, "connect_timeout": 5.0}
    with pytest.raises(ReplicationError) as caught:
        CONNECTOR.open_source(ImapSettings(**{**values, **changed}), mailbox)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", LoginRefused),
        ("NO [AUTHORIZATIONFAILED] not that mailbox", LoginRefused),
        ("NO [EXPIRED] change it", LoginRefused),
        ("NO wrong", LoginRefused),
        ("BAD LOGIN disabled", LoginRefused),
        ("NO [UNAVAILABLE] no database", ServerBusy),
        ("NO [INUSE] locked", ServerBusy),
        ("NO [SERVERBUG] oh", ServerBusy),
        ("NO [LIMIT] too many", Throttled),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Throttled),
        ("BAD User is authenticated but not connected.", ServerBusy),
        ("NO Temporary authentication failure", ServerBusy),
    ],
)
@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN"], ids=["LOGIN", "PLAIN"])
def test_a_refused_login(answer: str, kind: type[ReplicationError], capability: str) -> None:
    command = Exchange("AUTHENTICATE PLAIN|LOGIN", "{tag} " + answer)
    with ScriptedImap(command, capability=capability) as server:
        error = refused(server)
    assert type(error) is kind
    assert "alice" in error.message
    assert error.advice
    assert isinstance(pickle.loads(pickle.dumps(error)), kind)


def test_a_password_is_in_no_error_even_if_the_server_repeats_it() -> None:
    answer = f'{{tag}} BAD syntax error in LOGIN alice "{PASSWORD}"'
    with ScriptedImap(Exchange("LOGIN", answer), capability="IMAP4rev1") as server:
        error = refused(server)
    chain = [error, error.__cause__, error.__context__ if not error.__suppress_context__ else None]
    assert not any(PASSWORD in f"{each!r} {each}" for each in chain)
    assert "***" in error.message


@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN"], ids=["LOGIN", "PLAIN"])
def test_a_password_that_imap_cannot_carry_is_not_sent(capability: str) -> None:
    with ScriptedImap(capability=capability) as server:
        error = refused(server, ImapMailbox("alice", lambda: "null\0"))
    assert isinstance(error, LoginRefused)
    assert server.commands == ["CAPABILITY"]


def test_no_password_where_login_is_disabled() -> None:
    with ScriptedImap(capability="IMAP4rev1 LOGINDISABLED STARTTLS") as server:
        error = refused(server)
    assert isinstance(error, LoginRefused)
    assert "starttls" in error.advice
    assert server.commands == ["CAPABILITY"]


@pytest.mark.parametrize("greeting", ["* OK ready", "* PREAUTH you are in already"])
def test_no_password_where_starttls_is_kept_away(greeting: str) -> None:
    """An attacker in the middle can leave it out of the list, or pretend that it is too late for it."""
    capability = "IMAP4rev1 STARTTLS AUTH=PLAIN" if "PREAUTH" in greeting else "IMAP4rev1 AUTH=PLAIN"
    with ScriptedImap(greeting=greeting, capability=capability) as server:
        error = refused(server, tls="starttls")
    assert isinstance(error, Untrusted)
    assert set(server.commands) == {"CAPABILITY"}


def test_a_server_that_answers_starttls_and_does_not_speak_tls() -> None:
    script = Exchange("STARTTLS", "{tag} OK begin", b"* OK just kidding\r\n", CUT)
    with ScriptedImap(script, capability="IMAP4rev1 STARTTLS") as server:
        assert isinstance(refused(server, tls="starttls"), Unreachable)


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [
        ("* BYE [UNAVAILABLE] maintenance", ServerBusy),
        ("* BYE Internal error occurred. (0.001 + 0.000 secs).", ServerBusy),
        ("* BYE Too many connections from your host", Throttled),
        ("HTTP/1.1 400 Bad Request", Unreachable),
        (CUT, Unreachable),
    ],
)
def test_a_greeting_that_is_none(greeting: Answer, kind: type[ReplicationError]) -> None:
    with ScriptedImap(greeting=greeting) as server:
        error = refused(server)
    assert type(error) is kind
    assert error.advice


@pytest.mark.parametrize(
    ("tls", "says", "advises"),
    [
        ("starttls", "greeting", '"implicit"'),
        ("off", "greeting", '"implicit"'),
        ("implicit", "handshake", '"starttls"'),
    ],
)
def test_silence_instead_of_a_greeting(tls: str, says: str, advises: str) -> None:
    with ScriptedImap(greeting=STALL) as server:
        error = refused(server, tls=tls, connect_timeout=0.2)
    assert isinstance(error, Unanswered)
    assert says in error.message
    assert "ssl" not in error.message
    assert advises in error.advice


def test_no_connection_in_time() -> None:
    """A queue of one that is full: the kernel drops what else wants in."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        where = ImapSettings("127.0.0.1", full.getsockname()[1], tls="off", connect_timeout=0.2)
        with pytest.raises(Unanswered) as caught:
            CONNECTOR.open_source(where, ALICE)
    assert "greeting" not in caught.value.message
    assert "firewall" in caught.value.advice


def test_silence_after_the_login_command() -> None:
    with ScriptedImap(Exchange("LOGIN", STALL), capability="IMAP4rev1") as server:
        error = refused(server, timeout=0.2)
    assert isinstance(error, Disconnected)


@pytest.mark.parametrize("answer", [b"", b"* OK wa", "* BYE going down", "* BYE [UNAVAILABLE] maintenance"])
@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN"], ids=["LOGIN", "PLAIN"])
def test_a_connection_that_breaks_in_the_login_is_no_wrong_password(answer: Answer, capability: str) -> None:
    with ScriptedImap(Exchange("AUTHENTICATE PLAIN|LOGIN", answer, CUT), capability=capability) as server:
        error = refused(server)
    assert isinstance(error, Disconnected | ServerBusy)


def test_a_connection_that_breaks_in_starttls() -> None:
    with ScriptedImap(Exchange("STARTTLS", CUT), capability="IMAP4rev1 STARTTLS") as server:
        assert isinstance(refused(server, tls="starttls"), Unreachable)


def test_no_one_listens() -> None:
    with ScriptedImap() as server:
        port = server.port
    with pytest.raises(Unreachable):
        CONNECTOR.open_source(ImapSettings("127.0.0.1", port, tls="off"), ALICE)


def test_a_plain_server_where_tls_is_wanted() -> None:
    with ScriptedImap(Exchange("", CUT)) as server:  # whatever the first bytes of TLS look like to it
        assert isinstance(refused(server, tls="implicit"), Unreachable)


def test_what_the_server_sent_right_behind_the_login_is_not_lost() -> None:
    """imaplib has it in its buffer; the reading goes on from there."""
    late = "* BYE [UNAVAILABLE] we are closing"
    login = Exchange("LOGIN", "* CAPABILITY IMAP4rev1", "{tag} OK in", late)
    with ScriptedImap(login, Exchange("LIST", CUT), capability="IMAP4rev1") as server:
        source = CONNECTOR.open_source(settings(server), ALICE)
        with pytest.raises(ServerBusy):
            list(source.folders())
        source.close()


def test_settings_report_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        ImapSettings("mail.example", 0, tls="off", auth="kerberos", max_connections=0, timeout=0)
    assert [line.split()[0] for line in caught.value.message.splitlines()] == [
        "port", "tls", "max_connections", "connect_timeout", "auth",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_clear_text_is_for_loopback(host: str) -> None:
    assert ImapSettings(host, tls="off").tls == "off"


@pytest.mark.parametrize("host", ["10.0.0.1", "mail.example", "localhost.example", "0.0.0.0", "::"])
def test_clear_text_is_for_nothing_else(host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        ImapSettings(host, tls="off")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "ca.pem: there is no such file"),
        ("directory", "ca.pem cannot be read: Is a directory"),
        (b"no certificate", "ca.pem holds no certificate in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\n", "ca.pem holds no certificate in PEM"),
        (b"\x30\x82 not text", "ca.pem holds no certificate in PEM"),
    ],
)
def test_an_unusable_ca_file_is_a_problem_of_the_configuration(
    content: bytes | str | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if content == "directory":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        ImapSettings("mail.example", 0, ca_file=path)
    port, line = caught.value.message.splitlines()
    assert port.startswith("port ")
    assert line.startswith("ca_file ")
    assert line.endswith(says)


def test_a_ca_file_that_only_looks_like_one(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match="ca_file"):
        CONNECTOR.open_source(ImapSettings("127.0.0.1", ca_file=path), ALICE)


@pytest.mark.parametrize(("tls", "port"), [("implicit", 993), ("starttls", 143), ("off", 143)])
def test_the_port_goes_by_tls_unless_it_is_given(tls: str, port: int) -> None:
    assert ImapSettings("localhost", tls=tls).port == port
    assert ImapSettings("localhost", tls=tls, port=10143).port == 10143
    assert ImapSettings("localhost").port == 993


def test_the_password_is_not_in_the_settings() -> None:
    assert PASSWORD not in repr(ALICE)


@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN"], ids=["LOGIN", "PLAIN"])
def test_the_password_is_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture, capability: str) -> None:
    caplog.set_level(logging.DEBUG)
    script = [Exchange("AUTHENTICATE PLAIN", "+ ")] if "PLAIN" in capability else []
    reply = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    with ScriptedImap(*script, Exchange(f"LOGIN|{reply}|", "{tag} NO no"), capability=capability) as server:
        error = refused(server, timeout=0.5)
    for text in (caplog.text, str(error), repr(error), error.advice):
        assert PASSWORD not in text
        assert reply not in text


def test_tls_is_verified_and_not_old() -> None:
    context = make_context(ImapSettings("mail.example"))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
