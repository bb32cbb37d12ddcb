"""Folder patterns: `*` matches within a level, `**` across levels, `\\Role` by special use (RFC 6154).

A pattern is written against a folder's path as `list` shows it: components joined with `/`, with `%2F` for a slash and
`%25` for a percent sign inside a name. A literal star is `%2A`; a leading backslash that is no role is `%5C`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from connectors.model import Role
from replicator.folderpath import join_path

_PART = re.compile(r"\*\*/|\*\*|\*|%[0-9A-Fa-f]{2}|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
ROLES = {role.value.lower(): role for role in Role if role is not Role.NONE}


@dataclass(frozen=True, slots=True)
class FolderRules:
    """Which folders are replicated: all, but for those that `exclude` names, and those that hold no mail.

    `include` names folders that are replicated though the mail system says that they hold no mail.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()

    def covers(self, path: tuple[str, ...], role: Role) -> bool:
        """Whether the folder is to be replicated."""
        if any(matches(pattern, path, role) for pattern in self.exclude):
            return False
        return role is not Role.NOT_MAIL or any(matches(pattern, path, role) for pattern in self.include)


def problem_of(pattern: str) -> str:
    """What is wrong with the pattern; empty if nothing."""
    if not pattern:
        return "an empty pattern matches nothing"
    if pattern.startswith("\\") and pattern.lower() not in ROLES:
        return f"{pattern} is no role (known: {', '.join(role.value for role in ROLES.values())})"
    return ""


def matches(pattern: str, path: tuple[str, ...], role: Role) -> bool:
    """Whether the pattern names this folder. Case counts, as it does on the server."""
    if pattern.startswith("\\"):
        return role is ROLES.get(pattern.lower())
    return _compiled(pattern).fullmatch(join_path(path)) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_expression(part) for part in _PART.findall(pattern)), re.DOTALL)


def _expression(part: str) -> str:
    if part in _MEANING:
        return _MEANING[part]
    if part.startswith("%") and part not in {"%25", "%", "%2F", "%2f"}:
        part = chr(int(part[1:], 16))
    return re.escape(part.upper() if part == "%2f" else part)
