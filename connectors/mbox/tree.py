"""Which folders there are: a single file, or a directory of them as Thunderbird, Dovecot, mutt or an export leave it.

`A` is a folder, and so is `A.mbox`. What is below it is in the directory `A.sbd` (Thunderbird) or `A`; a directory
without such a file is a folder that holds no mail. Names may be in modified UTF-7 (Dovecot). Not looked at: hidden
names, what other programs keep beside mail, and files that have a suffix or a number for a name and do not begin with a
message. A file without either is listed all the same, so that a damaged folder is not taken for a deleted one.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from connectors.disk import mode_of
from connectors.errors import Unreachable
from connectors.maildir.naming import folder_name, id_of, name_of
from connectors.mbox.files import begins_like_mbox
from connectors.model import Folder, Role

SINGLE = "."
"""The id of the folder that is the only one."""

OTHERS = frozenset({".msf", ".dat", ".lock", ".tmp", ".json", ".jsonl", ".log"})
INBOX = "INBOX"
SUFFIX, BELOW = ".mbox", ".sbd"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder is. Without a `file` it holds no mail; not `readable` if it is seen to be no mbox.

    `below` is the directory in which the folders below it are, if there is one.
    """

    id: str
    path: tuple[str, ...]
    file: Path | None
    readable: bool = True
    below: Path | None = None

    def folder(self, stamp: str) -> Folder:
        """As the contract has it."""
        role = Role.INBOX if self.path == (INBOX,) else Role.NONE
        return Folder(self.id, self.path, role, stamp, selectable=self.readable and self.file is not None)


def places(root: Path) -> Iterator[Place]:
    """Every folder, parents first. Raises Unreachable if the root cannot be read."""
    try:
        if S_ISDIR(mode_of(root)):
            yield from _places(root, Path(), (), ())
        else:
            yield Place(SINGLE, (INBOX,), root, looks_like_mbox(root) is not False)
    except OSError as error:
        text = f"{error.filename or root} cannot be read: {error.strerror}"
        raise Unreachable(text, "look at its permissions and its disk") from error


def file_of(root: Path, identity: str) -> Path:
    """The file of the folder with this id; there may be none."""
    return root if identity == SINGLE else root / name_of(identity)


def _places(root: Path, below: Path, path: tuple[str, ...], above: tuple[tuple[int, int], ...]) -> Iterator[Place]:
    status = (root / below).stat()
    here = (status.st_dev, status.st_ino)
    if here in above:
        return  # a link to a directory that leads back to itself
    nodes = _nodes(root / below)
    inbox = _inbox(nodes) if not path else None
    for name, node in sorted(nodes.items(), key=lambda pair: (pair[0] != inbox, pair[0])):
        inside = (*path, INBOX if name == inbox else folder_name(name))
        if node.file:
            file = below / node.file
            children = root / below / node.directory if node.directory else None
            yield Place(id_of(os.fspath(file)), inside, root / file, node.is_mbox, children)
        elif node.directory:
            directory = below / node.directory
            yield Place(id_of(os.fspath(directory) + "/"), inside, None, below=root / directory)
        if node.directory:
            yield from _places(root, below / node.directory, inside, (*above, here))


@dataclass(slots=True)
class _Node:
    """What has one name: a file, a directory, or both."""

    file: str = ""
    directory: str = ""
    is_mbox: bool = True


def _nodes(directory: Path) -> dict[str, _Node]:
    """By name without suffix, or with it where two would have the same."""
    nodes: dict[str, _Node] = {}
    for path in sorted(directory.iterdir(), key=lambda path: (path.suffix.lower() in (SUFFIX, BELOW), path.name)):
        mode = mode_of(path)
        is_directory = S_ISDIR(mode)
        if path.name.startswith(".") or not (is_directory or S_ISREG(mode)):
            continue
        is_mbox = True if is_directory else looks_like_mbox(path)
        if is_mbox is None:
            continue
        plain = path.stem if path.suffix.lower() == (BELOW if is_directory else SUFFIX) else path.name
        node = nodes.setdefault(plain, _Node())
        if node.directory if is_directory else node.file:
            node = nodes.setdefault(path.name, _Node())
        if is_directory:
            node.directory = path.name
        else:
            node.file, node.is_mbox = path.name, is_mbox
    return nodes


def looks_like_mbox(path: Path) -> bool | None:
    """Whether the file is one, as far as can be seen; None if it is something else that lies beside mail."""
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size == 0:
            return None if suffix in OTHERS else True
        if begins_like_mbox(path):
            return True
    except FileNotFoundError:
        return None  # it left meanwhile, as locks do
    except OSError:
        return None if suffix in OTHERS else True  # whoever opens it is told
    return None if (suffix and suffix != SUFFIX) or path.name.isdecimal() else False


def _inbox(nodes: dict[str, _Node]) -> str | None:
    """The folder of the root that is the inbox, whatever its case; the one in capitals, if there are two."""
    return min((name for name, node in nodes.items() if node.file and name.upper() == INBOX), default=None)
