"""Puts a message into a Maildir folder: written in `tmp`, durable, then under its name in `cur`, where none was before.

The names are as https://cr.yp.to/proto/maildir.html has them, and in the order of delivery: the time is that of the
file system, and what one process delivers within its tick is counted.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from socket import gethostname

from connectors.disk import adopt, sync

NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
HOST_ESCAPES = str.maketrans({"/": "\\057", ":": "\\072", ",": "_"})


class Delivery:
    """Makes names that no other message has or had."""

    def __init__(self) -> None:
        self._numbers = count()
        self._suffix = f"P{os.getpid()}Q%06d.{gethostname().translate(HOST_ESCAPES) or 'localhost'}"

    def deliver(self, folder: Path, raw: Iterable[bytes], info: str, received_at: datetime | None) -> str:
        """The unique name. An exception that comes out of `raw` passes through, and nothing is left then."""
        with self.making(folder) as (temporary, name, descriptor):
            size = sum(_write(descriptor, chunk) for chunk in raw)
            if received_at is not None:
                seconds = int(received_at.timestamp() // 1)
                os.utime(descriptor, (seconds, seconds))
            os.fsync(descriptor)
            unique = f"{name},S={size}"
            final = folder / "cur" / f"{unique}{info}"
            _place(temporary, final)
            try:
                sync(folder / "cur")
            except OSError:
                final.unlink()
                raise
        return unique

    @contextmanager
    def making(self, folder: Path) -> Iterator[tuple[Path, str, int]]:
        """A new file in `tmp` as a descriptor, which is gone afterwards, and a new unique name."""
        while True:
            number = next(self._numbers)
            temporary = folder / "tmp" / (self._suffix % number)
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                break
            except FileExistsError:
                continue
        try:
            adopt(descriptor, folder / "cur", 0o666)
            seconds, nanoseconds = divmod(os.fstat(descriptor).st_mtime_ns, 10**9)
            yield temporary, f"{seconds}.M{nanoseconds // 1000:06d}{self._suffix % number}", descriptor
        finally:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)


def _write(descriptor: int, chunk: bytes) -> int:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(chunk)


def _place(temporary: Path, final: Path) -> None:
    """A link never replaces another file; where there are none, the name is new anyway."""
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        temporary.rename(final)
