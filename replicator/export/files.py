"""New files, which others on this machine shall not read: what is in them was encrypted until now."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o700


def new_file(path: Path) -> BinaryIO:
    """For its owner only, and never over another file."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that is taken away again if it cannot be completed."""
    file = new_file(path)
    try:
        with file:
            yield file
    except BaseException:
        path.unlink()
        raise


def make_directories(root: Path, below: Path) -> None:
    """The directory `below` the root, and those between."""
    if not (root / below).exists():
        for directory in (*reversed(below.parents), below):
            (root / directory).mkdir(mode=PRIVATE, exist_ok=True)
