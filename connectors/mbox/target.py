"""The Target over mbox files: messages can be added, taken out and moved; there are no flags."""

import json
from collections.abc import Callable
from os import fstat
from pathlib import Path
from stat import S_ISREG

from connectors.body import Body
from connectors.disk import RawFailed, gone, reading, stands, writing
from connectors.errors import Disconnected, FolderGone, ItemBusy, ItemGone, Renumbered, ReplicationError, ServerBusy
from connectors.mbox.files import TRIES, Reader, state_of
from connectors.mbox.folders import make_folder, rename_folder
from connectors.mbox.index import Index
from connectors.mbox.scan import Found
from connectors.mbox.source import check_mbox, read_message
from connectors.mbox.tree import file_of
from connectors.mbox.writing import append, cut, locked
from connectors.model import (
    BEGINNING,
    Folder,
    Gone,
    Mark,
    Message,
    Quota,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)

NO_FLAGS: frozenset[str] = frozenset()
ONLY = Version("", NO_FLAGS)
"""What every message is, as nothing about it can change."""


class MboxTarget:
    """Its folders and refs are those of a MboxSource. A mark is how many messages there were, and which.

    So a window is lost once a message before it leaves. A message that does not end with a line end is refused.
    """

    capabilities = TargetCapabilities(atomic=True, keeps_flags=False)

    def __init__(self, root: Path) -> None:
        check_mbox(root)
        self._root = root
        self._reader = Reader()
        self._closed = False

    def mark(self, folder: Folder) -> Mark:
        """Reads the file, if it has changed since this target last wrote to it."""
        _, index = self._read(folder.id)
        return Mark(json.dumps({"v": 1, "count": len(index), "chain": index.chain(len(index))}))

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:  # noqa: ARG002 - nothing is lost here
        """At the end of the file, under a line `From ` that no other message has. The bytes are read once."""
        path = self._file(folder.id)
        try:
            return self._append(path, folder, message)
        except RawFailed as failed:
            raise failed.error from None

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """Reads those that stand after the mark."""
        _, index = self._read(folder.id)
        first = 0 if since == BEGINNING else _first(folder, since, index)
        refs = [Ref(folder.id, index[position].id) for position in range(first, len(index))]
        return [ref for ref in refs if self._matches(ref, matches)]

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - none whatever
        """None: what mail programs write into a message to keep a flag would change its bytes."""
        self._file(folder.id)
        return NO_FLAGS

    def set_flags(
        self,
        ref: Ref,
        add: frozenset[str],  # noqa: ARG002 - none are kept
        remove: frozenset[str],  # noqa: ARG002 - as above
        if_version: Version | None = None,
    ) -> Version | Stale:
        """Keeps none."""
        self._check_there(ref)
        return Stale(ONLY) if _is_stale(if_version) else ONLY

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """Appended there and then taken out here; Unknown if the latter fails, as it then is in both."""
        there = self._file(to.id)
        self._check_there(ref)
        if _is_stale(if_version):
            return Stale(ONLY)
        if ref.folder == to.id:
            return ref
        message = self._message(ref)
        try:
            moved = self._append(there, to, message)
        finally:
            _end(message)
        try:
            self.remove(ref)
        except ItemGone:
            return moved
        except ReplicationError as error:
            return Unknown(error)
        return moved

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """Moves all that follows to the front: slow in a large file, which for a moment may need as much room again."""
        path = self._file(ref.folder)
        for _ in range(TRIES):
            state, index = self._read(ref.folder)
            entry = index.find(ref.id)
            if entry is None:
                raise gone(ref)
            if _is_stale(if_version):
                return Stale(ONLY)
            with locked(path) as file:
                if state_of(fstat(file.fileno())) == state:
                    cut(file, index, entry)
                    self._reader.forget()
                    return Gone(ref)
        raise ServerBusy(f"mbox file {path} changes all the time", "it is tried again")

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:  # noqa: ARG002 - there are none
        """mbox has no roles, and no subscriptions."""
        self._check_open()
        with writing(self._root):
            return make_folder(self._root, path)

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """Its file, and the directory of what is below."""
        self._check_open()
        with writing(self._root):
            return rename_folder(self._root, folder, path)

    def quota(self) -> Quota:
        """What the file system says when it is full."""
        self._check_open()
        return Quota(told=False)

    def close(self) -> None:
        """Whatever is called from now on raises Disconnected."""
        self._closed = True

    def _append(self, path: Path, folder: Folder, message: Message) -> Ref | Unknown:
        for _ in range(TRIES):
            state, index = self._reader.read(path)
            with locked(path) as file:
                status = fstat(file.fileno())
                if state_of(status) == state:
                    self._reader.forget()
                    found = append(path, file, reading(message.raw), message.received_at)
                    if len(index) == 0 or index[len(index) - 1].end < status.st_size:
                        entry = self._reader.extend(path, state_of(fstat(file.fileno())), found)
                        return Ref(folder.id, entry.id)
            if state_of(status) == state:  # the message before it was cut off, and is another now that it is ended
                return self._find(path, folder, found)
        raise ServerBusy(f"mbox file {path} changes all the time", "it is tried again")

    def _find(self, path: Path, folder: Folder, found: Found) -> Ref | Unknown:
        """What was just written there."""
        _, index = self._reader.read(path)
        backwards = (index[position] for position in range(len(index) - 1, -1, -1))
        entry = next((entry for entry in backwards if entry.start == found.start), None)
        if entry is None:
            error = ItemBusy(f"mbox file {path} was written anew by another program", "the message is in it")
            return Unknown(error, written=True)
        return Ref(folder.id, entry.id)

    def _matches(self, ref: Ref, matches: Callable[[Message], bool]) -> bool:
        try:
            message = self._message(ref)
        except ItemGone:
            return False
        try:
            return matches(message)
        finally:
            _end(message)

    def _message(self, ref: Ref) -> Message:
        path = self._file(ref.folder)
        for _ in range(TRIES):
            entry = self._read(ref.folder)[1].find(ref.id)
            if entry is None:
                break
            if message := read_message(path, ref, entry):
                return message
        raise gone(ref)

    def _check_there(self, ref: Ref) -> None:
        if self._read(ref.folder)[1].find(ref.id) is None:
            raise gone(ref)

    def _read(self, folder: str) -> tuple[str, Index]:
        return self._reader.read(self._file(folder))

    def _file(self, folder: str) -> Path:
        """Raises FolderGone, FolderRefused."""
        self._check_open()
        path = file_of(self._root, folder)
        if not stands(path, S_ISREG):
            raise FolderGone(f"there is no mbox file at {path}")
        return path

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("this target was closed", "open it again")


def _first(folder: Folder, since: Mark, index: Index) -> int:
    try:
        match json.loads(since):
            case {"v": 1, "count": int(count), "chain": str(chain)} if 0 <= count <= len(index):
                if index.chain(count) == chain:
                    return count
    except ValueError as error:
        raise Renumbered(f"folder {folder.id}: not a mark of this connector: {error}") from error
    raise Renumbered(f"mbox file {folder.id} does not begin any more as it did when it was marked")


def _is_stale(seen: Version | None) -> bool:
    return seen is not None and seen != ONLY


def _end(message: Message) -> None:
    if isinstance(message.raw, Body):
        message.raw.expire()
