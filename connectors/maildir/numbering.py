"""In which order messages came to a folder: what a Maildir does not keep, and a mark must know.

The file `replicator-numbers` in the folder has a line for each unique name, in the order in which it was first met. It
is written when a mark is taken, and then has all that are there: what came later is in no line before. IMAP servers
keep such lists too, each its own.
"""

import fcntl
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from connectors.disk import adopt, open_regular, sync
from connectors.errors import Renumbered, ServerBusy
from connectors.maildir.directory import Names, translated
from connectors.model import BEGINNING, Mark

FILE = "replicator-numbers"
PARTS = re.compile(r"(\d+)\.(?:M(\d+))?")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The list as it is: `validity` names this list, so that another is not taken for it."""

    validity: str
    names: tuple[str, ...]


def take_mark(folder: Path, present: Names) -> Mark:
    """Everything that is present is before it. Durable on return. Raises ServerBusy, OSError."""
    with _locked(folder) as file:
        numbers = _read(file)
        if numbers is None:
            numbers = _begin(folder, file)
        known = set(numbers.names)
        fresh = sorted((name for name in map(_line, present) if name not in known), key=by_delivery)
        if fresh:
            file.write("".join(f"{name}\n" for name in fresh).encode())
            file.flush()
            os.fsync(file.fileno())
        count = len(numbers.names) + len(fresh)
    return Mark(json.dumps({"v": 1, "validity": numbers.validity, "next": count}))


def came_after(folder: Path, since: Mark, present: Names) -> list[str]:
    """Those of the present messages that came after the mark, in the order in which they came. Raises Renumbered."""
    numbers = _look(folder)
    first = 0 if since == BEGINNING else _first(folder, since, numbers)
    before = set(numbers.names[:first])
    order = {name: number for number, name in enumerate(numbers.names)}
    later = (name for name in present if _line(name) not in before)
    return sorted(later, key=lambda name: (order.get(_line(name), len(order)), by_delivery(name)))


def by_delivery(name: str) -> tuple[int, int, str]:
    """By the time in the name, as far as it has one."""
    match = PARTS.match(name)
    return (int(match[1]), int(match[2] or 0), name) if match else (0, 0, name)


def _first(folder: Path, since: Mark, numbers: Numbers) -> int:
    try:
        match json.loads(since):
            case {"v": 1, "validity": numbers.validity, "next": int(first)} if first <= len(numbers.names):
                return first
    except ValueError as error:
        raise Renumbered(f"Maildir folder {folder}: not a mark of this connector: {error}") from error
    raise Renumbered(f"Maildir folder {folder} is not as it was when it was marked")


def _look(folder: Path) -> Numbers:
    try:
        with os.fdopen(open_regular(folder / FILE), "rb") as file:
            return _read(file) or Numbers("", ())
    except FileNotFoundError:
        return Numbers("", ())
    except OSError as error:
        raise translated(folder, error) from error


def _read(file: BinaryIO) -> Numbers | None:
    """None if the list was not begun; a last line that was cut by a crash is none, and is taken away by who writes."""
    data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data) and file.writable():
        file.truncate(len(whole))
    head, *names = whole.decode("ascii", "replace").split("\n")[:-1] or [""]
    return Numbers(head, tuple(names)) if head else None


def _line(name: str) -> str:
    """The name without line ends; `%` is in no name but as an escape."""
    return name.replace("\n", "%0A")


def _begin(folder: Path, file: BinaryIO) -> Numbers:
    file.seek(0)
    file.truncate()
    status = os.fstat(file.fileno())
    numbers = Numbers(f"{status.st_ino}-{status.st_mtime_ns}", ())
    file.write(f"{numbers.validity}\n".encode())
    file.flush()
    os.fsync(file.fileno())
    sync(folder)
    return numbers


def _locked(folder: Path) -> BinaryIO:
    """Open for reading from the beginning and for writing at the end, and locked until it is closed."""
    descriptor = open_regular(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    file = os.fdopen(descriptor, "r+b")
    try:
        adopt(descriptor, folder / "cur", 0o666)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise ServerBusy(f"{folder / FILE} is locked by another run", "it is tried again") from error
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
