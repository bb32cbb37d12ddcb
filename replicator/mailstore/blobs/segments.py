"""The directory of segments: their names, their headers, and reading a record by its place."""

import os
import re
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import StoreError, Tampered
from replicator.mailstore.blobs.disk import Disk
from replicator.mailstore.catalog.model import Place

MAGIC = b"MBXSEG01"
VERSION = 1
SEAL_SIZE = 64 << 20
KEEP_OPEN = 16
RESTORE = "run `replicator verify`, and restore the segment from a backup"

_HEADER = struct.Struct(">8sI16s")
SEGMENT_HEADER = _HEADER.size + 4
_NAME = re.compile(r"[0-9a-f]{32}")


def segment_header(name: str) -> bytes:
    """The 32 bytes that a segment of that name starts with."""
    head = _HEADER.pack(MAGIC, VERSION, bytes.fromhex(name))
    return head + struct.pack(">I", zlib.crc32(head))


class Segments:
    """All segments of one mailstore. One thread only; open another for another thread."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        """`root` is made if its parent is there."""
        root.mkdir(exist_ok=True)
        self.root = root
        self.disk = disk or Disk()
        self._open: OrderedDict[str, int] = OrderedDict()

    def close(self) -> None:
        """Closes what was opened for reading; more than once does no harm."""
        while self._open:
            os.close(self._open.popitem()[1])

    def path(self, name: str) -> Path:
        """Where the segment of that name is. Raises Tampered if that is no name a segment can have."""
        if not _NAME.fullmatch(name):
            raise Tampered("the catalog names a segment that cannot be", "run `replicator verify`")
        return self.root / f"{name}.seg"

    def names(self) -> list[str]:
        """The segments in the directory, sorted. Other files are no concern of ours."""
        return sorted(path.stem for path in self.root.glob("*.seg") if _NAME.fullmatch(path.stem))

    def read(self, place: Place) -> bytes:
        """The record at that place, unchecked.

        Raises Tampered if the segment is missing, another, or too short, StoreError if the disk does not give it.
        """
        descriptor = self.descriptor(place.segment)
        with reading(place.segment):
            record = os.pread(descriptor, place.length, place.offset)
        if len(record) != place.length:
            raise Tampered(f"segment {place.segment} is shorter than the catalog says", RESTORE)
        return record

    def descriptor(self, name: str) -> int:
        """The segment open for reading; ours to close. Raises Tampered if it is missing or another, StoreError."""
        descriptor = self._open.get(name)
        if descriptor is None:
            if len(self._open) >= KEEP_OPEN:
                os.close(self._open.popitem(last=False)[1])
            descriptor = self._open[name] = self._open_checked(name)
        else:
            self._open.move_to_end(name)
        return descriptor

    def _open_checked(self, name: str) -> int:
        with reading(name):
            descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            check_start(descriptor, name)
        except StoreError:
            os.close(descriptor)
            raise
        return descriptor


def check_start(descriptor: int, name: str) -> None:
    """Raises Tampered if the file does not start as the segment of that name does, StoreError if it cannot be read."""
    with reading(name):
        start = os.pread(descriptor, SEGMENT_HEADER, 0)
    if start != segment_header(name):
        raise Tampered(f"segment {name} does not start as it should", RESTORE)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """A segment that is not there is Tampered; what the disk does not give is StoreError."""
    try:
        yield
    except FileNotFoundError as error:
        raise Tampered(f"segment {name} is missing", RESTORE) from error
    except OSError as error:
        raise StoreError(f"segment {name} cannot be read: {error.strerror}", "look at the disk") from error
