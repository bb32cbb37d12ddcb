"""The keyring: the master key in slots, and a wrapped key and a sealed name for each mailbox."""

import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from connectors.errors import ConfigError, KeyRefused, Tampered
from replicator.mailstore.files import locking
from replicator.mailstore.keys.about import About
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
        master = random_bytes(32)
        keys = MasterKeys.derive(master)
        document = Document(keys.key_id, (new_slot(root, master, keys.key_id, random_bytes),))
        with locking(path.parent / "lock" / "keyring"):
            if path.exists():
                raise FileExistsError(path)
            document.write(path, keys.mac)
        return cls(path, keys, document, random_bytes)

    @classmethod
    def open(cls, path: Path, root: Root, random_bytes: RandomBytes = os.urandom) -> "Keyring":
        """Raises KeyRefused if the root opens no slot, ConfigError for a key file others can read, Tampered."""
        document, mac = read_document(path)
        try:
            master = unlock(document, root)
        except KeyRefused:
            # The key may have been rotated after the keyring was read and before the root was.
            before, (document, mac) = document, read_document(path)
            if document.slots == before.slots:
                raise
            master = unlock(document, root)
        keys = MasterKeys.derive(master)
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

    @property
    def document(self) -> Document:
        """The file as this process last read or wrote it."""
        return self._document

    def names(self) -> dict[str, str]:
        """The id of each mailbox, by its name."""
        return dict(self._names)

    def about(self, name: str) -> About:
        """What is said of the mailbox; nothing of one that is not known."""
        return self._about.get(name, About())

    def former(self) -> dict[str, str]:
        """What each name that no mailbox bears any more was changed to."""
        return {old: name for name, about in self._about.items() for old in about.was}

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
        """A key for each of these mailboxes that has none, in one write: the file grows with every mailbox.

        Raises ConfigError for a name that a mailbox had once: its mail would be fetched all over again.
        """

        def added(document: Document) -> Document:
            new = [name for name in dict.fromkeys(names) if name not in self._names]
            for name in new:
                self._refuse_former(name)
            return (
                replace(document, mailboxes=document.mailboxes | dict(map(self._new_entry, new))) if new else document
            )

        self.revise(added)

    def revise(self, change: Callable[[Document], Document]) -> None:
        """Replaces the file by what `change` makes of it as it is now, durable on return, unless it stays the same.

        Others wait meanwhile. Raises StorageFull, StoreError, and what `change` raises, before anything is written.
        """
        with locking(self._path.parent / "lock" / "keyring"):
            self.refresh()
            before = self._document
            document = change(before)
            if document != before:
                document.write(self._path, self._keys.mac)
                self._hold(document)

    def resealed(self, mailbox_id: str, name: str, about: About) -> Entry:
        """The entry of a mailbox with another name, or another thing to say of it."""
        text = about.encoded()
        return replace(
            self._document.mailboxes[mailbox_id],
            name=self._seal(name.encode(), b"mailbox name1", mailbox_id),
            about=self._seal(text, b"mailbox about1", mailbox_id) if text else b"",
        )

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
        self._about = {
            name: About.decoded(self._unwrap(sealed, b"mailbox about1", mailbox_id).rstrip(b"\0"))
            for name, mailbox_id in self._names.items()
            if (sealed := document.mailboxes[mailbox_id].about)
        }

    def _new_entry(self, name: str) -> tuple[str, Entry]:
        mailbox_id = self._random_bytes(8).hex()
        key = self._siv.encrypt(self._random_bytes(32), [b"mailbox key1", mailbox_id.encode()])
        return mailbox_id, Entry(key, self._seal(name.encode(), b"mailbox name1", mailbox_id))

    def _refuse_former(self, name: str) -> None:
        if name in (former := self.former()):
            raise ConfigError(
                f"{name} was renamed to {former[name]} in the mailstore",
                f"call it {former[name]} in the configuration too, or rename it back",
            )

    def _seal(self, text: bytes, purpose: bytes, mailbox_id: str) -> bytes:
        """Padded, so that its length tells little."""
        if not text or b"\0" in text:
            raise ValueError("a mailbox's name is not empty and holds no zero byte")
        padded = text + bytes(-len(text) % NAME_BLOCK)
        return self._siv.encrypt(padded, [purpose, mailbox_id.encode()])

    def _unwrap(self, sealed: bytes, purpose: bytes, mailbox_id: str) -> bytes:
        try:
            return self._siv.decrypt(sealed, [purpose, mailbox_id.encode()])
        except (InvalidTag, ValueError) as error:
            raise Tampered(f"keyring.json: the entry of mailbox {mailbox_id} was changed", RESTORE) from error


def unlock(document: Document, root: Root) -> bytes:
    """The master key, from a slot that the root opens. Raises KeyRefused if it opens none."""
    for slot in document.slots:
        master = unwrap(document, slot, root)
        if master is not None:
            return master
    raise KeyRefused(f"{root} does not open this mailstore", "use the key that it was made with, or its successor")


def unwrap(document: Document, slot: Slot, root: Root) -> bytes | None:
    """The master key, if this root opens this slot; else None. Raises what `Root.slot_key` raises."""
    if slot.kind != root.kind:
        return None
    try:
        return AESSIV(root.slot_key(slot.parameters)).decrypt(slot.wrapped, slot.associated(document.key_id))
    except (InvalidTag, ValueError):
        return None


def new_slot(root: Root, master: bytes, key_id: str, random_bytes: RandomBytes) -> Slot:
    """The master key, wrapped under a root. Raises what `Root.slot_key` raises."""
    slot = Slot(root.kind, root.parameters(random_bytes), b"")
    wrapped = AESSIV(root.slot_key(slot.parameters)).encrypt(master, slot.associated(key_id))
    return replace(slot, wrapped=wrapped)


def _check(document: Document, mac: bytes, keys: MasterKeys) -> None:
    if not hmac.compare_digest(mac, document.mac(keys.mac)):
        raise Tampered("keyring.json was changed, or belongs to another mailstore", RESTORE)
