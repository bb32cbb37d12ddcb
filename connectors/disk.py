"""What connectors to mail on a local disk share: durable names, ownership, locks, the system's errors in our words."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors.errors import (
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemTooLarge,
    ItemUnreadable,
    QuotaExceeded,
    ReplicationError,
    ServerBusy,
)
from connectors.model import Ref

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LONGEST_LOCK = 100
NO_FILE = "it is no regular file"


class RawFailed(Exception):
    """Of the caller's own, while its message was read: not to be taken for an error of the disk that is written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


def reading(raw: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes; an OSError becomes RawFailed."""
    try:
        yield from raw
    except OSError as error:
        raise RawFailed(error) from error


def mode_of(path: Path) -> int:
    """What is there (`stat.S_ISDIR` and its like tell), behind links; 0 for nothing. Raises OSError if it is not seen.

    `Path.is_dir` and its like say no to what cannot be seen, from Python 3.14 on: it would pass for deleted.
    """
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno in ABSENT:
            return 0
        raise
    except ValueError:  # no file can have such a name
        return 0


def stands(path: Path, check: Callable[[int], bool]) -> bool:
    """What `check` says of its mode. Raises FolderRefused if that cannot be seen."""
    try:
        return check(mode_of(path))
    except OSError as error:
        text = f"{path} cannot be looked at: {error.strerror}"
        raise FolderRefused(text, "look at the permissions of the directories above it") from error


def sync(directory: Path) -> None:
    """Makes the names in it durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: Path, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """A descriptor of a file. Raises OSError for what is none, but a link, a pipe or a device in its place.

    Whoever may write to the directory may put a link there, to what only who runs this may read or change; and a pipe
    would be waited for. `follow` goes through links all the same.
    """
    try:
        flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OSError(error.errno, NO_FILE, str(path)) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, NO_FILE, str(path))
    return descriptor


def adopt(descriptor: int, model: Path, mask: int) -> None:
    """Whoever may use `model` may use this file or directory too, also when root has made it.

    Raises OSError for a file that has another name too, as it may be no one's here to give away.
    """
    made = os.fstat(descriptor)
    if stat.S_ISREG(made.st_mode) and made.st_nlink > 1:
        raise OSError(errno.EMLINK, "it holds a file that has another name elsewhere")
    status = model.stat()
    os.fchmod(descriptor, status.st_mode & mask)
    if os.geteuid() == 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """Says in our words what the operating system says of a write to this folder."""
    try:
        yield
    except OSError as error:
        raise refused(where, error) from error


def refused(where: Path, error: OSError) -> ReplicationError:
    """QuotaExceeded, ItemTooLarge, FolderGone or FolderRefused."""
    if error.errno in FULL:
        return QuotaExceeded(f"there is no room for more in {where}: {error.strerror}", "make room, or raise the quota")
    if error.errno == errno.EFBIG:
        return ItemTooLarge(f"the message is too large for {where}: {error.strerror}", "raise the limit on file sizes")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FolderGone(f"there is no folder at {where}")
    return FolderRefused(f"{where} cannot be written to: {error.strerror}", "look at its permissions and its disk")


def gone(ref: Ref) -> ItemGone:
    """Of a message that is not there any more."""
    return ItemGone(f"message {ref.id} has left folder {ref.folder}")


def unreadable(ref: Ref, error: OSError) -> ItemUnreadable:
    """Of a message that the operating system does not give."""
    return ItemUnreadable(f"message {ref.id} cannot be read: {error.strerror}", "look at its file's permissions")


@contextmanager
def dot_locked(lock: Path) -> Iterator[None]:
    """Holds `FILE.lock`. Raises ServerBusy if another program does; OSError if the file cannot be made.

    The file says which process made it (as liblockfile has it), so that the lock of one that is dead is taken over.
    """
    try:
        _make(lock)
    except FileExistsError:
        _take_away(lock)
        try:
            _make(lock)
        except FileExistsError as error:
            raise _busy(lock) from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _make(lock: Path) -> None:
    """A link, so that no lock is ever there without its content. Who is killed here leaves a hidden file."""
    temporary = lock.with_name(f".{lock.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, f"{os.getpid()}\n".encode())
        os.link(temporary, lock)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def _take_away(lock: Path) -> None:
    """A lock of the dead. Others may be about to do the same, so it is looked at again when it is out of their way."""
    if _is_held(lock):
        raise _busy(lock)
    away = lock.with_name(f".{lock.name}.{os.getpid()}.away")
    try:
        lock.rename(away)
    except FileNotFoundError:
        return
    try:
        if _is_held(away):
            with suppress(FileExistsError):  # a third one came
                os.link(away, lock)
            raise _busy(lock)
    finally:
        away.unlink()


def _is_held(lock: Path) -> bool:
    """Whether its process may be alive: also if the file does not say which that is."""
    try:
        with os.fdopen(open_regular(lock)) as file:
            process = int(file.read(LONGEST_LOCK))
        if process > 0:
            os.kill(process, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    except (ValueError, OverflowError, OSError):
        return True
    return True


def _busy(lock: Path) -> ServerBusy:
    return ServerBusy(f"{lock} is held by another program", "it is tried again; remove it if no program uses the mail")
