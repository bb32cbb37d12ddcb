"""Which Maildirs there are beside a known one."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR

from connectors.disk import stands
from connectors.errors import FolderRefused, Unreachable


def discover(known: Path) -> Iterator[str]:
    """The paths of the Maildirs in the directory that holds this one, sorted. Raises Unreachable if it cannot be read.

    Where each user has a directory with the Maildir in it (`alice/Maildir`), those of the other users. What cannot be
    looked into is named too, as it may be one.
    """
    inner = "" if known.name != "Maildir" else known.name
    above = known.parent.parent if inner else known.parent
    try:
        entries = sorted(above.iterdir())
    except OSError as error:
        raise Unreachable(f"{above} cannot be read: {error.strerror}", "is a disk not mounted?") from error
    yield from (str(entry / inner) for entry in entries if _is_maildir(entry / inner))


def _is_maildir(path: Path) -> bool:
    try:
        return all(stands(path / part, S_ISDIR) for part in ("cur", "new"))
    except FolderRefused:
        return True
