"""The slots of a keyring: which root secrets open it. Only the master key is wrapped anew, never a body."""

import os
from dataclasses import replace

from connectors.errors import ConfigError
from replicator.mailstore.keys.derivation import RandomBytes
from replicator.mailstore.keys.document import Document, Slot
from replicator.mailstore.keys.keyring import Keyring, new_slot, unlock, unwrap
from replicator.mailstore.keys.roots import Root


class Slots:
    """The slots of an open keyring, under the `root` that opens it today. Each change is one write of the file."""

    def __init__(self, keyring: Keyring, root: Root, random_bytes: RandomBytes = os.urandom) -> None:
        self._keyring = keyring
        self._root = root
        self._random_bytes = random_bytes

    @property
    def key_id(self) -> str:
        """The public name of the master key, which all of them hold."""
        return self._keyring.key_id

    def all(self) -> tuple[Slot, ...]:
        """In the order in which they are tried."""
        return self._keyring.document.slots

    def opened_by(self, root: Root) -> Slot | None:
        """The slot that a root opens, or None. Raises KeyRefused for a root that cannot be read."""
        return _opened(self._keyring.document, root)

    def add(self, root: Root) -> Slot:
        """A slot for another root. Raises ConfigError if that root opens one already."""
        made: list[Slot] = []

        def added(document: Document) -> Document:
            if (known := _opened(document, root)) is not None:
                raise ConfigError(f"{root} opens slot {known.id} already", "nothing is to be done")
            made.append(self._slot(document, root))
            return replace(document, slots=(*document.slots, *made))

        self._keyring.revise(added)
        return made[0]

    def remove(self, slot_id: str, keeper: Root) -> None:
        """Takes a slot away. `keeper` has to open another one, so that nobody locks himself out.

        Raises ConfigError where there is no such slot, where it is the last, or where the keeper opens no other.
        """

        def removed(document: Document) -> Document:
            rest = tuple(slot for slot in document.slots if slot.id != slot_id)
            if rest == document.slots:
                raise ConfigError(f"there is no slot {slot_id!r}", "`replicator key list` names the slots")
            left = replace(document, slots=rest)
            _refuse_lockout(left, keeper, slot_id)
            return left

        self._keyring.revise(removed)

    def exchange(self, old: Root, new: Root) -> Slot:
        """One slot for another, in one write: `new` opens from then on, and `old` no more."""
        made: list[Slot] = []

        def exchanged(document: Document) -> Document:
            if (known := _opened(document, new)) is not None:
                raise ConfigError(f"{new} opens slot {known.id} already", "rotate to a key that is new")
            made.append(self._slot(document, new))
            return replace(document, slots=(*_without(document, old), *made))

        self._keyring.revise(exchanged)
        return made[0]

    def drop(self, old: Root, keeper: Root) -> None:
        """Takes away every slot that `old` opens, if there is one. Raises ConfigError if `keeper` opens no other."""

        def dropped(document: Document) -> Document:
            left = replace(document, slots=_without(document, old))
            if left != document:
                _refuse_lockout(left, keeper, "of the old key")
            return left

        self._keyring.revise(dropped)

    def _slot(self, document: Document, root: Root) -> Slot:
        return new_slot(root, unlock(document, self._root), document.key_id, self._random_bytes)


def _opened(document: Document, root: Root) -> Slot | None:
    return next((slot for slot in document.slots if _opens(document, slot, root)), None)


def _without(document: Document, root: Root) -> tuple[Slot, ...]:
    return tuple(slot for slot in document.slots if not _opens(document, slot, root))


def _opens(document: Document, slot: Slot, root: Root) -> bool:
    return unwrap(document, slot, root) is not None


def _refuse_lockout(left: Document, keeper: Root, slot: str) -> None:
    if not left.slots:
        raise ConfigError(f"slot {slot} is the last: without it nobody could open the mailstore", "add another first")
    if _opened(left, keeper) is None:
        raise ConfigError(
            f"slot {slot} is the one in use: without it {keeper} opens nothing here",
            "name another key that opens the mailstore with --key-file, --passphrase-env or --passphrase-file",
        )
