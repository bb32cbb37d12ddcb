"""Flags as they are written, and which of them a folder keeps (PERMANENTFLAGS, RFC 3501 7.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_KEYWORD = re.compile(r'[^\x00-\x20(){%*"\\\]\x7f-\U0010ffff]+').fullmatch
"""An atom (RFC 3501 section 9), and no `]`, which some servers take for the end of a code."""

RECENT = "\\recent"


@dataclass(frozen=True, slots=True)
class PermanentFlags:
    """`named`, in lower case, can be changed for good; with `any`, new keywords too."""

    named: frozenset[str]
    any: bool

    @classmethod
    def parse(cls, text: bytes) -> "PermanentFlags":
        """The list that SELECT gives."""
        names = frozenset(text.decode("utf-8", "replace").lower().split())
        return cls(names - {"\\*"}, any="\\*" in names)

    def keep(self, flags: frozenset[str]) -> frozenset[str]:
        """Those that the folder keeps."""
        return frozenset(flag for flag in flags if self._keeps(flag))

    def _keeps(self, flag: str) -> bool:
        low = flag.lower()
        if low == RECENT:
            return False
        if flag.startswith("\\"):
            return low in self.named or (self.any and not self.named and _KEYWORD(flag[1:]) is not None)
        return _KEYWORD(flag) is not None and (self.any or low in self.named)


def written(flags: Iterable[str]) -> bytes:
    """In parentheses, in an order that is always the same. Beyond ASCII are only those that the server itself gave."""
    return f"({' '.join(sorted(flags))})".encode()
