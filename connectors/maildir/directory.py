"""One directory of a Maildir: which messages are in it, by unique name, and where each file is just now.

A file is `new/UNIQUE` or `cur/UNIQUE:2,LETTERS`. Its unique name never changes and is never used again, so it is the
message's id; its flags are in the rest of the name, so a change of flags is a rename.
"""

import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from connectors.disk import open_regular
from connectors.errors import FolderError, FolderGone, FolderRefused
from connectors.maildir.naming import id_of

FLAGS = {
    "D": "\\Draft",
    "F": "\\Flagged",
    "P": "$Forwarded",
    "R": "\\Answered",
    "S": "\\Seen",
    "T": "\\Deleted",
}
KEYWORDS = "dovecot-keywords"
LONGEST = 1 << 16
"""Bytes of that file; there are 26 at most."""

NUMBER = re.compile("1?[0-9]|2[0-5]", re.ASCII).fullmatch
RESCANS = 3

Names = dict[str, str]
"""Id (the unique name, see `naming`) -> file name, from `cur` or `new` on.

Two files with one unique name, as a restore may leave them, are two messages: `UNIQUE/INODE`, which outlives a rename.
"""


def scan(folder: Path) -> Names:
    """Every message in the folder. Raises FolderGone, FolderRefused.

    A directory that changes while it is read may hide a file that is just being renamed (readdir(3) leaves it open), so
    it is read again if its times moved, a few times; a busier one heals in the next pass, since its digest differs.
    """
    for _ in range(RESCANS):
        before = _times(folder)
        names: Names = {}
        twins: dict[str, list[str]] = {}
        for unique, file in _entries(folder):
            if unique in names:
                twins.setdefault(unique, [names[unique]]).append(file)
            names[unique] = file
        if _times(folder) == before:
            break
    for unique, files in twins.items():
        del names[unique]
        names |= _told_apart(folder, unique, files)
    return names


def digest(names: Names, keywords: dict[str, str]) -> str:
    """Equal for equal messages with equal flags, whatever their order; times are too coarse to tell changes by."""
    total = 0
    for unique, file in names.items():
        text = "\0".join((unique, *sorted(flags_of(file, keywords))))
        total += int.from_bytes(blake2b(text.encode(), digest_size=16).digest())
    return f"{len(names)}-{total % (1 << 128):032x}"


def flags_of(file: str, keywords: dict[str, str]) -> frozenset[str]:
    """The flags that a file's name says; letters that mean nothing here are left out."""
    letters = file.partition(":2,")[2]
    return frozenset(flag for letter in letters if (flag := FLAGS.get(letter) or keywords.get(letter)))


def info_of(flags: frozenset[str], keywords: dict[str, str], others: str = "") -> str:
    """The rest of a name that says these flags; those that no letter stands for are left out.

    `others` are letters that stand for no flag, and are kept.
    """
    letters = {flag: letter for letter, flag in (keywords | FLAGS).items()}
    return ":2," + "".join(sorted({letters[flag] for flag in flags if flag in letters} | set(others)))


def others_in(file: str, keywords: dict[str, str]) -> str:
    """The letters of a file's name that mean nothing here."""
    return "".join(letter for letter in file.partition(":2,")[2] if letter not in FLAGS and letter not in keywords)


def read_keywords(folder: Path) -> dict[str, str]:
    """Letter -> keyword, as Dovecot keeps them: `a` for the line "0 NAME". Empty if there are none."""
    try:
        with os.fdopen(open_regular(folder / KEYWORDS), "rb") as file:
            lines = file.read(LONGEST).decode("utf-8", "backslashreplace").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise translated(folder, error) from error
    pairs = (line.partition(" ") for line in lines)
    return {chr(ord("a") + int(number)): name for number, _, name in pairs if NUMBER(number)}


def translated(folder: Path, error: OSError) -> FolderError:
    """What the operating system says of a folder, in our words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FolderGone(f"there is no Maildir folder at {folder}")
    return FolderRefused(f"Maildir folder {folder} cannot be read: {error.strerror}", "look at its permissions")


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    # `new` first: what a reader moves to `cur` in between is then met twice, not never. A copy may lack it, if empty.
    for part in ("new", "cur"):
        try:
            for name in os.listdir(folder / part):  # noqa: PTH208 - no object for each of a million names
                if not name.startswith("."):
                    yield id_of(name.partition(":")[0]), f"{part}/{name}"
        except FileNotFoundError as error:
            if part != "new":
                raise translated(folder, error) from error
        except OSError as error:
            raise translated(folder, error) from error


def _told_apart(folder: Path, unique: str, files: list[str]) -> Names:
    """The files of one unique name; a name that has gone was met before its file was renamed."""
    inodes: dict[int, str] = {}
    for file in files:
        try:
            inodes[(folder / file).lstat().st_ino] = file
        except FileNotFoundError:
            continue
        except OSError as error:
            raise translated(folder, error) from error
    if len(inodes) < 2:
        return {unique: next(iter(inodes.values()), files[-1])}
    return {f"{unique}/{inode}": file for inode, file in inodes.items()}


def _times(folder: Path) -> tuple[int, ...]:
    try:
        parts = [folder / "cur", *(part for part in (folder / "new",) if part.exists())]
        return tuple(part.stat().st_mtime_ns for part in parts)
    except OSError as error:
        raise translated(folder, error) from error
