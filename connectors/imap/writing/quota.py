"""What fits: QUOTA (RFC 9208, RFC 2087) and APPENDLIMIT (RFC 7889)."""

from dataclasses import dataclass, field
from math import inf

from connectors.errors import FolderError
from connectors.imap import tokens, translate
from connectors.imap.folders import INBOX, wire_name
from connectors.imap.selection import Parts
from connectors.imap.session import Session, named
from connectors.model import Quota

KIBI = 1024
"""STORAGE is counted in units of 1,024 octets."""


@dataclass(slots=True)
class Resources:
    """Collects QUOTA responses: (used, limit) of each resource of each root."""

    found: dict[bytes, list[tuple[int, int]]] = field(default_factory=dict)

    def take(self, parts: Parts) -> None:
        """`* QUOTA root (STORAGE 10 512 MESSAGE 3 1000)`."""
        match tokens.parse(parts)[3:]:
            case [list() as values]:
                for name, used, limit in zip(values[::3], values[1::3], values[2::3], strict=False):
                    if isinstance(name, bytes):
                        self.found.setdefault(name.upper(), []).append((tokens.number(used), tokens.number(limit)))

    def tightest(self, name: bytes) -> tuple[int, float]:
        """Used and limit where least is free; no limit where none is set."""
        return min(self.found.get(name, [(0, inf)]), key=lambda each: each[1] - each[0])


def ask_quota(session: Session) -> Quota:
    """That of INBOX, whose roots are those of the user."""
    largest = largest_message(session)
    if not any(name == "QUOTA" or name.startswith("QUOTA=") for name in session.capabilities):
        return Quota(largest=largest, told=False)
    resources = Resources()
    command = session.call(named(b"GETQUOTAROOT", wire_name(INBOX), b"", {b"QUOTA": resources.take}))
    if command.status != "OK":
        error = translate.refused(command.text, "asking for the quota")
        if isinstance(error, FolderError):
            return Quota(largest=largest, told=False)
        raise error
    used, limit = resources.tightest(b"STORAGE")
    messages, most = resources.tightest(b"MESSAGE")
    return Quota(used * KIBI, limit * KIBI, messages, most, largest)


def largest_message(session: Session) -> float:
    """As the capabilities say. A limit that differs from folder to folder is left to the server to say (TOOBIG)."""
    limits = [name.partition("=")[2] for name in session.capabilities if name.startswith("APPENDLIMIT=")]
    return min((int(limit) for limit in limits if limit.isdigit() and len(limit) < 20), default=inf)
