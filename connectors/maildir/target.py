"""The Target over a Maildir. A change of flags, a move and a removal are one rename or unlink of one exact name.

So each is atomic: a name that another program has changed meanwhile is not there, and is looked for again.
"""

import os
from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR
from typing import TypeVar

from connectors.body import Body
from connectors.disk import RawFailed, reading, refused, stands, sync, writing
from connectors.errors import Disconnected, FolderGone, ItemGone, ItemRefused
from connectors.maildir.delivery import Delivery
from connectors.maildir.directory import flags_of, info_of, others_in, read_keywords
from connectors.maildir.files import Files
from connectors.maildir.folders import make_folder, make_part, rename_folder
from connectors.maildir.keywords import kept_flags, learn_keywords, with_room_for
from connectors.maildir.naming import id_of
from connectors.maildir.numbering import came_after, take_mark
from connectors.maildir.source import check_maildir, version_of
from connectors.model import (
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

T = TypeVar("T")


class MaildirTarget:
    """Its folders and refs are those of a MaildirSource."""

    capabilities = TargetCapabilities(atomic=True)

    def __init__(self, root: Path) -> None:
        check_maildir(root)
        self._root = root
        self._files = Files(root)
        self._delivery = Delivery()
        self._closed = False

    def mark(self, folder: Folder) -> Mark:
        """See `numbering`. Raises ServerBusy too, if another run takes one."""
        path = self._path(folder.id)
        present = self._files.scan(folder.id)
        with writing(path):
            return take_mark(path, present)

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:  # noqa: ARG002 - nothing is lost here
        """Durable on return. The bytes are read once."""
        path = self._path(folder.id)
        try:
            with writing(path):
                info = info_of(message.flags, learn_keywords(path, message.flags))
                unique = self._delivery.deliver(path, reading(message.raw), info, message.received_at)
        except RawFailed as failed:
            raise failed.error from None
        return Ref(folder.id, id_of(unique))

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """Reads those that came after the mark."""
        path = self._path(folder.id)
        present = self._files.scan(folder.id)
        keywords = read_keywords(path)
        later = came_after(path, since, present)
        return [ref for ref in (Ref(folder.id, name) for name in later) if self._matches(ref, keywords, matches)]

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        """The system flags, $Forwarded, and up to 26 keywords a folder."""
        return kept_flags(with_room_for(read_keywords(self._path(folder.id)), flags), flags)

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """A rename, into `cur`."""
        folder = self._path(ref.folder)
        with writing(folder):
            letters = learn_keywords(folder, add) if add else read_keywords(folder)

        def change(path: Path, now: frozenset[str]) -> Version:
            flags = (now | kept_flags(letters, add)) - remove
            if flags != now:
                info = info_of(flags, letters, others_in(path.name, letters))
                _rename(path, folder / "cur" / (path.name.partition(":")[0] + info))
                sync(path.parent)
                sync(folder / "cur")
            return version_of(flags)

        return self._unless_stale(ref, if_version, change)

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """A rename, to a name that no message had; Unknown if it may not outlive a crash."""
        there = self._path(to.id)

        def change(path: Path, now: frozenset[str]) -> Ref | Unknown:
            size = path.lstat().st_size
            with self._delivery.making(there) as (_, name, _):
                unique = f"{name},S={size}"
            path.rename(there / "cur" / (unique + info_of(now, learn_keywords(there, now))))
            try:
                sync(there / "cur")
                sync(path.parent)
            except OSError as error:
                return Unknown(refused(there, error))
            return Ref(to.id, id_of(unique))

        return self._unless_stale(ref, if_version, change)

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """An unlink."""

        def change(path: Path, _: frozenset[str]) -> Gone:
            path.unlink()
            sync(path.parent)
            return Gone(ref)

        return self._unless_stale(ref, if_version, change)

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:  # noqa: ARG002 - there are none
        """A Maildir has no roles, and no subscriptions of its own."""
        self._check_open()
        with writing(self._root):
            return make_folder(self._root, path)

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """Its directory and those below."""
        self._check_open()
        with writing(self._root):
            return rename_folder(self._root, folder, path)

    def quota(self) -> Quota:
        """What the file system says when it is full; a `maildirsize` is for programs that deliver by it."""
        self._check_open()
        return Quota(told=False)

    def close(self) -> None:
        """Whatever is called from now on raises Disconnected."""
        self._closed = True

    def _unless_stale(self, ref: Ref, seen: Version | None, change: Callable[[Path, frozenset[str]], T]) -> T | Stale:
        """What `change` makes of the file and its flags, done again if it has another name by then."""
        self._check_open()
        keywords = read_keywords(self._files.path(ref.folder))

        def use(path: Path) -> T | Stale:
            path.lstat()
            now = flags_of(path.name, keywords)
            if seen is not None and not _is_so(seen, now):
                return Stale(version_of(now))
            try:
                return change(path, now)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise refused(path.parent.parent, error) from error

        self._files.meet(ref)
        return self._files.reach(ref, use)

    def _matches(self, ref: Ref, keywords: dict[str, str], matches: Callable[[Message], bool]) -> bool:
        try:
            message = self._files.read(ref, keywords)
        except ItemGone:
            return False
        try:
            return matches(message)
        finally:
            if isinstance(message.raw, Body):
                message.raw.expire()

    def _path(self, folder: str) -> Path:
        """The folder's directory. Raises FolderGone, FolderRefused."""
        self._check_open()
        path = self._files.path(folder)
        if not stands(path / "cur", S_ISDIR):
            raise FolderGone(f"there is no Maildir folder at {path}")
        if not stands(path / "tmp", S_ISDIR):  # copies may leave it out, as it is empty
            with writing(path):
                make_part(path, "tmp", self._root)
        return path

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("this target was closed", "open it again")


def _rename(path: Path, to: Path) -> None:
    """Raises ItemRefused if the name is another message's, as both have one unique name: that would be overwritten.

    Looked at in this order, what someone else renamed meanwhile, and just so, is not taken for two.
    """
    if to != path and os.path.lexists(to) and os.path.lexists(path):
        text = f"message {path} cannot have these flags: there is {to.name}, another message of that name"
        raise ItemRefused(text, "rename one of the two files: what stands before the colon")
    path.rename(to)


def _is_so(seen: Version, now: frozenset[str]) -> bool:
    return seen.tag == version_of(now).tag if seen.tag else seen.flags == now
