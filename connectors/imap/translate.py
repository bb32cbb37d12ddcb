"""Foreign errors into ours, in one place: exceptions by type, refusals by response code (RFC 5530), else by their text.

No text given here holds a secret. What the server said is quoted, shortened, without control characters.
"""

import re
import socket
import ssl
import traceback
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
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.imap.advice import advise, advise_on_login

E = TypeVar("E", bound=ReplicationError)
Kinds = dict[str, type[ReplicationError]]

IMPLICIT = 'is this a TLS port? Then use tls = "implicit"'
CERTIFICATE = "the server wants a certificate that it knows and that has not expired: client_certificate"
PLAIN = 'is this a port without TLS? Then use tls = "starttls", often on port 143'

CONNECTING: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (ssl.SSLError, Unreachable, "check port, tls, and if the server wants a client_certificate; TLS 1.2 is the least"),
    (socket.gaierror, Unreachable, "check the host name and DNS"),
    (ConnectionRefusedError, Unreachable, "check host and port, and that the server runs"),
    (TimeoutError, Unanswered, "no answer in time: check host, port and firewalls"),
    (OSError, Unreachable, "check host, port and network"),
    (EOFError, Unreachable, "the server closed the connection: check port and tls"),
)
"""What a failed connection means; the first that fits."""

UNTRUSTED: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"has expired"), "the server's certificate has expired",
     "have it renewed; if it has not expired, set this machine's clock right"),
    (re.compile(r"not yet valid"), "the server's certificate is not valid yet",
     "set this machine's clock right, or have the certificate made anew"),
    (re.compile(r"mismatch"), "the server's certificate is made for another name: {}",
     "check host: it has to be a name that stands in the certificate"),
    (re.compile(r"issuer|self.signed|verify the first"), "nobody that this machine trusts has signed the server's "
     "certificate: {}", "give the issuer's certificate as ca_file, if this is the right server"),
    (re.compile(""), "{}",
     "check the host name, or give the issuer's certificate as ca_file"),
)  # fmt: skip
"""What OpenSSL has against a certificate, in plain words ({} are its own), and what to do; the first that fits."""

ADVICE: dict[type[ReplicationError], str] = {
    LoginRefused: "check username and password, and that the server lets this account use IMAP",
    Disconnected: "nothing, if it is rare; else look at the server's log and at the network",
    ServerBusy: "nothing: the next run tries again; if it stays so, look at the server's log",
    Throttled: "nothing, or let fewer connections be used: max_connections",
    FolderRefused: "look at its permissions and at the server's log, or exclude it",
    FolderGone: "nothing: the next run lists the folders anew",
    ItemUnreadable: "look at the message and the log on the server",
    ItemBusy: "nothing: it is tried again",
}
"""What to do about an error that the server gave in words of its own."""

LATER: Kinds = {"UNAVAILABLE": ServerBusy, "INUSE": ServerBusy, "LIMIT": Throttled, "THROTTLED": Throttled}
"""Codes that mean the same whatever was asked."""

LOGIN: Kinds = LATER | {
    "OVERQUOTA": Throttled,
    "AUTHENTICATIONFAILED": LoginRefused,
    "AUTHORIZATIONFAILED": LoginRefused,
    "EXPIRED": LoginRefused,
    "PRIVACYREQUIRED": LoginRefused,
    "CONTACTADMIN": LoginRefused,
    "NOPERM": LoginRefused,
    "SERVERBUG": ServerBusy,
}
FOLDER: Kinds = LATER | {
    "OVERQUOTA": Throttled,
    "NONEXISTENT": FolderGone,
    "TRYCREATE": FolderGone,
    "NOPERM": FolderRefused,
    "SERVERBUG": FolderRefused,
}
ITEM: Kinds = LATER | {
    "OVERQUOTA": Throttled,
    "EXPUNGEISSUED": ItemGone,
    "NONEXISTENT": ItemGone,
    "INUSE": ItemBusy,
    "SERVERBUG": ItemUnreadable,
}

Spoken = tuple[tuple[re.Pattern[str], type[ReplicationError]], ...]

SPOKEN: Spoken = (
    (re.compile(r"throttl|backoff time|rate limit|bandwidth limit|too many login", re.I), Throttled),
    (re.compile(r"too many (simultaneous )?connections|maximum number of connections", re.I), Throttled),
    (re.compile(r"authenticated but not connected", re.I), ServerBusy),
    (re.compile(r"\A(\[\w+\] *)?server (is )?(too )?(busy|unavailable)\b", re.I), ServerBusy),
)
"""What servers say without a code: Exchange ("Request is throttled. Suggested Backoff Time: 5000 milliseconds"), Gmail
("Too many simultaneous connections"), Exchange again ("User is authenticated but not connected", "Server Busy",
"Server Unavailable. 15"). OVERQUOTA is what Gmail says to those who read too much; of writing, see `refusals`."""

_TROUBLE = r"temporar(y|ily)|try again later|internal (server )?error"
SPOKEN_AT_LOGIN: Spoken = (*SPOKEN, (re.compile(_TROUBLE, re.I), ServerBusy))
"""Of a login these mean the server. Of a folder or a message they are said of that one alone (Dovecot, of a file that
it may not read: "Internal error occurred"), and the mailbox must not stop for it."""

SPOKEN_OF_ITEM: Spoken = (*SPOKEN, (re.compile(r"temporar(y|ily)|try again later", re.I), ItemBusy))

_NOT_THERE = re.compile(r"(does not|doesn't) exist|no such (mailbox|folder)|unknown mailbox", re.I)
_CODE = re.compile(r"\[([A-Za-z0-9.-]+)[^\]]*\]")
_BACKOFF = re.compile(r"backoff time: *(\d{1,9}) *milliseconds", re.I)
_STATISTICS = re.compile(r" *\(\d[\d.]*( \+ [\d.]+)* secs\)\.?\Z")
"""How long Dovecot took."""
_CERTIFICATE_ALERT = re.compile(
    r"alert (certificate (required|expired|revoked|unknown)|bad certificate|unknown ca|unsupported certificate)", re.I
)
"""What a server says of the certificate that a client shows, or does not show (RFC 8446 6.2)."""
_NO_TLS = re.compile(r"wrong version number|record layer failure|packet length too long", re.I)
"""What OpenSSL makes of an answer that is no TLS."""
_OPENSSL = re.compile(r"\[SSL(: \w+)?\] *| *\(?_ssl\.c:\d+\)?:? *")


def connecting(error: Exception, place: str, tls: str = "implicit") -> SourceError:
    """A connection that could not be made; `place` is host:port."""
    if isinstance(error, TimeoutError) and "handshake" in str(error):
        return Unanswered(f"{place}: timed out during the TLS handshake", PLAIN)
    if isinstance(error, TimeoutError) and _reached(error):
        advice = next(row[2] for row in CONNECTING if row[0] is TimeoutError) if tls == "implicit" else IMPLICIT
        return Unanswered(f"{place}: the server sent no IMAP greeting", advice)
    if isinstance(error, ssl.SSLError) and (refusal := _of_tls(error, place)) is not None:
        return refusal
    for kind, ours, advice in CONNECTING:
        if isinstance(error, kind):
            return ours(f"{place}: {_words(error)}", advice)
    return Unreachable(f"{place}: {_short(str(error))}", "is this an IMAP server?")


def _of_tls(error: ssl.SSLError, place: str) -> SourceError | None:
    """What TLS has against the server, or the server against us; None if that is not known."""
    words = _words(error)
    if _CERTIFICATE_ALERT.search(str(error)):
        return LoginRefused(f"{place}: the server refuses us: {words}", CERTIFICATE)
    if isinstance(error, ssl.SSLCertVerificationError):
        what, advice = next(row[1:] for row in UNTRUSTED if row[0].search(words))
        return Untrusted(f"{place}: {what.format(words)}", advice)
    if _NO_TLS.search(str(error)):
        return Unreachable(f"{place}: what answers there is no TLS: {words}", PLAIN)
    return None


def disconnected(error: Exception, place: str) -> Disconnected:
    """A session that died or stalled."""
    if isinstance(error, TimeoutError):
        return Disconnected(f"{place}: the server fell silent", ADVICE[Disconnected])
    if isinstance(error, ValueError):
        return Disconnected(f"{place}: the session is closed", ADVICE[Disconnected])
    return Disconnected(f"{place}: the connection was lost: {_words(error)}", ADVICE[Disconnected])


def closed(text: str, place: str) -> SourceError:
    """An untagged BYE in the middle of a session (RFC 3501 7.1.5)."""
    return _ended(text, place, SPOKEN)


def turned_away(text: str, place: str) -> SourceError:
    """A BYE instead of a greeting, or a connection that broke during the login."""
    return _ended(text, place, SPOKEN_AT_LOGIN)


def login_refused(text: str, who: str, method: str = "password") -> SourceError:
    """A NO or BAD to LOGIN or AUTHENTICATE; secrets have been struck out of the text."""
    kind = _meaning(text, LOGIN, LoginRefused, SPOKEN_AT_LOGIN)
    error = _made(kind if issubclass(kind, SourceError) else LoginRefused, f"{who}: the server refused the login", text)
    if isinstance(error, LoginRefused):
        error.advice = advise_on_login(text, method)
    return error


def refused(text: str, doing: str) -> ReplicationError:
    """A NO or BAD to a command about a folder: gone, refused, or not now."""
    return _made(_meaning(text, FOLDER, FolderRefused, SPOKEN), f"{doing}: the server refused", text)


def item_refused(text: str, what: str) -> ReplicationError:
    """A NO or BAD to the fetch of a single message."""
    return _made(_meaning(text, ITEM, ItemUnreadable, SPOKEN_OF_ITEM), f"{what}: the server refused", text)


def write_refused(text: str, what: str, kinds: Kinds, spoken: Spoken, otherwise: type[E]) -> ReplicationError:
    """A NO or BAD to a command that writes, by the tables of `writing.refusals`; LIMIT may be either."""
    return _made(_meaning(text, kinds, otherwise, spoken), f"{what}: the server refused", text)


def says_refused(text: str) -> bool:
    """A refusal of a folder whose code leaves nothing open: it is there, whatever LIST says."""
    return FOLDER.get(_code(text)) is FolderRefused


def says_not_there(text: str) -> bool:
    """A refusal without a code whose words say that there is no such folder."""
    return _NOT_THERE.search(text) is not None


def _ended(text: str, place: str, spoken: Spoken) -> SourceError:
    kind = _meaning(text, LATER, Disconnected, spoken)
    return _made(kind if issubclass(kind, SourceError) else Disconnected, f"{place}: the session was ended", text)


def _meaning(text: str, kinds: Kinds, otherwise: type[ReplicationError], spoken: Spoken) -> type[ReplicationError]:
    spoken_kind = next((kind for pattern, kind in spoken if pattern.search(text)), otherwise)
    return kinds.get(_code(text), spoken_kind)


def _code(text: str) -> str:
    match = _CODE.match(text)
    return match[1].upper() if match else ""


def _made(kind: type[E], what: str, text: str) -> E:
    pause = _BACKOFF.search(text)
    advice = advise(text) or ADVICE.get(kind, "")
    return kind(f"{what}: {_short(text)}", advice, int(pause[1]) / 1000 if pause else None)


def _reached(error: Exception) -> bool:
    """The connection itself stood: it did not fail while it was made."""
    frames = traceback.walk_tb(error.__traceback__)
    return all(frame.f_code.co_name not in ("create_connection", "getaddrinfo") for frame, _ in frames)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(getattr(error, "verify_message", "")) or "the certificate was not accepted"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _OPENSSL.sub("", _short(text)) or type(error).__name__


def _short(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text).strip()
    printable = _STATISTICS.sub("", printable)
    return printable if len(printable) <= 200 else f"{printable[:200]}…"
