"""`--format maildir`: a Maildir++ as Dovecot and Courier have it. Flags are in the names, dates are the files' times.

`A/B` is `.A.B`, INBOX is the directory itself. Keywords are in the manifest and, as far as it has room for them, in
each folder's `dovecot-keywords`.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from connectors.maildir.directory import KEYWORDS, info_of
from connectors.maildir.keywords import Letters, lines_of, with_room_for
from connectors.maildir.naming import ROOT, shifted
from replicator.export import files
from replicator.export.layout import Written
from replicator.export.names import folded, safe_name
from replicator.mailstore.mailbox.history import Listed

LONGEST_NAME = 200
"""Bytes of a directory's name, in which each level of the path is; file systems take 255."""


class MaildirFiles:
    """A message is written in `tmp` and renamed into `cur`."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._names: dict[tuple[str, ...], str] = {("INBOX",): ROOT}
        self._taken: set[str] = set()
        self._keywords: dict[str, Letters] = {}
        self._make(ROOT)

    def write(self, listed: Listed, raw: Iterable[bytes]) -> Written:
        """Named by its date and its placement."""
        folder = self._folder(listed.path)
        arrived_at = int(datetime.fromisoformat(listed.internaldate).timestamp())
        unique = f"{arrived_at}.{listed.id}.export"
        temporary = self._output / folder / "tmp" / unique
        with files.whole_file(temporary) as target:
            size = sum(target.write(chunk) for chunk in raw)
        os.utime(temporary, (arrived_at, arrived_at))
        flags = frozenset(listed.flags)
        letters = self._keywords[folder] = with_room_for(self._keywords.get(folder, {}), flags)
        info = info_of(flags, letters)
        file = Path(folder, "cur", f"{unique},S={size}{info}")
        temporary.rename(self._output / file)
        return Written(file.as_posix(), size)

    def finish(self) -> None:
        """The keywords of each folder; the messages have their names already."""
        for folder, letters in self._keywords.items():
            if not letters:
                continue
            with files.new_file(self._output / folder / KEYWORDS) as target:
                target.write(lines_of(letters))

    def close(self) -> None:
        """Nothing is open."""

    def _folder(self, path: tuple[str, ...]) -> str:
        """The folder's directory, made if it is new: no other folder's, even where case is ignored."""
        if path not in self._names:
            plain = "." + ".".join(shifted(safe_name(part).replace(".", "_")) for part in path)
            plain, number = _fitting(plain), 1
            name = plain
            while folded(Path(name)) in self._taken:
                number += 1
                name = f"{plain}~{number}"
            self._names[path] = name
            self._make(name)
        return self._names[path]

    def _make(self, folder: str) -> None:
        self._taken.add(folded(Path(folder)))
        for part in ("cur", "new", "tmp"):
            files.make_directories(self._output, Path(folder, part))
        if folder != ROOT:
            files.new_file(self._output / folder / "maildirfolder").close()


def _fitting(name: str) -> str:
    """The name, cut if it is too long, but not within what stands for letters beyond ASCII."""
    if len(name) <= LONGEST_NAME:
        return name
    head, mark, tail = name[:LONGEST_NAME].rpartition("&")
    return (head if mark and "-" not in tail else f"{head}{mark}{tail}").rstrip(".")
