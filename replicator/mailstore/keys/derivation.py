"""How keys come from keys (docs/format.md, Keys)."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

RandomBytes = Callable[[int], bytes]
"""Gives that many unpredictable bytes, as `os.urandom` does."""


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-512 (RFC 5869 2.3), for one block: at most 64 bytes. `key` must be uniform already."""
    if length > 64:
        raise ValueError("one block of SHA-512 gives 64 bytes")
    return hmac.digest(key, info + b"\x01", "sha512")[:length]


@dataclass(frozen=True, slots=True, repr=False)
class MailboxKeys:
    """What one mailbox's key gives: the key of its database, of its wraps (AES-SIV, 64 bytes), of its row digest."""

    id: str
    database: bytes
    wraps: bytes
    digest: bytes

    @classmethod
    def derive(cls, mailbox_id: str, key: bytes) -> "MailboxKeys":
        """The keys of a mailbox from its one secret."""
        return cls(
            mailbox_id,
            expand(key, b"mailbox database", 32),
            expand(key, b"mailbox wraps", 64),
            expand(key, b"mailbox digest", 32),
        )

    def __repr__(self) -> str:
        return f"MailboxKeys({self.id})"


@dataclass(frozen=True, slots=True, repr=False)
class MasterKeys:
    """What the master key gives to the mailstore as a whole."""

    catalog: bytes
    content: bytes
    seal: bytes
    mac: bytes
    key_id: str

    @classmethod
    def derive(cls, master: bytes) -> "MasterKeys":
        """The keys under one master key."""
        return cls(
            expand(master, b"catalog", 32),
            expand(master, b"content", 32),
            expand(master, b"keyring seal", 64),
            expand(master, b"keyring mac", 32),
            expand(master, b"key id", 8).hex(),
        )

    def __repr__(self) -> str:
        return f"MasterKeys({self.key_id})"
