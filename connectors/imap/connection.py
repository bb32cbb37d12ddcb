"""From settings to a logged-in Session: greeting and TLS by imapclient; login and reading are ours.

A secret is sent after TLS stands, or on loopback when the settings say so, never otherwise.
"""

import socket
import ssl
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from connectors.errors import ConfigError, LoginRefused, Unreachable, Untrusted
from connectors.imap import ImapMailbox, ImapSettings, translate
from connectors.imap.dialects.dialect import recognise
from connectors.imap.login.authenticate import log_in
from connectors.imap.login.dialog import Dialog
from connectors.imap.session import Command, Session
from connectors.imap.wire import Wire, unread
from connectors.protocols import PrivateFile

FOREIGN = (IMAPClientError, OSError, EOFError)
"""All that imapclient and imaplib raise: their errors derive from imaplib's, which imapclient re-exports."""


def connect(settings: ImapSettings, mailbox: ImapMailbox) -> Session:
    """Raises Unreachable, Untrusted, LoginRefused, Disconnected, ServerBusy, Throttled; ConfigError for its ca_file."""
    place = f"{settings.host}:{settings.port}"
    context = None if settings.tls == "off" else make_context(settings, mailbox.client_certificate)
    client = _dial(settings, context, place)
    try:
        if settings.tls == "starttls":
            _start_tls(client, context, place)
        _refuse_preauth(client, mailbox, place)
        offered = _capabilities(client, place)
        wire = Wire(client.socket(), unread(client._imap, settings.timeout), place)
        session = _Connected(client, wire, _logged_in(Dialog(wire), settings, mailbox, offered))
        session.dialect = recognise(client.welcome.decode("utf-8", "replace"), session.capabilities)
        _agree(session)
    except BaseException:
        hang_up(client)
        raise
    return session


def make_context(settings: ImapSettings, own: PrivateFile | None = None) -> ssl.SSLContext:
    """Verifies chain and host name, against `ca_file` alone where it is given; TLS 1.2 at least.

    Shows the certificate `own`, or that of the source, to a server that asks for one. Raises ConfigError, LoginRefused.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {settings.ca_file} holds no certificate in PEM that can be used") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate := own or settings.client_certificate:
        _show(certificate, context)
    return context


def _show(certificate: PrivateFile, context: ssl.SSLContext) -> None:
    try:
        context.load_cert_chain(certificate.path, password="")  # never asks for one at the terminal
    except OSError as error:
        why = error.strerror if not isinstance(error, ssl.SSLError) and error.strerror else "it is not what is needed"
        advice = "put the certificate, its chain and its private key, not encrypted, into one file in PEM"
        raise LoginRefused(f"client_certificate {certificate.path} cannot be used: {why}", advice) from error


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


def _refuse_preauth(client: IMAPClient, mailbox: ImapMailbox, place: str) -> None:
    """A server that takes us for someone without being told (RFC 3501 7.1.4) shows an unknown person's mail."""
    if client._imap.state != "NONAUTH":
        text = (
            f"{mailbox.username} at {place}: the server says that someone is logged in already, and not who (PREAUTH)"
        )
        raise LoginRefused(text, "connect to a port where one logs in")


def _logged_in(dialog: Dialog, settings: ImapSettings, mailbox: ImapMailbox, offered: frozenset[str]) -> frozenset[str]:
    """The capabilities from then on, which may be others (RFC 3501 6.2.2); asked for where the server did not say."""
    log_in(dialog, settings, mailbox, offered)
    if dialog.capabilities is None:
        dialog.ask(b"CAPABILITY")
    return dialog.capabilities or offered


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
