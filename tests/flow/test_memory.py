"""Memory does not grow with the mailbox nor with a message: the whole process tree stays under 150 MB."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.corpus import fill, tiny
from fixtures.footprint import measure
from fixtures.installation import Installation, address_of
from fixtures.servers.dovecot import Dovecot
from fixtures.ugly import huge

LIMIT = 150_000_000
SIZE = 150_000_000


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with Dovecot(users=("alice",)) as running:
        yield running


def assert_small(home: Installation, *arguments: str) -> None:
    found = measure(lambda: home.start(*arguments))
    assert found.code == 0, found.err
    assert 1_000_000 < found.peak_bytes < LIMIT, f"{arguments}: {found.peak_bytes:,} bytes at the peak"
    assert found.largest_bytes < LIMIT, f"{arguments}: {found.largest_bytes:,} bytes in one process"


def test_one_huge_message(server: Dovecot, tmp_path: Path) -> None:
    """Taken, verified and exported as a stream."""
    message = b"".join(huge(1, SIZE))
    server.deliver("alice", "INBOX", [message, b"Subject: small\r\n\r\nafter it\r\n"])
    home = Installation(tmp_path, server)
    home.run("init")
    assert_small(home, "sync", "--jobs", "1")
    assert_small(home, "verify", "--read-data")
    where = ("--mailbox", address_of("alice"), "--format", "eml", "--output", str(tmp_path / "out"))
    assert_small(home, "export", *where)
    largest = max((tmp_path / "out").rglob("*.eml"), key=lambda path: path.stat().st_size)
    assert largest.read_bytes() == message


@pytest.mark.parametrize("count", [2500, pytest.param(100_000, marks=[pytest.mark.proof, pytest.mark.timeout(1800)])])
def test_many_tiny_messages(server: Dovecot, tmp_path: Path, count: int) -> None:
    """First pass, a quiet pass, and what reads the whole mailbox."""
    fill(server, "alice", tiny(1, count))
    home = Installation(tmp_path, server)
    home.run("init")
    for command in (("sync", "--jobs", "1"), ("sync", "--jobs", "1"), ("list", address_of("alice")), ("verify",)):
        assert_small(home, *command)
