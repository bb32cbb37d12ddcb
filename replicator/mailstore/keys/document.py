"""keyring.json as a value: parsed strictly, sealed under a MAC, replaced whole (docs/format.md, keyring.json)."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.errors import KeyRefused, Tampered
from replicator.mailstore.files import replace_file
from replicator.mailstore.keys.roots import Parameters

FORMAT = 1
RESTORE = "restore keyring.json from a backup"


@dataclass(frozen=True, slots=True)
class Slot:
    """The master key, wrapped under one root secret."""

    kind: str
    parameters: Parameters
    wrapped: bytes

    @property
    def id(self) -> str:
        """A public name for the slot: 8 hex digits of the SHA-256 of its wrap."""
        return hashlib.sha256(self.wrapped).hexdigest()[:8]

    def associated(self, key_id: str) -> list[bytes]:
        """What the wrap is bound to."""
        return [b"slot1", self.kind.encode(), _canonical(self.parameters), key_id.encode()]


@dataclass(frozen=True, slots=True)
class Entry:
    """One mailbox: its wrapped key, its sealed name, and what else is said of it, sealed too; empty if nothing is."""

    key: bytes
    name: bytes
    about: bytes = b""

    def members(self) -> dict[str, str]:
        """As JSON has it."""
        members = {"key": self.key.hex(), "name": self.name.hex()}
        return members | {"about": self.about.hex()} if self.about else members


@dataclass(frozen=True, slots=True)
class Document:
    """The file's whole content but for its MAC."""

    key_id: str
    slots: tuple[Slot, ...]
    mailboxes: dict[str, Entry] = field(default_factory=dict)

    def mac(self, key: bytes) -> bytes:
        """HMAC-SHA256 over everything, in one canonical form."""
        return hmac.digest(key, _canonical(self._members()), hashlib.sha256)

    def write(self, path: Path, mac_key: bytes) -> None:
        """Replaces the file, durable on return. The caller holds the lock. Raises StorageFull, StoreError."""
        text = json.dumps(self._members() | {"mac": self.mac(mac_key).hex()}, indent=1)
        replace_file(path, text + "\n")

    def _members(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "key_id": self.key_id,
            "slots": [{"kind": s.kind, "parameters": s.parameters, "wrapped": s.wrapped.hex()} for s in self.slots],
            "mailboxes": {key: entry.members() for key, entry in self.mailboxes.items()},
        }


def read_document(path: Path) -> tuple[Document, bytes]:
    """The file and its MAC, which the caller checks once it has the key. Raises KeyRefused without a file, Tampered."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise KeyRefused(f"keyring.json cannot be read: {error.strerror}", RESTORE) from error
    try:
        members = json.loads(text)
        if members.pop("format") != FORMAT:
            raise Tampered("keyring.json has a format that this program does not know", "use a newer version")
        mac = bytes.fromhex(members.pop("mac"))
        slots = tuple(Slot(s["kind"], s["parameters"], bytes.fromhex(s["wrapped"])) for s in members.pop("slots"))
        mailboxes = {
            key: Entry(bytes.fromhex(e["key"]), bytes.fromhex(e["name"]), bytes.fromhex(e.get("about", "")))
            for key, e in members.pop("mailboxes").items()
        }
        document = Document(str(members.pop("key_id")), slots, mailboxes)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Tampered("keyring.json is not a keyring", RESTORE) from error
    if members:
        raise Tampered("keyring.json holds members that no version wrote", RESTORE)
    return document, mac


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
