"""Writes to an mbox file under its locks: a message at its end, or one less in it.

An append that fails is taken back. Who is killed during one may leave what was written by then as a message of its own.
A removal moves what follows to the front by pieces no longer than the message was. Longer messages among it, which do
not move in one piece, are written at the end of the file too meanwhile. So whoever is killed during it leaves some mail
twice, or pieces of it beside the whole, and none is lost.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from connectors.disk import dot_locked, writing
from connectors.errors import FolderRefused, ItemRefused, ServerBusy
from connectors.mbox.files import CHUNK, LOCKED, NO_LOCKS, open_file
from connectors.mbox.fromline import from_line, in_utc
from connectors.mbox.index import Entry, Index
from connectors.mbox.quoting import Counted, quote
from connectors.mbox.scan import DIGEST, LINE, Found, digest_of

UNWRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
LONGEST_LINE = 1 << 16


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """The file, for reading and writing, while no other program writes to it. Raises ServerBusy, FolderRefused, …

    By fcntl(2) first and then by `FILE.lock`, as Debian's programs do; the latter only where it can be made.
    """
    with writing(path), open_file(path, os.O_RDWR) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in LOCKED:
                raise ServerBusy(f"mbox file {path} is locked by another program", "it is tried again") from error
            if error.errno not in NO_LOCKS:
                raise
        with _dot_locked(path.with_name(f"{path.name}.lock")):
            if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                raise ServerBusy(f"mbox file {path} was replaced by another program", "it is tried again")
            yield file


def append(path: Path, file: BinaryIO, raw: Iterable[bytes], arrived_at: datetime | None) -> Found:
    """Durable on return. Raises ItemRefused for a message that does not end with a line end: the format adds one."""
    before = os.fstat(file.fileno()).st_size
    try:
        return _append(path, file, raw, arrived_at, before)
    except BaseException:
        file.truncate(before)
        os.fsync(file.fileno())
        raise


def begin_of(file: BinaryIO, entry: Entry) -> int:
    """Where the line `From ` of this message begins."""
    if entry.position == 0:
        return 0
    start = max(entry.start - LONGEST_LINE, 0)
    before = os.pread(file.fileno(), entry.start - 1 - start, start)
    return start + before.rfind(b"\n") + 1


def cut(file: BinaryIO, index: Index, entry: Entry) -> None:
    """Takes the message out. Durable on return."""
    size = os.fstat(file.fileno()).st_size
    to = begin_of(file, entry)
    at = begin_of(file, index[entry.position + 1]) if entry.position + 1 < len(index) else size
    gap = at - to
    _keep_whole(file, index, entry, gap, size)
    while at < size:
        data = os.pread(file.fileno(), min(gap, CHUNK, size - at), at)
        if not data:
            raise FolderRefused("the file became shorter while a message was taken out of it", "another program writes")
        at += len(data)
        to += _write_at(file, data, to)
    file.truncate(to)
    os.fsync(file.fileno())


def _keep_whole(file: BinaryIO, index: Index, entry: Entry, gap: int, size: int) -> None:
    """Writes the messages behind this one that are longer than `gap` at the end of the file too. Durable on return."""
    end = size
    try:
        for position in range(entry.position + 1, len(index)):
            start = begin_of(file, index[position])
            after = begin_of(file, index[position + 1]) if position + 1 < len(index) else size
            if after - start > gap:
                end += _write_at(file, _separator(file, end), end)
                end += _copy(file, start, after, end)
        if end > size:
            os.fsync(file.fileno())
    except BaseException:
        file.truncate(size)
        raise


def _copy(file: BinaryIO, start: int, after: int, to: int) -> int:
    for at in range(start, after, CHUNK):
        _write_at(file, os.pread(file.fileno(), min(CHUNK, after - at), at), to + at - start)
    return after - start


def _append(path: Path, file: BinaryIO, raw: Iterable[bytes], arrived_at: datetime | None, before: int) -> Found:
    os.utime(file.fileno())
    now = os.fstat(file.fileno()).st_mtime_ns
    when = in_utc(arrived_at or datetime.fromtimestamp(now / 10**9, UTC))
    line = from_line(when, f"{now}.{os.getpid()}.{before}")
    file.seek(before)
    head = _separator(file, before) + line
    digest = sha256()
    message = Counted(_hashed(raw, digest.update))
    held = bytearray(head)  # a small message is one write, which a kill hardly cuts
    for chunk in quote(message):
        held += chunk
        if len(held) > CHUNK:
            _write(file, bytes(held))
            held.clear()
    if message.size and not message.ended:
        text = f"the message does not end with a line end, and one would be added in {path}"
        raise ItemRefused(text, "mbox cannot keep it as it is: choose a Maildir")
    end = file.tell() + len(held)
    _write(file, bytes(held) + b"\n")
    os.fsync(file.fileno())
    key = digest.digest()[:DIGEST] + digest_of((line[:-1],))[:LINE]
    return Found(before + len(head), end, key, message.size, when.replace(microsecond=0))


def _hashed(raw: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in raw:
        update(chunk)
        yield chunk


def _separator(file: BinaryIO, size: int) -> bytes:
    """What the file lacks of an empty line at its end."""
    tail = os.pread(file.fileno(), 3, max(size - 3, 0))
    if not tail or tail.endswith((b"\n\n", b"\n\r\n")):
        return b""
    return b"\n" if tail.endswith(b"\n") else b"\n\n"


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _write_at(file: BinaryIO, data: bytes, position: int) -> int:
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, position)
        view, position = view[written:], position + written
    return len(data)


@contextmanager
def _dot_locked(lock: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(dot_locked(lock))
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
        yield
