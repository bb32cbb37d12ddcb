"""Exports: a mailbox's messages as files, each the exact bytes, with a manifest of their hashes.

Nothing of a message decides a file's name: it is the placement's id, in directories named after the folders, with every
character replaced that a file system or a shell could take amiss. The manifest is written last, so that a directory
without one is an export that was broken off.
"""

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from connectors.errors import ConfigError, StorageFull, Tampered
from replicator.advice import FULL, advice_on
from replicator.listing import listed_fields
from replicator.mailstore.mailbox.history import Listed, State
from replicator.mailstore.mailbox.store import MailboxStore

MANIFEST = "manifest.jsonl"
OWN_ENDINGS = (".eml", ".tmp")
LONGEST_NAME = 100
PARTLY = 3
RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


@dataclass(slots=True)
class ExportReport:
    """What was written. `exceptions` are the messages that were not, each with its reason."""

    messages: int = 0
    bytes: int = 0
    manifest_sha256: str = ""
    damaged: bool = False
    exceptions: list[dict[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if everything was written, 13 if stored bytes are damaged, 3 if anything else is missing."""
        if self.damaged:
            return Tampered.exit_code
        return PARTLY if self.exceptions else 0

    def as_json(self) -> dict[str, Any]:
        """The document that `export --json` prints."""
        return {
            "messages": self.messages,
            "bytes": self.bytes,
            "manifest_sha256": self.manifest_sha256,
            "exceptions": self.exceptions,
        }


def export_messages(
    store: MailboxStore, output: Path, placements: Iterable[Listed], advance: Callable[[int, int], None]
) -> ExportReport:
    """Writes the live ones of these placements; a quarantined or damaged one becomes an exception in the report.

    Raises ConfigError unless `output` is new or empty and can be written, StorageFull. A file is whole or not there.
    """
    _prepare(output)
    try:
        # Closing may fail as writing did, and within this `try` that says the same.
        with closing(_Export(store, output)) as export:
            for listed in placements:
                if listed.state is State.LIVE:
                    advance(1, export.write(listed))
                elif listed.state is State.QUARANTINED:
                    export.leave_out(listed, _why(listed))
            return export.finish()
    except OSError as error:
        kind = StorageFull if error.errno in FULL else ConfigError
        advice = f"{advice_on(error)}, into a new directory"
        raise kind(f"the export to {output} stopped: {error.strerror}", advice) from error


def _why(listed: Listed) -> str:
    reason = f" ({listed.reason})" if listed.reason else ""
    return f"quarantined: its bytes could not be taken from the source{reason}"


def _prepare(output: Path) -> None:
    """Others on this machine shall not read what was encrypted until now."""
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(output.iterdir()):
            raise ConfigError(f"{output} is not empty", "name a new or an empty directory")
    except OSError as error:
        raise ConfigError(f"{output} cannot be used: {error.strerror}", advice_on(error)) from error


class _Export:
    """One export under way."""

    def __init__(self, store: MailboxStore, output: Path) -> None:
        self._store = store
        self._output = output
        self._names = FolderNames()
        self._report = ExportReport()
        self._hash = hashlib.sha256()
        self._manifest = _new_file(output / f"{MANIFEST}.tmp")

    def write(self, listed: Listed) -> int:
        """One message; its size, or 0 if it turned out to be damaged."""
        file = self._names.directory(listed.path) / f"{listed.id}.eml"
        temporary = self._output / file.with_suffix(".tmp")
        if not temporary.parent.exists():
            for directory in reversed(file.parents):
                (self._output / directory).mkdir(mode=0o700, exist_ok=True)
        try:
            with _whole_file(temporary) as target:
                size = sum(target.write(chunk) for chunk in self._store.read(listed))
        except Tampered as error:
            self._report.damaged = True
            self.leave_out(listed, error.message)
            return 0
        temporary.rename(self._output / file)
        self._report.messages += 1
        self._report.bytes += size
        self._note({"file": file.as_posix(), **listed_fields(listed)})
        return size

    def leave_out(self, listed: Listed, reason: str) -> None:
        """One message that is not in the export."""
        self._report.exceptions.append({"id": listed.id, "reason": reason})

    def finish(self) -> ExportReport:
        """Makes everything durable, and then the manifest."""
        self._manifest.flush()
        os.sync()
        (self._output / f"{MANIFEST}.tmp").rename(self._output / MANIFEST)
        os.sync()
        self._report.manifest_sha256 = self._hash.hexdigest()
        return self._report

    def close(self) -> None:
        """Closes the manifest, finished or not."""
        self._manifest.close()

    def _note(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        self._hash.update(line)
        self._manifest.write(line)


def _new_file(path: Path) -> BinaryIO:
    """For its owner only, and never over another file."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that is taken away again if it cannot be completed."""
    file = _new_file(path)
    try:
        with file:
            yield file
    except BaseException:
        path.unlink()
        raise


class FolderNames:
    """Gives each folder a directory of its own, whatever its name, on any file system."""

    def __init__(self) -> None:
        self._directories: dict[tuple[str, ...], Path] = {(): Path()}
        self._taken = {_folded(Path(MANIFEST))}

    def directory(self, path: tuple[str, ...]) -> Path:
        """The relative directory of a folder; the same each time, and no other folder's, even where case is ignored."""
        if path not in self._directories:
            parent = self.directory(path[:-1])
            plain = safe_name(path[-1])
            name, number = plain, 1
            while _folded(parent / name) in self._taken:
                number += 1
                name = f"{plain}~{number}"
            self._taken.add(_folded(parent / name))
            self._directories[path] = parent / name
        return self._directories[path]


def safe_name(name: str) -> str:
    """A file name near to this name: letters and digits of any script, blanks and `-_.` stay, all else becomes `_`.

    None ends like a file of the export itself, so that a folder's directory never stands where a file is to be.
    """
    plain = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in name)
    plain = plain.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore").strip(" ")
    if not plain or plain.startswith(".") or plain.endswith(".") or plain.split(".")[0].lower() in RESERVED:
        plain = f"_{plain.strip('.')}"
    return f"{plain}_" if plain.lower().endswith(OWN_ENDINGS) else plain


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", path.as_posix().casefold())
