"""Makes and renames folders in a tree of mbox files, in the fashion that the tree has: see `tree`."""

import os
from pathlib import Path

from connectors.disk import sync
from connectors.errors import FolderGone, FolderRefused
from connectors.maildir.naming import folder_name, shifted
from connectors.mbox.tree import BELOW, INBOX, SUFFIX, Place, places
from connectors.model import Folder


def make_folder(root: Path, path: tuple[str, ...]) -> Folder:
    """The folder with this path and those above it. Raises FolderRefused, OSError."""
    place = find_place(root, path)
    if place is None or place.file is None:
        file = _new_file(root, path)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _own(file, root)
        sync(file.parent)
        place = find_place(root, path)
        if place is None or place.file != file:
            file.unlink()
            raise FolderRefused(f"a folder {_shown(path)} would not be seen among the files of {root}", _ADVICE)
    return place.folder("")


def rename_folder(root: Path, folder: Folder, path: tuple[str, ...]) -> Folder:
    """With the directory of what is below it, which goes first: a rename that was interrupted can be called again.

    So a folder of that path that holds no mail is filled, if none is below this one.
    """
    place = find_place(root, folder.path)
    if place is None or place.file is None:
        raise FolderGone(f"there is no folder {_shown(folder.path)} in {root}")
    there = find_place(root, path)
    taken = there is not None and (there.file is not None or place.below is not None)
    if folder.path == (INBOX,) or taken or path[: len(folder.path)] == folder.path:
        raise FolderRefused(f"folder {_shown(folder.path)} cannot become {_shown(path)}", _ADVICE)
    file = _new_file(root, path)
    if file.exists() or (place.below is not None and _below(file).exists()):
        raise FolderRefused(f"there is {file} already", _ADVICE)
    if place.below is not None:
        place.below.rename(_below(file))
    place.file.rename(file)
    sync(file.parent)
    sync(place.file.parent)
    renamed = find_place(root, path)
    if renamed is None:
        raise FolderRefused(f"folder {_shown(path)} is not seen among the files of {root}", _ADVICE)
    return renamed.folder("")


def find_place(root: Path, path: tuple[str, ...]) -> Place | None:
    """Where the folder with this path is."""
    return next((place for place in places(root) if place.path == path), None)


_ADVICE = "choose another name"


def _new_file(root: Path, path: tuple[str, ...]) -> Path:
    """Where the folder's file is to be, in a directory that is there. Raises FolderRefused."""
    if not root.is_dir():
        raise FolderRefused(f"{root} is a single mbox file and has no folder but INBOX", "give a directory instead")
    if not path or any(not part or "/" in part or "\0" in part or part.startswith(".") for part in path):
        text = f"a folder {_shown(path)} cannot be a file: no level may be empty, hold '/' or begin with '.'"
        raise FolderRefused(text, _ADVICE)
    suffixed = any(each.suffix.lower() == SUFFIX for each in root.iterdir())
    return _directory(root, path[:-1]) / (_disk_name(path[-1]) + SUFFIX * suffixed)


def _directory(root: Path, path: tuple[str, ...]) -> Path:
    """The directory of what is below a folder; made, if need be, with the folder."""
    if not path:
        return root
    place = find_place(root, path)
    if place is None:
        make_folder(root, path)
        place = find_place(root, path)
    if place is not None and place.below is not None:
        return place.below
    if place is None or place.file is None:
        raise FolderRefused(f"folder {_shown(path)} can have none below it", _ADVICE)
    directory = _below(place.file)
    directory.mkdir(mode=0o700)
    _own(directory, root)
    sync(directory.parent)
    return directory


def _below(file: Path) -> Path:
    return file.with_name(file.stem if file.suffix.lower() == SUFFIX else f"{file.name}{BELOW}")


def _disk_name(part: str) -> str:
    """As it stands, unless it would be read as something else."""
    try:
        part.encode()
    except UnicodeEncodeError as error:
        raise FolderRefused(f"{part!r} is no text", _ADVICE) from error
    return part if folder_name(part) == part else shifted(part)


def _own(path: Path, root: Path) -> None:
    """Made by root, it is for the owner of the rest."""
    if os.geteuid() == 0:
        status = root.stat()
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _shown(path: tuple[str, ...]) -> str:
    return repr("/".join(path))
