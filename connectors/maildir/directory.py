"""One directory of a Maildir: which messages are in it, by unique name, and where each file is just now.

A file is `new/UNIQUE` or `cur/UNIQUE:2,LETTERS`. Its unique name never changes and is never used again, so it is the
message's id; its flags are in the rest of the name, so a change of flags is a rename.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

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
RESCANS = 3

Names = dict[str, str]
"""Id (the unique name, see `naming`) -> file name, from `cur` or `new` on."""


def scan(folder: Path) -> Names:
    """Every message in the folder. Raises FolderGone, FolderRefused.

    A directory that changes while it is read may hide a file that is just being renamed (readdir(3) leaves it open), so
    it is read again if its times moved, a few times; a busier one heals in the next pass, since its digest differs.
    """
    for _ in range(RESCANS):
        before = _times(folder)
        names = dict(_entries(folder))
        if _times(folder) == before:
            break
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


def read_keywords(folder: Path) -> dict[str, str]:
    """Letter -> keyword, as Dovecot keeps them: `a` for the line "0 NAME". Empty if there are none."""
    try:
        lines = (folder / KEYWORDS).read_text("utf-8", "backslashreplace").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise translated(folder, error) from error
    pairs = (line.partition(" ") for line in lines)
    return {chr(ord("a") + int(number)): name for number, _, name in pairs if number.isdecimal() and int(number) < 26}


def translated(folder: Path, error: OSError) -> FolderError:
    """What the operating system says of a folder, in our words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FolderGone(f"there is no Maildir folder at {folder}")
    return FolderRefused(f"Maildir folder {folder} cannot be read: {error.strerror}", "look at its permissions")


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    # `new` first: what a reader moves to `cur` in between is then met twice, not never
    for part in ("new", "cur"):
        try:
            for path in (folder / part).iterdir():
                if not path.name.startswith("."):
                    yield id_of(path.name.partition(":")[0]), f"{part}/{path.name}"
        except OSError as error:
            raise translated(folder, error) from error


def _times(folder: Path) -> tuple[int, ...]:
    try:
        return tuple((folder / part).stat().st_mtime_ns for part in ("new", "cur"))
    except OSError as error:
        raise translated(folder, error) from error
