"""One way to show a message: its texts in their order, hashed, and held as far as there is room."""

import hashlib

from reconcile.canonical.prose import spaced
from reconcile.leaves import Said

UNHASHED_MAX, UNHASHED_TEXTS_MAX = 1 << 16, 16
"""Bytes, and texts, that wait to be hashed. Most messages have one text: it is in two renderings, and hashed once."""


class Rendering:
    """One way to show a message, text after text. Up to `room` bytes of it are held."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._sha256: hashlib._Hash | None = None
        self._unhashed: list[bytes] = []
        self.length = self._hashed = 0
        self._texts: list[str] = []
        self._shown: list[str] = []

    def add(self, said: Said, bare: bytes) -> None:
        """The next text, also without white space."""
        self._unhashed.append(bare)
        self.length += len(bare)
        if len(self._unhashed) > UNHASHED_TEXTS_MAX or self.length - self._hashed > UNHASHED_MAX:
            self._hash()
        if not self.is_whole:
            self._texts, self._shown = [], []
        elif bare:
            is_blank = len(said.text) > 2 * len(bare) + 1000  # a text of spaces is as long as it likes
            self._texts.append(spaced(said.text) if is_blank else said.text)
            self._shown.append(spaced(said.visible) if is_blank else said.visible)

    def fork(self) -> "Rendering":
        """Another that has said the same so far."""
        other = Rendering(self._room)
        other._sha256 = self._sha256.copy() if self._sha256 else None
        other._unhashed = self._unhashed.copy()
        other.length, other._hashed = self.length, self._hashed
        other._texts, other._shown = self._texts.copy(), self._shown.copy()
        return other

    def _hash(self) -> "hashlib._Hash":
        data, self._unhashed, self._hashed = b"".join(self._unhashed), [], self.length
        if self._sha256 is None:
            self._sha256 = hashlib.sha256(data)
        else:
            self._sha256.update(data)
        return self._sha256

    def digests(self, other: "Rendering") -> tuple[bytes, bytes]:
        """Of all texts, without white space: of this one, and of another."""
        is_one = self._sha256 is other._sha256 is None and self._unhashed == other._unhashed
        mine = self._hash().digest()
        return mine, mine if is_one else other._hash().digest()

    @property
    def is_whole(self) -> bool:
        """Whether `text` is all of it."""
        return self.length <= self._room

    @property
    def text(self) -> str:
        """All texts, if they are held."""
        return "\n".join(self._texts)

    @property
    def visible(self) -> str:
        """What of `text` is shown."""
        return "\n".join(self._shown)
