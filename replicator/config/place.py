"""Where in a configuration a value stands, so that whoever finds it wrong can say so in one call."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from replicator.config.problems import KeyPath, Problems, suggestion


@dataclass(frozen=True, slots=True)
class Place:
    """A key of a file. `line_of` finds the line of a key path; `joint` stands between its parts when it is named."""

    file: Path
    problems: Problems
    line_of: Callable[[KeyPath], int]
    path: KeyPath = ()
    joint: str = "."

    def at(self, *keys: str | int) -> "Place":
        """The place of a key within this one."""
        return replace(self, path=(*self.path, *keys))

    def problem(self, text: str) -> None:
        """Reports what is wrong here."""
        name = self.joint.join(part for part in self.path if isinstance(part, str))
        self.problems.add(self.file, self.line_of(self.path), f"{name}: {text}" if name else text)

    def resolve(self, path: str) -> Path:
        """A path as the file means it: relative to the file's directory."""
        return self.file.parent / Path(path).expanduser()

    def is_table(self, value: object) -> TypeGuard[dict[str, Any]]:
        """Whether the value is a table; a problem if it is none."""
        if isinstance(value, dict):
            return True
        self.problem("a table is needed here")
        return False

    def refuse_unknown(self, table: Mapping[str, object], known: Iterable[str]) -> None:
        """Reports every key that nothing reads."""
        names = set(known)
        for key in table:
            if key not in names:
                self.at(key).problem(f"unknown key{suggestion(key, names)}")
