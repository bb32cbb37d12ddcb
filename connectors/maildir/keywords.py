"""Keywords of a folder: letters in names, and the file in which Dovecot keeps what they mean.

https://doc.dovecot.org/admin_manual/mailbox_formats/maildir/
"""

import os
from pathlib import Path

from connectors.disk import adopt, dot_locked, sync
from connectors.maildir.directory import FLAGS, KEYWORDS, read_keywords

LETTERS = tuple(chr(ord("a") + number) for number in range(26))
LOCK = "dovecot-uidlist.lock"
"""What Dovecot locks this file with too."""

Letters = dict[str, str]
"""Letter -> keyword."""


def with_room_for(letters: Letters, flags: frozenset[str]) -> Letters:
    """The letters, and new ones for keywords that have none; as many as there is room for."""
    known = {*letters.values(), *FLAGS.values()}
    free = (letter for letter in LETTERS if letter not in letters)
    fresh = sorted(flag for flag in flags if flag not in known and _can_be_kept(flag))
    return letters | dict(zip(free, fresh, strict=False))


def kept_flags(letters: Letters, flags: frozenset[str]) -> frozenset[str]:
    """Those of the flags that have a letter."""
    return flags & {*letters.values(), *FLAGS.values()}


def learn_keywords(folder: Path, flags: frozenset[str]) -> Letters:
    """The folder's letters, once they have room for these flags. Raises ServerBusy, OSError, FolderRefused."""
    letters = read_keywords(folder)
    if with_room_for(letters, flags) == letters:
        return letters
    with dot_locked(folder / LOCK):
        letters = with_room_for(read_keywords(folder), flags)
        _write(folder, letters)
    return letters


def lines_of(letters: Letters) -> bytes:
    """As the file has them."""
    return "".join(f"{LETTERS.index(letter)} {keyword}\n" for letter, keyword in sorted(letters.items())).encode()


def _can_be_kept(flag: str) -> bool:
    return flag.isascii() and flag.isprintable() and " " not in flag and not flag.startswith("\\")


def _write(folder: Path, letters: Letters) -> None:
    temporary = folder / f"{KEYWORDS}.tmp"
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as file:
        adopt(file.fileno(), folder / "cur", 0o666)
        file.write(lines_of(letters))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / KEYWORDS)
    sync(folder)
