"""What the keyring says of a mailbox beside its name: what it was called before, and whether it is retired."""

import json
from dataclasses import dataclass

from connectors.errors import Tampered

FEATURE = "about"
"""A program that does not know these entries must not write to the mailstore: format.json names them."""


@dataclass(frozen=True, slots=True)
class About:
    """`retired` is when, in seconds since the epoch, or None. `was` are earlier names, which nobody else bears."""

    retired: float | None = None
    was: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        """As it is sealed; nothing at all for a mailbox of which there is nothing to say."""
        if self == About():
            return b""
        return json.dumps({"retired": self.retired, "was": self.was}, sort_keys=True).encode()

    @classmethod
    def decoded(cls, text: bytes) -> "About":
        """Raises Tampered for what no version wrote."""
        if not text:
            return cls()
        match json.loads(text):
            case {"retired": float() | int() | None as retired, "was": list(was), **rest} if not rest:
                return cls(retired, tuple(map(str, was)))
        raise Tampered("keyring.json says of a mailbox what no version wrote", "use a newer program")
