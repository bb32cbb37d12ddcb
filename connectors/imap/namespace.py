"""Where a user's own folders are (NAMESPACE, RFC 2342). On Courier and on older Cyrus they all lie below INBOX.

There "INBOX." is the server's way to say "yours", not a level that the user made: it is left out of paths, so that the
same folders are the same on every server. Names of others' folders, and of shared ones, are kept whole.
"""

from collections.abc import Iterable, Mapping

from connectors.imap import tokens
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session

INBOX = b"INBOX"


def personal_prefix(session: Session) -> bytes:
    """What stands before the name of every folder of the user's own but INBOX, as "INBOX."; empty if nothing does.

    Asked once a session. With several personal namespaces none is left out, for then they must be told apart.
    """
    if session.prefix is None:
        session.prefix = _ask(session) if "NAMESPACE" in session.capabilities else b""
    return session.prefix


def any_below_inbox(rows: Mapping[bytes, tuple[object, bytes | None]]) -> bool:
    """Whether a listing gives reason to ask: it has something below INBOX."""
    return any(separator and _below(name, INBOX + separator) for name, (_, separator) in rows.items())


def own_name(name: bytes, prefix: bytes, names: Iterable[bytes] | Mapping[bytes, object]) -> bytes:
    """A name without the prefix; whole, where it would be taken for INBOX or for another one of the names."""
    short = name[len(prefix) :] if prefix and _below(name, prefix) else name
    first = short.split(prefix[-1:])[0] if prefix else short
    return name if short != name and (first.upper() == INBOX or short in names) else short


def _below(name: bytes, prefix: bytes) -> bool:
    return len(name) > len(prefix) and name[: len(prefix)].upper() == prefix.upper()


def _ask(session: Session) -> bytes:
    found: list[bytes] = []

    def take(parts: Parts) -> None:
        match tokens.parse(parts)[2:3]:
            case [[[bytes() as prefix, bytes() as separator, *_]]] if prefix.upper() == INBOX + separator:
                found.append(prefix)

    session.call(Command(b"NAMESPACE", {b"NAMESPACE": take}))
    return found[-1] if found else b""
