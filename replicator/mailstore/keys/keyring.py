"""The keyring: the master key in slots, and a wrapped key and a sealed name for each mailbox."""

import hmac
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from connectors.errors import KeyRefused, Tampered
from replicator.mailstore.files import locking
from replicator.mailstore.keys.derivation import MailboxKeys, MasterKeys, RandomBytes
from replicator.mailstore.keys.document import RESTORE, Document, Entry, Slot, read_document
from replicator.mailstore.keys.roots import Root

NAME_BLOCK = 64


class Keyring:
    """Every key of one mailstore. Made by `create` or `open`; safe against other processes, not between threads."""

    def __init__(self, path: Path, keys: MasterKeys, document: Document, random_bytes: RandomBytes) -> None:
        self._path = path
        self._keys = keys
        self._siv = AESSIV(keys.seal)
        self._random_bytes = random_bytes
        self._hold(document)

    def __repr__(self) -> str:
        return f"Keyring({self._path}, {self.key_id})"

    @classmethod
    def create(cls, path: Path, root: Root, random_bytes: RandomBytes = os.urandom) -> "Keyring":
        """A new master key in a new file, durable on return. Raises FileExistsError rather than replace a keyring."""
        parameters, master = root.parameters(random_bytes), random_bytes(32)
        keys = MasterKeys.derive(master)
        slot = Slot(root.kind, parameters, b"")
        wrapped = AESSIV(root.slot_key(parameters)).encrypt(master, slot.associated(keys.key_id))
        document = Document(keys.key_id, (replace(slot, wrapped=wrapped),))
        with locking(path.parent / "lock" / "keyring"):
            if path.exists():
                raise FileExistsError(path)
            document.write(path, keys.mac)
        return cls(path, keys, document, random_bytes)

    @classmethod
    def open(cls, path: Path, root: Root, random_bytes: RandomBytes = os.urandom) -> "Keyring":
        """Raises KeyRefused if the root opens no slot, ConfigError for a key file others can read, Tampered."""
        document, mac = read_document(path)
        keys = _unlock(document, root)
        _check(document, mac, keys)
        return cls(path, keys, document, random_bytes)

    @property
    def key_id(self) -> str:
        """The public name of the master key."""
        return self._keys.key_id

    @property
    def catalog_key(self) -> bytes:
        """The raw key of catalog.db."""
        return self._keys.catalog

    @property
    def content_key(self) -> bytes:
        """What ids and keys of shared attachments come from."""
        return self._keys.content

    def names(self) -> dict[str, str]:
        """The id of each mailbox, by its name."""
        return dict(self._names)

    def mailbox(self, name: str) -> MailboxKeys | None:
        """The keys of the mailbox, or None if it has none, as far as this process knows: `add` looks again."""
        mailbox_id = self._names.get(name)
        return None if mailbox_id is None else self.by_id(mailbox_id)

    def by_id(self, mailbox_id: str) -> MailboxKeys:
        """The keys of the mailbox with this id. Raises KeyRefused if the keyring has no such mailbox."""
        entry = self._document.mailboxes.get(mailbox_id)
        if entry is None:
            raise KeyRefused(f"the keyring has no key for mailbox {mailbox_id}", "erased, or keyring.json is too old")
        return MailboxKeys.derive(mailbox_id, self._unwrap(entry.key, b"mailbox key1", mailbox_id))

    def add(self, name: str) -> MailboxKeys:
        """A new mailbox with a new random key, durable on return; the keys it has if another process was first."""
        self.add_all((name,))
        return self.by_id(self._names[name])

    def add_all(self, names: Iterable[str]) -> None:
        """A key for each of these mailboxes that has none, in one write: the file grows with every mailbox."""
        with locking(self._path.parent / "lock" / "keyring"):
            self.refresh()
            document = self._document
            entries = dict(self._new_entry(name) for name in dict.fromkeys(names) if name not in self._names)
            if entries:
                document = replace(document, mailboxes=document.mailboxes | entries)
                document.write(self._path, self._keys.mac)
                self._hold(document)

    def refresh(self) -> None:
        """Reads again what other processes may have added. Raises KeyRefused, Tampered."""
        document, mac = read_document(self._path)
        _check(document, mac, self._keys)
        self._hold(document)

    def _hold(self, document: Document) -> None:
        self._document = document
        self._names = {
            self._unwrap(entry.name, b"mailbox name1", mailbox_id).rstrip(b"\0").decode(): mailbox_id
            for mailbox_id, entry in document.mailboxes.items()
        }

    def _new_entry(self, name: str) -> tuple[str, Entry]:
        mailbox_id, text = self._random_bytes(8).hex(), name.encode()
        if not text or b"\0" in text:
            raise ValueError("a mailbox's name is not empty and holds no zero byte")
        padded = text + bytes(-len(text) % NAME_BLOCK)
        key = self._siv.encrypt(self._random_bytes(32), [b"mailbox key1", mailbox_id.encode()])
        return mailbox_id, Entry(key, self._siv.encrypt(padded, [b"mailbox name1", mailbox_id.encode()]))

    def _unwrap(self, sealed: bytes, purpose: bytes, mailbox_id: str) -> bytes:
        try:
            return self._siv.decrypt(sealed, [purpose, mailbox_id.encode()])
        except (InvalidTag, ValueError) as error:
            raise Tampered(f"keyring.json: the entry of mailbox {mailbox_id} was changed", RESTORE) from error


def _unlock(document: Document, root: Root) -> MasterKeys:
    for slot in document.slots:
        if slot.kind != root.kind:
            continue
        try:
            master = AESSIV(root.slot_key(slot.parameters)).decrypt(slot.wrapped, slot.associated(document.key_id))
        except (InvalidTag, ValueError):
            continue
        return MasterKeys.derive(master)
    raise KeyRefused(f"{root!r} does not open this mailstore", "use the key that it was made with")


def _check(document: Document, mac: bytes, keys: MasterKeys) -> None:
    if not hmac.compare_digest(mac, document.mac(keys.mac)):
        raise Tampered("keyring.json was changed, or belongs to another mailstore", RESTORE)
