"""Flags as Graph has them: read state, follow-up and categories; the reverse of `rows.flags_of`."""

import re
from collections.abc import Iterable

from connectors.graph.answer import Document

LONGEST = 255
"""Characters of a category (learn.microsoft.com/graph/api/resources/outlookcategory)."""

_FORBIDDEN = re.compile(r"[,;\x00-\x1f\x7f]").search
"""What a category cannot hold: Outlook reads some of these as its end."""

SYSTEM = frozenset({"\\Seen", "\\Flagged"})


def kept(flags: Iterable[str]) -> frozenset[str]:
    """Those that a message keeps. \\Draft is not among them: Exchange sets it when a message is made, and never again.

    Keywords become categories, which Outlook shows.
    """
    return frozenset(flag for flag in flags if flag in SYSTEM or _is_category(flag))


def as_properties(flags: frozenset[str]) -> Document:
    """All that Graph has for flags that are kept, as JSON to be written: what is not among them is taken away."""
    return {
        "isRead": "\\Seen" in flags,
        "flag": {"flagStatus": "flagged" if "\\Flagged" in flags else "notFlagged"},
        "categories": sorted(_category(flag) for flag in kept(flags) - SYSTEM),
    }


def changes(before: frozenset[str], after: frozenset[str]) -> Document:
    """Only those properties that make the one of the other."""
    old, new = as_properties(before), as_properties(after)
    return {name: value for name, value in new.items() if value != old[name]}


def _is_category(flag: str) -> bool:
    """A flag of the system's that Graph does not have is no keyword."""
    return not flag.startswith("\\") and 0 < len(flag) <= LONGEST and not _FORBIDDEN(flag) and not flag.isspace()


def _category(flag: str) -> str:
    """As `rows.flags_of` reads one that looks like a system flag."""
    return f"\\{flag[3:]}" if flag.startswith("%5C") else flag
