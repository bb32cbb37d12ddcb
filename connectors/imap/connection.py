"""From settings to a logged-in Session: TCP, TLS, login, by imapclient; then the reading is ours.

A password is sent after TLS stands, or on loopback when the settings say so, never otherwise.
"""

import socket
import ssl
from base64 import b64encode
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from connectors.errors import ConfigError, LoginRefused, SourceError, Unreachable, Untrusted
from connectors.imap import ImapMailbox, ImapSettings, translate
from connectors.imap.session import Command, Session
from connectors.imap.wire import Wire, unread

FOREIGN = (IMAPClientError, OSError, EOFError)
"""All that imapclient and imaplib raise: their errors derive from imaplib's, which imapclient re-exports."""


def connect(settings: ImapSettings, mailbox: ImapMailbox) -> Session:
    """Raises Unreachable, Untrusted, LoginRefused, Disconnected, ServerBusy, Throttled; ConfigError for its ca_file."""
    place = f"{settings.host}:{settings.port}"
    context = None if settings.tls == "off" else make_context(settings)
    client = _dial(settings, context, place)
    try:
        if settings.tls == "starttls":
            _start_tls(client, context, place)
        _log_in(client, mailbox, place)
        capabilities = _capabilities(client, place)
        session = _Connected(client, Wire(client.socket(), unread(client._imap, settings.timeout), place), capabilities)
        _agree(session)
    except BaseException:
        hang_up(client)
        raise
    return session


def make_context(settings: ImapSettings) -> ssl.SSLContext:
    """Verifies chain and host name, against `ca_file` alone where it is given; TLS 1.2 at least."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {settings.ca_file} holds no certificate in PEM that can be used") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def hang_up(client: IMAPClient) -> None:
    """Closes the socket, whatever state it is in."""
    try:
        client.shutdown()
    except OSError:
        return  # it was closed by the other side


class _Connected(Session):
    """A Session that holds the client whose socket it uses."""

    def __init__(self, client: IMAPClient, wire: Wire, capabilities: frozenset[str]) -> None:
        super().__init__(wire, capabilities)
        self._client = client

    def close(self) -> None:
        """Says LOGOUT if that is still possible, and closes."""
        super().close()
        hang_up(self._client)


def _dial(settings: ImapSettings, context: ssl.SSLContext | None, place: str) -> IMAPClient:
    timeout = SocketTimeout(settings.connect_timeout, settings.timeout)
    implicit = settings.tls == "implicit"
    try:
        client = IMAPClient(settings.host, settings.port, ssl=implicit, ssl_context=context, timeout=timeout)
    except IMAPClientError as error:
        text = _said(error)
        if "BYE" in text.upper():
            raise translate.turned_away(text.removeprefix("* BYE").strip(), place) from error
        raise Unreachable(f"{place}: no IMAP greeting", "check port and tls") from error
    except FOREIGN as error:
        raise translate.connecting(error, place, settings.tls) from error
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # commands follow each other unanswered
    client._imap.debug = 0  # imapclient sets 5: every literal would be formatted for a log that no one reads
    return client


def _start_tls(client: IMAPClient, context: ssl.SSLContext | None, place: str) -> None:
    if not client.has_capability("STARTTLS"):
        raise Untrusted(f"{place}: the server does not offer STARTTLS", 'use tls = "implicit" and its port, often 993')
    try:
        client.starttls(context)
    except IMAPClientAbortError as error:
        raise translate.connecting(EOFError(_said(error)), place) from error
    except IMAPClientError as error:
        raise Untrusted(f"{place}: STARTTLS was refused: {_said(error)}", translate.IMPLICIT) from error
    except FOREIGN as error:
        raise translate.connecting(error, place) from error


def _log_in(client: IMAPClient, mailbox: ImapMailbox, place: str) -> None:
    who, password = f"{mailbox.username} at {place}", mailbox.password()
    try:
        if client.has_capability("AUTH=PLAIN"):
            client.plain_login(mailbox.username, password)
        elif client.has_capability("LOGINDISABLED"):
            raise LoginRefused(f"{who}: the server takes no password on this connection", 'set tls to "starttls"')
        elif not (mailbox.username + password).isascii() or not (mailbox.username + password).isprintable():
            text = f"{who}: the server takes only LOGIN, which carries name and password in printable ASCII"
            raise LoginRefused(text, "give the account a password in ASCII, or let the server offer AUTH=PLAIN")
        else:
            client.login(mailbox.username, password)
    except FOREIGN as error:
        raise _login_error(error, mailbox.username, place, password) from None


def _login_error(error: Exception, username: str, place: str, password: str) -> SourceError:
    """Without the original as cause: it may quote the command. imapclient hides why a login failed in the context."""
    origin = error.__context__ if isinstance(error, LoginError) else error
    said = _said(origin)
    for secret in (password, b64encode(f"\0{username}\0{password}".encode()).decode()):
        said = said.replace(secret, "***") if secret else said
    if isinstance(origin, IMAPClientAbortError):  # the connection broke, or the server said BYE
        return translate.turned_away(said, place)
    if isinstance(error, OSError | EOFError):
        return translate.disconnected(error, place)
    return translate.login_refused(said, f"{username} at {place}")


def _capabilities(client: IMAPClient, place: str) -> frozenset[str]:
    try:
        return frozenset(name.decode("ascii", "replace").upper() for name in client.capabilities())
    except FOREIGN as error:
        raise translate.disconnected(error, place) from error


def _agree(session: Session) -> None:
    """Before the first folder is opened, as RFC 7162 3.2.3 demands. An empty ENABLED is no refusal (iCloud)."""
    offered = session.capabilities
    if "ID" in offered:  # some servers open no folder for clients that do not say who they are
        session.send(Command(b'ID ("name" "mailbox-replicator")'))
    if {"QRESYNC", "ENABLE"} <= offered:
        session.qresync = session.call(Command(b"ENABLE QRESYNC")).status == "OK"
    session.condstore = session.qresync or "CONDSTORE" in offered


def _said(error: Any) -> str:
    """What the server said, out of imaplib's error, which is bytes shown as text."""
    value = error.args[0] if error.args else ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text[2:-1] if text[:2] in ("b'", 'b"') else text
    return text.partition(" => ")[2] if text.startswith("command: ") else text
