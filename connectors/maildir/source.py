"""The Source over a Maildir."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from stat import S_ISDIR

from connectors.body import Body
from connectors.disk import mode_of, stands
from connectors.errors import (
    CursorExpired,
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemError,
    ItemGone,
    ItemUnreadable,
    Unreachable,
)
from connectors.maildir.directory import digest, flags_of, read_keywords
from connectors.maildir.files import Files, arrival
from connectors.maildir.naming import ROOT, folder_path, id_of
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref, Role, Seen, Version

PAGE_BYTES = 16 << 20
UNSETTLED = ""
"""The digest of no folder: a pass that ends with it is followed by another over everything."""

Rows = list[tuple[str, frozenset[str]]]
"""Ids with their flags, in order."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a cursor says: the folder's digest when the pass began, and the last id that it has listed if unfinished."""

    digest: str
    after: str = ""

    def cursor(self) -> Cursor:
        """As text, versioned; equal places give equal text."""
        return Cursor(json.dumps({"v": 1, **asdict(self)}))

    @classmethod
    def parse(cls, cursor: Cursor) -> "Place":
        """Raises CursorExpired for what this connector did not make."""
        try:
            match json.loads(cursor):
                case {"v": 1, "digest": str(digest), "after": str(after)}:
                    return cls(digest, after)
        except ValueError as error:
            raise CursorExpired(f"not a cursor of this connector: {error}") from error
        raise CursorExpired("not a cursor of this connector")


class MaildirSource:
    """A Maildir keeps no history: an unchanged folder is known by its digest, a changed one is listed whole again.

    So it does not report removals, which its reader finds by an inventory. A folder's id is the name of its directory
    and does not outlive a rename.
    """

    capabilities = Capabilities(reports_removals=False, exact_sizes=True)

    def __init__(self, root: Path, page_changes: int = 1000) -> None:
        check_maildir(root)
        self._root = root
        self._page_changes = page_changes
        self._files = Files(root)
        self._closed = False

    def folders(self) -> Iterator[Folder]:
        """The root as INBOX, and each directory `.A.B` in it as A/B, also if it cannot be read: `changes` says so."""
        self._check_open()
        try:
            names = [ROOT, *(path.name for path in self._root.iterdir() if _is_folder(path))]
        except OSError as error:
            text = f"Maildir {self._root} cannot be read: {error.strerror}"
            raise Unreachable(text, "look at its permissions and its disk") from error
        for path, name in sorted((folder_path(name), name) for name in names):
            role = Role.INBOX if name == ROOT else Role.NONE
            try:
                yield Folder(id_of(name), path, role, stamp=self._look(id_of(name))[0])
            except FolderGone:
                continue  # it left while the others were looked at
            except FolderRefused:
                yield Folder(id_of(name), path, role)

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Nothing, or every message as it was when the pass began."""
        place = None if since is None else Place.parse(since)
        now, rows = self._look(folder.id)
        if since is not None and place == Place(now):
            yield Page((), since, last=True)
        elif place is not None and place.after:
            yield from self._pages(folder, self._resumed(place, now), [row for row in rows if row[0] > place.after])
        else:
            yield from self._pages(folder, Place(now), rows)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Each message from its file, one after the other."""
        keywords: dict[str, dict[str, str]] = {}
        for ref in refs:
            self._check_open()
            if ref.folder not in keywords:
                keywords[ref.folder] = read_keywords(self._files.path(ref.folder))
            answer = self._answer(ref, keywords[ref.folder])
            try:
                yield answer
            finally:
                if isinstance(answer, Message) and isinstance(answer.raw, Body):
                    answer.raw.expire()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As of the first step."""
        self._check_open()
        yield from [Ref(folder.id, each) for each in self._files.scan(folder.id)]

    def count(self, folder: Folder) -> int:
        """As the directory says now."""
        self._check_open()
        return len(self._files.scan(folder.id))

    def close(self) -> None:
        """Nothing is held open but the file that is being streamed, which its fetch lets go."""
        self._closed = True

    def _look(self, folder: str) -> tuple[str, Rows]:
        self._check_open()
        keywords = read_keywords(self._files.path(folder))
        names = self._files.scan(folder)
        return digest(names, keywords), [(each, flags_of(names[each], keywords)) for each in sorted(names)]

    def _resumed(self, place: Place, now: str) -> Place:
        """If the folder changed since the pass began, its rows are of two moments, and its end is no state at all."""
        return place if place.digest == now else replace(place, digest=UNSETTLED)

    def _pages(self, folder: Folder, start: Place, rows: Rows) -> Iterator[Page]:
        """The flags are those that the digest was made of, whatever they have become since."""
        page: list[Seen] = []
        size = 0
        for taken, (identity, flags) in enumerate(rows, start=1):
            seen = self._seen(Ref(folder.id, identity), flags)
            page += [seen] if seen else []
            size += seen.size if seen else 0
            if taken < len(rows) and (taken % self._page_changes == 0 or size >= PAGE_BYTES):
                yield Page(tuple(page), replace(start, after=identity).cursor(), last=False)
                page, size = [], 0
                self._check_open()
        yield Page(tuple(page), replace(start, after="").cursor(), last=True)

    def _seen(self, ref: Ref, flags: frozenset[str]) -> Seen | None:
        """None if it has left meanwhile."""
        try:
            status = self._files.stat(ref)
        except ItemGone:
            return None
        except ItemUnreadable as error:
            raise FolderRefused(error.message, error.advice) from error
        return Seen(ref, version_of(flags).tag, flags, arrival(status), status.st_size)

    def _answer(self, ref: Ref, keywords: dict[str, str]) -> Message | Failure:
        try:
            return self._files.read(ref, keywords)
        except ItemError as error:
            return Failure(ref, error)

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("this source was closed", "open it again")


def check_maildir(root: Path) -> None:
    """Raises Unreachable if there is none, or none that can be seen."""
    try:
        there = stands(root / "cur", S_ISDIR)
    except FolderRefused as error:
        raise Unreachable(error.message, error.advice) from error
    if not there:
        raise Unreachable(f"there is no Maildir at {root}", "is the path right, and its disk mounted?")


def version_of(flags: frozenset[str]) -> Version:
    """It is in the flags, as nothing else about a message can change."""
    return Version(" ".join(["2,", *sorted(flags)]), flags)


def _is_folder(path: Path) -> bool:
    try:
        return path.name.startswith(".") and S_ISDIR(mode_of(path / "cur"))
    except OSError:
        return True  # whatever it is, it is not said to have gone
