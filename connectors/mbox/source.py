"""The Source over mbox files."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from connectors.body import Body
from connectors.disk import gone, stands, unreadable
from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemBusy,
    ItemError,
    Unreachable,
)
from connectors.mbox.files import CHUNK, TRIES, Reader, chunks, look, open_file
from connectors.mbox.index import Entry, Index
from connectors.mbox.quoting import unquote
from connectors.mbox.scan import DIGEST, digest_of
from connectors.mbox.tree import file_of, places
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref, Seen

PAGE_BYTES = 16 << 20
NO_FLAGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reached:
    """What a cursor says: how many messages were listed, which they were, and the file's state if these were all."""

    listed: int
    chain: str
    state: str = ""

    def cursor(self) -> Cursor:
        """As text, versioned; equal ones give equal text."""
        return Cursor(json.dumps({"v": 1, **asdict(self)}))

    @classmethod
    def parse(cls, cursor: Cursor) -> "Reached":
        """Raises CursorExpired for what this connector did not make."""
        try:
            match json.loads(cursor):
                case {"v": 1, "listed": int(listed), "chain": str(chain), "state": str(state)}:
                    return cls(listed, chain, state)
        except ValueError as error:
            raise CursorExpired(f"not a cursor of this connector: {error}") from error
        raise CursorExpired("not a cursor of this connector")


class MboxSource:
    """An mbox file keeps no history and has no ids: once it has changed, it is read from end to end.

    Messages that were added are then listed alone; if anything else changed, all are. Neither reads a body twice. The
    header fields in which mail programs keep flags (Status, X-Status) are part of the bytes, so there are no flags.
    """

    capabilities = Capabilities(reports_removals=False, reports_flags=False, exact_sizes=True)

    def __init__(self, root: Path, page_changes: int = 1000) -> None:
        check_mbox(root)
        self._root = root
        self._page_changes = page_changes
        self._reader = Reader()
        self._closed = False

    def folders(self) -> Iterator[Folder]:
        """As `tree` finds them."""
        self._check_open()
        empty = True
        for place in list(places(self._root)):
            try:
                stamp = look(place.file) if place.file and place.readable else ""
            except FolderGone:
                continue  # it left while the others were looked at
            except FolderRefused:
                stamp = ""
            empty = False
            yield place.folder(stamp)
        if empty:
            raise Unreachable(f"there is no mbox file in {self._root}", "is the path right, its disk mounted?")

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Nothing, or what was added at the end, or every message as it was when the pass began."""
        self._check_open()
        reached = None if since is None else Reached.parse(since)
        file = file_of(self._root, folder.id)
        if since is not None and reached is not None and reached.state == look(file):
            yield Page((), since, last=True)
            return
        state, index = self._reader.read(file)
        known = reached is not None and reached.listed <= len(index) and index.chain(reached.listed) == reached.chain
        yield from self._pages(folder.id, state, index, reached.listed if reached and known else 0)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Each message from its file, one after the other."""
        for ref in refs:
            self._check_open()
            answer = self._answer(ref)
            try:
                yield answer
            finally:
                if isinstance(answer, Message) and isinstance(answer.raw, Body):
                    answer.raw.expire()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As of the first step."""
        _, index = self._index(folder)
        for identity in index.ids():
            yield Ref(folder.id, identity)

    def count(self, folder: Folder) -> int:
        """As the file says now."""
        return len(self._index(folder)[1])

    def close(self) -> None:
        """Nothing is held open but the file that is being streamed, which its fetch lets go."""
        self._closed = True

    def _index(self, folder: Folder) -> tuple[str, Index]:
        self._check_open()
        return self._reader.read(file_of(self._root, folder.id))

    def _pages(self, folder: str, state: str, index: Index, start: int) -> Iterator[Page]:
        page: list[Seen] = []
        size = 0
        for position in range(start, len(index)):
            entry = index[position]
            page.append(Seen(Ref(folder, entry.id), "", NO_FLAGS, entry.arrived_at, entry.size))
            size += entry.size
            listed = position + 1
            if listed < len(index) and (len(page) >= self._page_changes or size >= PAGE_BYTES):
                yield Page(tuple(page), Reached(listed, index.chain(listed)).cursor(), last=False)
                page, size = [], 0
                self._check_open()
        yield Page(tuple(page), Reached(len(index), index.chain(len(index)), state).cursor(), last=True)

    def _answer(self, ref: Ref) -> Message | Failure:
        """Reads again if the file was written meanwhile; the content itself says whether it is the right one."""
        path = file_of(self._root, ref.folder)
        try:
            for _ in range(TRIES):
                _, index = self._reader.read(path)
                entry = index.find(ref.id)
                if entry is None:
                    break
                if message := read_message(path, ref, entry):
                    return message
            else:
                raise ItemBusy(f"message {ref.id} of {path} changes while it is read", "it is tried again")
        except ItemError as error:
            return Failure(ref, error)
        except FolderGone:
            return Failure(ref, gone(ref))
        return Failure(ref, gone(ref))

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("this source was closed", "open it again")


def check_mbox(root: Path) -> None:
    """Raises Unreachable if there is nothing, or nothing that can be seen."""
    try:
        there = stands(root, bool)
    except FolderRefused as error:
        raise Unreachable(error.message, error.advice) from error
    if not there:
        raise Unreachable(f"there is no mbox file or directory at {root}", "is the path right, its disk mounted?")


def read_message(path: Path, ref: Ref, entry: Entry) -> Message | None:
    """The message, whole or as a Body that holds its file open; None if something else stands there now."""
    try:
        file = open_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(ref, error) from error
    file.seek(entry.start)
    if entry.size > CHUNK:
        body = Body(_checked(ref, entry, _bytes(ref, file, entry.end)), file.close)
        return Message(ref, body, NO_FLAGS, entry.arrived_at)
    with file:
        raw = b"".join(_bytes(ref, file, entry.end))
    return Message(ref, (raw,), NO_FLAGS, entry.arrived_at) if digest_of((raw,)) == entry.digest else None


def _checked(ref: Ref, entry: Entry, pieces: Iterator[bytes]) -> Iterator[bytes]:
    total = sha256()
    for piece in pieces:
        total.update(piece)
        yield piece
    if total.digest()[:DIGEST] != entry.digest:
        raise ItemBusy(f"message {ref.id} was changed while it was read", "it is tried again")


def _bytes(ref: Ref, file: BinaryIO, end: int) -> Iterator[bytes]:
    try:
        yield from unquote(chunks(file, end))
    except OSError as error:
        raise unreadable(ref, error) from error
