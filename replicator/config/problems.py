"""What is wrong with a configuration: all of it at once, each with its key and line.

`tomllib` gives values without positions, so `Lines` reads the same text once more and notes where each key stands.
It runs only on text that `tomllib` has accepted, and so needs no error handling of its own.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connectors.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: table and key names, and the index within an array of tables."""

_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.)?""")
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)


@dataclass(slots=True)
class Problems:
    """Collects what is wrong, and raises it as one error.

    `passwords` says whether the mailboxes' secrets will be needed; if not, their files' permissions are not looked at.
    """

    passwords: bool = True
    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, file: Path, line: int, text: str) -> None:
        """One problem; line 0 stands for the whole file."""
        self.found.append((file.name, line, text))

    def raise_if_any(self) -> None:
        """Raises ConfigError with every problem, one a line, in the order of the file."""
        if not self.found:
            return
        lines = [f"{name}:{line}: {text}" if line else f"{name}: {text}" for name, line, text in sorted(self.found)]
        count = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
        report = "\n".join([f"{count} in the configuration:", *lines])
        raise ConfigError(report, "correct them; docs/operations.md lists every setting")


def suggestion(word: str, known: Iterable[str], most: int = 20) -> str:
    """`; did you mean "port"?`, or what is known when nothing comes near, at most so many."""
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{folded[near[0]]}"?'
    shown = [*names[:most], "…"] if len(names) > most else names
    return f" (known: {', '.join(shown)})" if names else ""


class Lines:
    """The line of every key of a TOML text. A key inside an inline table has the line of its statement.

    The text is read when a line is first asked for: a configuration without problems needs none.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def line(self, path: KeyPath) -> int:
        """The line of the nearest enclosing key that the text names, counted from 1; 0 if there is none."""
        if not self._lines:
            self._read()
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 0

    def _read(self) -> None:
        table: KeyPath = ()
        line, counted = 1, 0
        for start, statement in _statements(self._text):
            line, counted = line + self._text.count("\n", counted, start), start
            if statement.startswith("["):
                table = self._header(statement, line)
            else:
                self._note((*self._resolved(table), *_names(statement)), line)

    def _header(self, statement: str, line: int) -> KeyPath:
        repeated = statement.startswith("[[")
        path = _names(statement[2 if repeated else 1 :])
        *parents, last = path
        path = (*self._resolved(tuple(parents)), last)
        if repeated:
            self._counts[path] = self._counts.get(path, -1) + 1
            path = (*path, self._counts[path])
        self._note(path, line)
        return path

    def _resolved(self, path: KeyPath) -> KeyPath:
        """The path with the index of the last element put in after each array of tables."""
        done: KeyPath = ()
        for position, part in enumerate(path):
            done = (*done, part)
            follows = path[position + 1] if position + 1 < len(path) else None
            if done in self._counts and not isinstance(follows, int):
                done = (*done, self._counts[done])
        return done

    def _note(self, path: KeyPath, line: int) -> None:
        for end in range(1, len(path) + 1):
            self._lines.setdefault(path[:end], line)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header and each `key = value`, with its offset; strings, comments and brackets do not mislead it."""
    start, depth = 0, 0
    for token in _TOKEN.finditer(text + "\n"):
        first = token.group()[0]
        if first in "[{":
            depth += 1
        elif first in "]}":
            depth -= 1
        elif first == "\n" and depth == 0:
            statement = text[start : token.start()]
            bare = statement.lstrip()
            if bare and not bare.startswith("#"):
                yield start + len(statement) - len(bare), bare
            start = token.end()


def _names(text: str) -> KeyPath:
    """The parts of a dotted key at the start of the text."""
    parts: list[str | int] = []
    position = 0
    while match := _KEY.match(text, position):
        part = match.group(1)
        parts.append(part[1:-1] if part[0] in "\"'" else part)
        position = match.end()
        if not match.group(2):
            break
    return tuple(parts)
