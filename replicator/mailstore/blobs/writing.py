"""Appending records: one locked segment at a time, adopted or new, cut back to what was committed."""

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from connectors.errors import StoreError, Tampered
from replicator.mailstore.blobs.disk import Disk
from replicator.mailstore.blobs.recovering import recover_tail
from replicator.mailstore.blobs.segments import (
    RESTORE,
    SEAL_SIZE,
    SEGMENT_HEADER,
    Segments,
    check_start,
    reading,
    segment_header,
)
from replicator.mailstore.catalog.model import Catalog, Segment
from replicator.mailstore.files import NO_ROOM, storage_full
from replicator.mailstore.keys.derivation import RandomBytes

BUFFER = 1 << 20

log = logging.getLogger(__name__)


class SegmentWriter:
    """Appends to a segment that it holds the kernel lock of. Opens none before the first record. One thread only.

    After any failure the writer is of no more use: what came since the last `settle` is void.
    """

    def __init__(self, segments: Segments, catalog: Catalog, random_bytes: RandomBytes = os.urandom) -> None:
        self._segments = segments
        self._catalog = catalog
        self._random_bytes = random_bytes
        self._file: _LockedSegment | None = None
        self._full: list[_LockedSegment] = []
        self._failed = False

    def append(self, record: Sequence[bytes]) -> tuple[str, int]:
        """Takes a record, given in parts: its segment and offset. Not durable before `flush`. Raises StorageFull."""
        file = self._file
        if file is None or file.length >= SEAL_SIZE:
            file = self._turn()
        offset = file.append(record)
        if file.buffered >= BUFFER:
            with self._failing():
                file.write()
        return file.name, offset

    def flush(self) -> tuple[Segment, ...]:
        """Makes all records durable: the segments that grew, for the catalog. Raises StorageFull, StoreError."""
        with self._failing():
            grown = [file for file in self._open() if file.length > file.committed or file in self._full]
            for file in grown:
                file.sync()
            return tuple(Segment(file.name, file.length, file.length >= SEAL_SIZE) for file in grown)

    def settle(self) -> None:
        """The catalog has what `flush` gave. Until now other writers were kept from the full segments too."""
        for file in self._open():
            file.committed = file.length
        for file in self._full:
            file.close()
        self._full = []
        if self._file is not None and self._file.length >= SEAL_SIZE:
            self._file.close()
            self._file = None

    def lengths(self) -> dict[str, int]:
        """How long each open segment is now, for `rewind`."""
        return {file.name: file.length for file in self._open()}

    def rewind(self, lengths: Mapping[str, int]) -> None:
        """Takes back what was appended since `lengths` was asked, if nothing was settled since. Raises StoreError."""
        with self._failing():
            for file in self._open():
                file.rewind(lengths.get(file.name, file.committed))

    def close(self) -> None:
        """Lets go of the segments; what was not settled is void. More than once does no harm."""
        self._failed = True
        for file in self._open():
            file.close()
        self._file, self._full = None, []

    def _turn(self) -> "_LockedSegment":
        """The next segment to write to. The full one stays locked until the catalog has its length."""
        with self._failing():
            if self._file is not None:
                self._full.append(self._file)
                self._file = None
            self._file = self._adopt() or self._create()
            return self._file

    def _open(self) -> "list[_LockedSegment]":
        return self._full + ([self._file] if self._file is not None else [])

    @contextmanager
    def _failing(self) -> Iterator[None]:
        if self._failed:
            raise StoreError("this writer has failed before, or is closed", "run again")
        try:
            yield
        except OSError as error:
            full = error.errno in NO_ROOM
            self._fail(cut=full)
            if full:
                raise storage_full(self._segments.root) from error
            raise StoreError(f"a segment could not be written: {error.strerror}", "look at the disk") from error

    def _fail(self, *, cut: bool) -> None:
        self._failed = True
        try:
            for file in self._open() if cut else ():
                file.cut(file.committed)
        finally:
            self.close()

    def _adopt(self) -> "_LockedSegment | None":
        held = {file.name for file in self._full}
        for row in self._catalog.segments():
            if row.sealed or row.name in held:
                continue
            try:
                file = self._lock(row.name)
            except StoreError as error:
                self._abandon(row, error)
                continue
            if file is None:
                continue
            try:
                if self._resume(file):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()
        return None

    def _resume(self, file: "_LockedSegment") -> bool:
        """Whether the segment can go on. One that is not what the catalog means is sealed."""
        # Whoever had the lock before may have committed since the rows were read.
        row = next(row for row in self._catalog.segments() if row.name == file.name)
        if row.sealed:
            return False
        try:
            size = file.size(row.length)
            recovered = recover_tail(file.descriptor, row, size)
        except StoreError as error:
            self._abandon(row, error)
            return False
        row = recovered.segment
        if size > row.length:
            file.cut(row.length)
        if recovered.blobs:
            file.sync()
            self._catalog.restore(row, recovered.blobs)
        file.length = file.committed = row.length
        return True

    def _abandon(self, row: Segment, error: StoreError) -> None:
        """Nothing is written there again; what is missing is for `verify` to say. Other mail must not wait for it."""
        log.error("%s: nothing more is written to it; run `replicator verify --read-data`", error.message)
        self._catalog.restore(replace(row, sealed=True), ())

    def _lock(self, name: str) -> "_LockedSegment | None":
        with reading(name):
            descriptor = os.open(self._segments.path(name), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return _LockedSegment(name, descriptor, self._segments.disk)

    def _create(self) -> "_LockedSegment":
        name, disk = self._random_bytes(16).hex(), self._segments.disk
        descriptor = disk.create(self._segments.path(name))
        file = _LockedSegment(name, descriptor, disk)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            disk.write(descriptor, segment_header(name), 0)
            disk.sync(descriptor)
            disk.sync_folder(self._segments.root)
            self._catalog.add_segment(Segment(name, SEGMENT_HEADER))
        except BaseException:
            file.close()
            raise
        return file


class _LockedSegment:
    """One segment, open and locked. `length` counts what is still in the buffer, `committed` what the catalog has."""

    def __init__(self, name: str, descriptor: int, disk: Disk) -> None:
        self.name = name
        self.length = self.committed = SEGMENT_HEADER
        self.descriptor = descriptor
        self._disk = disk
        self._buffer: list[bytes] = []
        self.buffered = 0

    def size(self, least: int) -> int:
        """Bytes of the file. Raises Tampered if it does not start as this segment does or is shorter, StoreError."""
        check_start(self.descriptor, self.name)
        size = os.fstat(self.descriptor).st_size
        if size < least:
            raise Tampered(f"segment {self.name} is shorter than the catalog says", RESTORE)
        return size

    def append(self, record: Sequence[bytes]) -> int:
        """The record's offset."""
        offset = self.length
        size = sum(map(len, record))
        self._buffer += record
        self.buffered += size
        self.length += size
        return offset

    def sync(self) -> None:
        """Everything appended is on the disk on return."""
        self.write()
        self._disk.sync(self.descriptor)

    def rewind(self, length: int) -> None:
        """Forgets the records beyond `length`, in the buffer or in the file."""
        while self._buffer and self.length > length:
            size = len(self._buffer.pop())
            self.length -= size
            self.buffered -= size
        if self.length > length:
            self.cut(length)
            self.length = length

    def cut(self, length: int) -> None:
        """Cuts the file."""
        self._disk.truncate(self.descriptor, length)

    def close(self) -> None:
        """Releases the lock with the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def write(self) -> None:
        """Empties the buffer into the file."""
        if self.buffered:
            self._disk.write(self.descriptor, b"".join(self._buffer), self.length - self.buffered)
            self._buffer.clear()
            self.buffered = 0
