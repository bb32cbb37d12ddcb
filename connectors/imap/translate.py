"""Foreign errors into ours, in one place: exceptions by type, refusals by response code (RFC 5530), else by their text.

No text given here holds a secret. What the server said is quoted, shortened, without control characters.
"""

import re
import socket
import ssl
from typing import TypeVar

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemBusy,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ReplicationError,
    ServerBusy,
    SourceError,
    Throttled,
    Unreachable,
    Untrusted,
)

E = TypeVar("E", bound=ReplicationError)
Kinds = dict[str, type[ReplicationError]]

CONNECTING: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (ssl.SSLCertVerificationError, Untrusted, "check the host name, or give the issuer's certificate as ca_file"),
    (ssl.SSLError, Unreachable, "TLS could not be agreed on: check port and tls; TLS 1.2 is the least accepted"),
    (socket.gaierror, Unreachable, "check the host name and DNS"),
    (ConnectionRefusedError, Unreachable, "check host and port, and that the server runs"),
    (TimeoutError, Unreachable, "no answer in time: check host, port and firewalls"),
    (OSError, Unreachable, "check host, port and network"),
    (EOFError, Unreachable, "the server closed the connection: check port and tls"),
)
"""What a failed connection means; the first that fits."""

LATER: Kinds = {"UNAVAILABLE": ServerBusy, "INUSE": ServerBusy, "LIMIT": Throttled, "THROTTLED": Throttled}
"""Codes that mean the same whatever was asked."""

LOGIN: Kinds = LATER | {
    "AUTHENTICATIONFAILED": LoginRefused,
    "AUTHORIZATIONFAILED": LoginRefused,
    "EXPIRED": LoginRefused,
    "PRIVACYREQUIRED": LoginRefused,
    "CONTACTADMIN": LoginRefused,
    "NOPERM": LoginRefused,
    "SERVERBUG": ServerBusy,
}
FOLDER: Kinds = LATER | {"NONEXISTENT": FolderGone, "TRYCREATE": FolderGone}
ITEM: Kinds = LATER | {"EXPUNGEISSUED": ItemGone, "NONEXISTENT": ItemGone, "INUSE": ItemBusy}

SPOKEN: tuple[tuple[re.Pattern[str], type[SourceError]], ...] = (
    (re.compile(r"throttl|backoff time|rate limit|bandwidth limit|too many login", re.I), Throttled),
    (re.compile(r"too many (simultaneous )?connections|maximum number of connections", re.I), Throttled),
    (re.compile(r"authenticated but not connected|temporar(y|ily)|try again later|internal (server )?error", re.I),
     ServerBusy),
)  # fmt: skip
"""What servers say without a code: Exchange ("Request is throttled. Suggested Backoff Time: 5000 milliseconds"), Gmail
("Too many simultaneous connections"), Exchange again ("User is authenticated but not connected")."""

_CODE = re.compile(r"\[([A-Za-z0-9.-]+)[^\]]*\]")
_BACKOFF = re.compile(r"backoff time: *(\d+) *milliseconds", re.I)


def connecting(error: Exception, place: str) -> SourceError:
    """A connection that could not be made; `place` is host:port."""
    for kind, ours, advice in CONNECTING:
        if isinstance(error, kind):
            return ours(f"{place}: {_words(error)}", advice)
    return Unreachable(f"{place}: {_short(str(error))}", "is this an IMAP server?")


def disconnected(error: Exception, place: str) -> Disconnected:
    """A session that died or stalled."""
    if isinstance(error, TimeoutError):
        return Disconnected(f"{place}: the server fell silent")
    if isinstance(error, ValueError):
        return Disconnected(f"{place}: the session is closed")
    return Disconnected(f"{place}: the connection was lost: {_words(error)}")


def closed(text: str, place: str) -> SourceError:
    """An untagged BYE (RFC 3501 7.1.5), or one instead of a greeting, or a connection that broke during the login."""
    kind = _meaning(text, LATER, Disconnected)
    return _made(kind if issubclass(kind, SourceError) else Disconnected, f"{place}: the session was ended", text)


def login_refused(text: str, who: str) -> SourceError:
    """A NO or BAD to LOGIN or AUTHENTICATE; the password has been struck out of the text."""
    kind = _meaning(text, LOGIN, LoginRefused)
    return _made(kind if issubclass(kind, SourceError) else LoginRefused, f"{who}: the server refused the login", text)


def refused(text: str, doing: str) -> ReplicationError:
    """A NO or BAD to a command about a folder: gone, refused, or not now."""
    return _made(_meaning(text, FOLDER, FolderRefused), f"{doing}: the server refused", text)


def item_refused(text: str, what: str) -> ReplicationError:
    """A NO or BAD to the fetch of a single message."""
    return _made(_meaning(text, ITEM, ItemUnreadable), f"{what}: the server refused", text)


def _meaning(text: str, kinds: Kinds, otherwise: type[ReplicationError]) -> type[ReplicationError]:
    code = _CODE.match(text)
    if code and code[1].upper() in kinds:
        return kinds[code[1].upper()]
    return next((kind for pattern, kind in SPOKEN if pattern.search(text)), otherwise)


def _made(kind: type[E], what: str, text: str) -> E:
    pause = _BACKOFF.search(text)
    return kind(f"{what}: {_short(text)}", "", int(pause[1]) / 1000 if pause else None)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(getattr(error, "verify_message", "")) or "the certificate was not accepted"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _short(str(error)) or type(error).__name__


def _short(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text).strip()
    return printable if len(printable) <= 200 else f"{printable[:200]}…"
