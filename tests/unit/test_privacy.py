"""Who may read a file that holds a secret."""

import errno
import os
import struct
from pathlib import Path

import pytest

from replicator.privacy import others_have_access

OWNER, USER, GROUP_OBJECT, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
SOMEONE_ELSE = os.geteuid() + 1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("x")
    return tmp_path / "secret"


@pytest.mark.parametrize(("mode", "shared"), [(0o600, False), (0o400, False), (0o640, True), (0o601, True)])
def test_the_mode_tells_where_there_is_no_list(file: Path, mode: int, shared: bool) -> None:
    file.chmod(mode)
    assert others_have_access(file) is shared
    with file.open() as opened:
        assert others_have_access(opened.fileno()) is shared


@pytest.mark.parametrize(
    ("who", "group", "shared"), [(os.geteuid(), 0, False), (SOMEONE_ELSE, 0, True), (os.geteuid(), 4, True)]
)
def test_a_list_tells_more_than_the_mode(file: Path, who: int, group: int, shared: bool) -> None:
    """As systemd gives credentials to the user of a service: an entry for that user, whose mask shows as group bits."""
    nobody_in_particular = 0xFFFFFFFF
    entries = [
        (OWNER, 4, nobody_in_particular),
        (USER, 4, who),
        (GROUP_OBJECT, group, nobody_in_particular),
        (MASK, 4, nobody_in_particular),
        (OTHER, 0, nobody_in_particular),
    ]
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(file, "system.posix_acl_access", value)
    assert file.stat().st_mode & 0o077
    assert others_have_access(file) is shared


def test_where_no_list_can_be_read_the_mode_tells(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on kernels that only look like Linux: then a file is refused for its mode, and not for that."""

    def getxattr(file: Path | int, name: str) -> bytes:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "getxattr", getxattr)
    for mode, shared in ((0o600, False), (0o640, True)):
        file.chmod(mode)
        assert others_have_access(file) is shared
