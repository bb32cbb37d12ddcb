"""Who but its owner may read a file.

The mode alone does not tell: where a file has an access control list (POSIX 1003.1e draft 17, acl(5)), its group bits
are the list's mask. So systemd hands credentials to a service's user, and to nobody else.
"""

import os
import stat
import struct
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Who may write or search it may soon read it."""

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = 2
_USER, _GROUP_OBJECT, _GROUP, _OTHER = 0x02, 0x04, 0x08, 0x20


def others_have_access(file: Path | int) -> bool:
    """Whether anyone but the file's owner, root, and the user of this process has any access. Raises OSError."""
    mode = os.fstat(file).st_mode if isinstance(file, int) else file.stat().st_mode
    if not mode & OTHERS:
        return False
    entries = _entries(file)
    return entries is None or any(_is_stranger(*entry) for entry in entries)


def _is_stranger(tag: int, access: int, who: int) -> bool:
    if tag == _USER:
        return bool(access) and who not in (0, os.geteuid())
    return bool(access) and tag in (_GROUP_OBJECT, _GROUP, _OTHER)


def _entries(file: Path | int) -> list[tuple[int, int, int]] | None:
    """Tag, access and id of each entry of the list; None without one, or with one that cannot be read."""
    try:
        value = os.getxattr(file, _ATTRIBUTE)
    except OSError:  # there is none, or none that this system tells of: then the mode says all
        return None
    if value[:4] != struct.pack("<I", _VERSION) or len(value) % 8 != 4:
        return None
    return list(struct.iter_unpack("<HHI", value[4:]))
