"""An incremental digest over the set of rows: what tells that an old page or a shortened WAL was put back.

SQLite, encrypted or not, accepts its own older pages. So each database carries, in the same transaction as its rows,
the sum modulo 2^256 of HMAC-SHA256 over every row's facts (a keyed multiset hash: order does not matter, rows can be
added and taken away), and the catalog repeats it. Facts are compact JSON arrays, UTF-8, bytes as hex.
"""

import hmac
import json
from collections.abc import Iterable

_MODULUS = 1 << 256
Fact = tuple[str | int | None, ...]
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


class SetDigest:
    """The running sum; 32 bytes, big-endian, at rest."""

    def __init__(self, key: bytes, value: bytes = bytes(32)) -> None:
        self._key = key
        self._sum = int.from_bytes(value, "big")

    def add(self, fact: Fact) -> None:
        """Counts a fact in."""
        self._sum = (self._sum + self._hash(fact)) % _MODULUS

    def remove(self, fact: Fact) -> None:
        """Counts a fact out that was counted in before."""
        self._sum = (self._sum - self._hash(fact)) % _MODULUS

    def replace(self, old: Fact, new: Fact) -> None:
        """Counts one out and another in."""
        if old != new:
            self.remove(old)
            self.add(new)

    def add_all(self, facts: Iterable[Fact]) -> None:
        """Counts many in."""
        for fact in facts:
            self.add(fact)

    def value(self) -> bytes:
        """The digest as it is stored."""
        return self._sum.to_bytes(32, "big")

    def _hash(self, fact: Fact) -> int:
        return int.from_bytes(hmac.digest(self._key, _encode(fact).encode(), "sha256"), "big")
