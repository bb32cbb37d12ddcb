"""Makes and renames folders of a Maildir++, whose directories all lie in the first: `A/B` is `.A.B`."""

import os
from pathlib import Path
from stat import S_ISDIR

from connectors.disk import adopt, mode_of, sync
from connectors.errors import FolderGone, FolderRefused
from connectors.maildir.naming import ROOT, folder_path, id_of, shifted
from connectors.model import Folder, Role

INBOX = "INBOX"
PARTS = ("tmp", "new", "cur")
LONGEST = 255
MARKER = "maildirfolder"


def make_folder(root: Path, path: tuple[str, ...]) -> Folder:
    """The folder with this path and those above it. Raises FolderRefused, OSError.

    `cur` comes last, as it is what makes a directory a folder.
    """
    if path != (INBOX,):
        directory = root / directory_name(path)
        if len(path) > 1 and not (root / directory_name(path[:-1]) / "cur").is_dir():
            make_folder(root, path[:-1])
        if not (directory / "cur").is_dir():
            _make(root, directory)
    return folder_of(path)


def rename_folder(root: Path, folder: Folder, path: tuple[str, ...]) -> Folder:
    """With what is below it, which goes first: a rename that was interrupted can be called again."""
    old, new = _source(root, folder), directory_name(path)
    if f"{new}.".startswith(f"{old}."):
        raise FolderRefused(f"folder {'/'.join(folder.path)} cannot be moved into itself", "choose another name")
    below = [path.name for path in root.iterdir() if path.name.startswith(f"{old}.")]
    renames = [(name, new + name.removeprefix(old)) for name in sorted(below, key=len, reverse=True)]
    for _, to in (*renames, (old, new)):
        if (root / to).exists():
            raise FolderRefused(f"there is a folder {to} in {root}", "choose another name")
        check_name(to)
    if len(path) > 1:
        make_folder(root, path[:-1])
    for name, to in (*renames, (old, new)):
        (root / name).rename(root / to)
    sync(root)
    return folder_of(path)


def directory_name(path: tuple[str, ...]) -> str:
    """Of the folder with this path. Raises FolderRefused for what a Maildir++ cannot name."""
    if path == (INBOX,):
        return ROOT
    if not path or any(not part or "." in part or "/" in part for part in path):
        text = f"a Maildir cannot have a folder {'/'.join(path)!r}: no level may be empty or hold '.' or '/'"
        raise FolderRefused(text, "choose another name")
    name = "." + ".".join(map(_shifted, path))
    check_name(name)
    if folder_path(name) != path:
        raise FolderRefused(f"a Maildir cannot have a folder {'/'.join(path)!r}", "choose another name")
    return name


def check_name(name: str) -> None:
    """Raises FolderRefused for what is too long for a file system."""
    if len(os.fsencode(name)) > LONGEST:
        raise FolderRefused(f"the name of folder {name[:50]}… is too long for a Maildir", "choose a shorter one")


def folder_of(path: tuple[str, ...]) -> Folder:
    """As the Source lists it, without a stamp."""
    return Folder(id_of(directory_name(path)), path, Role.INBOX if path == (INBOX,) else Role.NONE)


def _shifted(part: str) -> str:
    try:
        return shifted(part)
    except UnicodeEncodeError as error:
        raise FolderRefused(f"{part!r} is no text", "choose another name") from error


def _source(root: Path, folder: Folder) -> str:
    name = directory_name(folder.path)
    if name == ROOT:
        raise FolderRefused("INBOX cannot be renamed", "move its messages")
    if not S_ISDIR(mode_of(root / name / "cur")):
        raise FolderGone(f"there is no Maildir folder {'/'.join(folder.path)} in {root}")
    return name


def _make(root: Path, directory: Path) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    _adopt(directory, root)
    _adopt(directory / MARKER, root, os.O_CREAT, 0o666)
    for part in PARTS:
        make_part(directory, part, root)
    sync(directory)
    sync(root)


def make_part(directory: Path, part: str, root: Path) -> None:
    """One of `PARTS`. Raises OSError."""
    (directory / part).mkdir(mode=0o700, exist_ok=True)
    _adopt(directory / part, root)


def _adopt(path: Path, root: Path, flags: int = 0, mask: int = 0o777) -> None:
    """What was there before, left by a run that was killed, may be a link of someone else: it is not followed."""
    descriptor = os.open(path, flags | os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        adopt(descriptor, root / "cur", mask)
    finally:
        os.close(descriptor)
