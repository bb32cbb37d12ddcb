"""Names on disk for folders, whatever they are called."""

import unicodedata
from pathlib import Path

MANIFEST = "manifest.jsonl"
OWN_ENDINGS = (".eml", ".mbox", ".sbd", ".tmp")
LONGEST_NAME = 100
LONGEST_PATH = 2000
"""Bytes: half of what a system call takes. What lies deeper lies side by side."""

RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


class FolderNames:
    """Gives each folder a directory of its own, whatever its name, on any file system."""

    def __init__(self) -> None:
        self._directories: dict[tuple[str, ...], Path] = {(): Path()}
        self._taken = {folded(Path(MANIFEST))}
        self._numbers: dict[str, int] = {}

    def directory(self, path: tuple[str, ...]) -> Path:
        """The relative directory of a folder; the same each time, and no other folder's, even where case is ignored."""
        if path not in self._directories:
            for depth in range(1, len(path) + 1):
                if path[:depth] not in self._directories:
                    self._directories[path[:depth]] = self._new(self._directories[path[: depth - 1]], path[depth - 1])
        return self._directories[path]

    def _new(self, parent: Path, name: str) -> Path:
        while len(parent.as_posix().encode()) > LONGEST_PATH:
            parent = parent.parent
        plain = new = parent / safe_name(name)
        number = self._numbers.get(folded(plain), 1)
        while folded(new) in self._taken:
            number += 1
            new = parent / f"{plain.name}~{number}"
        self._numbers[folded(plain)] = number
        self._taken.add(folded(new))
        return new


def safe_name(name: str) -> str:
    """A file name near to this name: letters and digits of any script, blanks and `-_.` stay, all else becomes `_`.

    None ends like a file of the export itself, so that a folder's directory never stands where a file is to be.
    """
    plain = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in name)
    plain = plain.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore").strip(" ")
    if not plain or plain.startswith(".") or plain.endswith(".") or plain.split(".")[0].lower() in RESERVED:
        plain = f"_{plain.strip('.')}"
    return f"{plain}_" if plain.lower().endswith(OWN_ENDINGS) else plain


def folded(path: Path) -> str:
    """Equal for paths that a file system may take for one: those that differ by case or composition only."""
    return unicodedata.normalize("NFC", path.as_posix().casefold())
