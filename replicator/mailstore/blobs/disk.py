"""The few calls that can fail on a disk, in one place, so that a test can make them fail."""

import os
from pathlib import Path

from replicator.mailstore.files import sync_folder


class Disk:
    """The real one. Paths and descriptors as `os` has them; raises OSError only."""

    def create(self, path: Path) -> int:
        """A new file, open for reading and writing. Raises FileExistsError."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """All of `data` at `offset`, however many calls it takes."""
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view = view[written:]
            offset += written

    def sync(self, descriptor: int) -> None:
        """The file's data and length are on the disk on return."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        """Cuts the file."""
        os.ftruncate(descriptor, length)

    def sync_folder(self, path: Path) -> None:
        """Names created in this directory are on the disk on return."""
        sync_folder(path)
