"""What an IMAP server shows before anyone logs in: whether it answers, and until when its certificate holds."""

import socket
import ssl
from datetime import UTC, datetime

from connectors.abilities import Survey
from connectors.errors import SourceError, Unreachable, Untrusted
from connectors.imap import ImapSettings, translate
from connectors.imap.connection import make_context

_LINES = 100
"""Of an answer that is to have one or a few."""


def survey(settings: ImapSettings) -> Survey:
    """Connects, agrees on TLS, and hangs up. Raises Unreachable, Untrusted; ConfigError for its ca_file."""
    place = f"{settings.host}:{settings.port}"
    try:
        with socket.create_connection((settings.host, settings.port or 0), settings.connect_timeout) as plain:
            if settings.tls == "off":
                _greeted(plain, place)
                return Survey("without TLS, on loopback")
            if settings.tls == "starttls":
                _greeted(plain, place)
                _ask_for_tls(plain, place)
            with make_context(settings).wrap_socket(plain, server_hostname=settings.host) as wrapped:
                if settings.tls == "implicit":
                    _greeted(wrapped, place)
                return Survey(wrapped.version() or "TLS", _expiry(wrapped))
    except SourceError:
        raise
    except OSError as error:
        raise translate.connecting(error, place, settings.tls) from error


def _greeted(connection: socket.socket, place: str) -> None:
    """Reads the greeting (RFC 3501 7.1)."""
    line = _line(connection)
    if not line.upper().startswith((b"* OK", b"* PREAUTH")):
        raise Unreachable(f"{place}: no IMAP greeting", "check port and tls")


def _ask_for_tls(connection: socket.socket, place: str) -> None:
    """STARTTLS (RFC 3501 6.2.1). Nothing beyond its answer is read: what came before TLS counts for nothing."""
    connection.sendall(b"s1 STARTTLS\r\n")
    for _ in range(_LINES):
        line = _line(connection)
        if line.upper().startswith(b"S1 OK"):
            return
        if line.upper().startswith(b"S1 "):
            break
    raise Untrusted(f"{place}: the server does not offer STARTTLS", 'use tls = "implicit" and its port, often 993')


def _line(connection: socket.socket) -> bytes:
    """Byte by byte, because a buffer would take what TLS needs."""
    line = bytearray()
    while len(line) < 8192 and not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return bytes(line)


def _expiry(connection: ssl.SSLSocket) -> datetime | None:
    until = (connection.getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None
