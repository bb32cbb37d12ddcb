"""Which mailboxes there are beside a known one."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from connectors.disk import stands
from connectors.errors import FolderRefused, Unreachable
from connectors.mbox.tree import looks_like_mbox


def discover(known: Path) -> Iterator[str]:
    """Of a spool file, the others in its directory; of a directory, those of that name beside it, a user each.

    Sorted. What cannot be looked at is named too, as it may be one. Raises Unreachable if they cannot be listed.
    """
    above, inner = (known.parent.parent, known.name) if known.is_dir() else (known.parent, "")
    try:
        yield from (str(entry / inner) for entry in sorted(above.iterdir()) if _is_mailbox(entry, inner))
    except OSError as error:
        raise Unreachable(f"{above} cannot be read: {error.strerror}", "is a disk not mounted?") from error


def _is_mailbox(entry: Path, inner: str) -> bool:
    try:
        if inner:
            return stands(entry / inner, S_ISDIR)
        return not entry.name.startswith(".") and stands(entry, S_ISREG) and bool(looks_like_mbox(entry))
    except FolderRefused:
        return True
