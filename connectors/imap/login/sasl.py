"""SASL mechanisms (RFC 4422) as values: what is sent, and what is answered when the server objects."""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mechanism:
    """`initial` is the one message that carries the proof; `after_error` answers a server that explains its refusal.

    `secrets` is what must not be repeated to anyone.
    """

    name: str
    initial: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    after_error: bytes = b"*"

    @property
    def encoded(self) -> bytes:
        """The initial message in base64."""
        return b64encode(self.initial)


def plain(authzid: str, username: str, password: str) -> Mechanism:
    """RFC 4616: `authzid` is whose mailbox is opened, where that is not the one whose password it is."""
    return _bearing("PLAIN", "\0".join((authzid, username, password)), password)


def xoauth2(username: str, token: str) -> Mechanism:
    """Google's and Microsoft's: an empty line answers the reason of a refusal."""
    return _bearing("XOAUTH2", f"user={username}\x01auth=Bearer {token}\x01\x01", token, b"")


def oauthbearer(username: str, token: str, host: str, port: int) -> Mechanism:
    """RFC 7628: names are escaped as RFC 5801 says, and a lone ^A answers the reason of a refusal (3.2.3)."""
    name = username.replace("=", "=3D").replace(",", "=2C")
    text = f"n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
    return _bearing("OAUTHBEARER", text, token, b64encode(b"\x01"))


def external(username: str) -> Mechanism:
    """RFC 4422 A: who we are, the certificate says; `username` is whose mailbox is opened."""
    return Mechanism("EXTERNAL", username.encode())


def _bearing(name: str, initial: str, secret: str, after_error: bytes = b"*") -> Mechanism:
    raw = initial.encode()
    return Mechanism(name, raw, (secret, b64encode(raw).decode()), after_error)


def status(challenge: bytes) -> str:
    """The `status` of a reason in JSON, in base64 (RFC 7628 3.2.2): empty if that is not what it is."""
    try:
        reason = json.loads(b64decode(challenge, validate=True))
    except (NotBase64, ValueError, RecursionError):
        return ""
    return str(reason.get("status", "")) if isinstance(reason, dict) else ""
