"""Writers on full and failing disks, beside rivals, and killed: nothing acknowledged is lost."""

import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import ItemGone, StorageFull, StoreError
from replicator.mailstore.blobs import Disk
from replicator.mailstore.content import Content
from tests.vault import Vault, encoded, mail, numbered, unfinished


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@pytest.mark.parametrize(
    "tail",
    [unfinished(b"torn")[:50], unfinished(b"torn")[:-1], b"\0" * 4096, b"\xe5M", b"\0" * 99 + unfinished(b"late")],
)
def test_an_unfinished_tail_is_cut_and_the_segment_goes_on(vault: Vault, tail: bytes) -> None:
    (one,) = vault.keep(b"one")
    (path,) = vault.segment_files()
    good = path.read_bytes()
    path.write_bytes(good + tail)
    assert vault.problems() == []
    (two,) = vault.keep(b"two")
    assert vault.segment_files() == [path]
    assert path.stat().st_size == len(good) + two.sealed
    assert path.read_bytes().startswith(good)
    assert vault.problems() == []
    assert [vault.reader().whole(kept.content) for kept in (one, two)] == [b"one", b"two"]


def test_whole_records_after_the_committed_end_are_kept(vault: Vault) -> None:
    """A catalog that lost its last transactions without a sign must not cost the mail that they recorded."""
    vault.keep(b"one")
    row = vault.catalog.segments()
    kept = vault.keep(b"two", b"three")
    forgotten = [one.content.pieces[:16] for one in kept]
    vault.catalog.restore(row[0], [])
    for blob_id in forgotten:
        vault.catalog._connection.execute("DELETE FROM blob WHERE id = ?", (blob_id,))
    vault.catalog._connection.commit()
    (path,) = vault.segment_files()
    with path.open("ab") as file:
        file.write(unfinished(b"torn")[:-1])
    vault.keep(b"four")
    assert vault.problems() == []
    assert [vault.reader().whole(one.content) for one in kept] == [b"two", b"three"]


def test_a_segment_in_use_is_not_adopted(vault: Vault) -> None:
    vault.keep(b"before")
    first = vault.writer("a")
    first.put((b"a",))
    second = vault.writer("b")
    second.put((b"b",))
    assert len(vault.segment_files()) == 2
    first.sync()
    first.close()
    second.sync()
    second.close()
    assert vault.problems() == []
    vault.keep(b"c")
    assert len(vault.segment_files()) == 2


def test_a_full_segment_stays_locked_until_the_catalog_has_its_length(vault: Vault, tmp_path: Path) -> None:
    writer = vault.writer("a")
    large = random.Random(1).randbytes(33 << 20)
    kept = [writer.put((large,)) for _ in range(3)]
    rival = Vault(tmp_path)
    rival.keep(b"rival", name="b")
    writer.sync()
    writer.close()
    assert all(vault.reader("a").whole(one.content) == large for one in kept)
    assert vault.problems() == []


def test_a_row_is_read_again_under_the_lock(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever held the lock may have committed between our look at the catalog and our lock."""
    vault.keep(b"one")
    stale = vault.catalog.segments()
    (two,) = vault.keep(b"two")
    answers = [stale]
    now = vault.catalog.segments
    monkeypatch.setattr(vault.catalog, "segments", lambda: answers.pop() if answers else now())
    (three,) = vault.keep(b"three")
    assert [vault.reader().whole(kept.content) for kept in (two, three)] == [b"two", b"three"]


class Failing(Disk):
    """Fails the calls it was told to, after that many bytes of a write; `fired` says that it did."""

    def __init__(self) -> None:
        self.call = ""
        self.error = 0
        self.partial = 0
        self.fired = 0

    def fail(self, call: str, error: int, partial: int = 0) -> None:
        self.call, self.error, self.partial = call, error, partial

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.call == "write":
            super().write(descriptor, data[: self.partial], offset)
        self._maybe("write")
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._maybe("sync")
        super().sync(descriptor)

    def _maybe(self, call: str) -> None:
        if self.call == call:
            self.call = ""
            self.fired += 1
            raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("call", ["write", "sync"])
@pytest.mark.parametrize(("error", "raised"), [(errno.ENOSPC, StorageFull), (errno.EIO, StoreError)])
def test_a_failed_write_ends_the_writer_and_loses_nothing_acknowledged(
    tmp_path: Path, call: str, error: int, raised: type[StoreError]
) -> None:
    disk = Failing()
    vault = Vault(tmp_path, disk)
    (before,) = vault.keep(b"before" * 100)
    (path,) = vault.segment_files()
    size = path.stat().st_size
    writer = vault.writer()
    held = writer.put((b"held" * 100,))
    writer.sync()
    size += held.sealed
    writer.put((b"lost" * 100,))
    disk.fail(call, error, partial=100)
    with pytest.raises(raised):
        writer.sync()
    assert disk.fired == 1
    assert (path.stat().st_size == size) == (error == errno.ENOSPC)
    for again in (lambda: writer.put((b"x",)), writer.sync):
        with pytest.raises(StoreError, match="failed before"):
            again()
    (after,) = vault.keep(b"after" * 100)
    assert vault.segment_files() == [path]
    messages = [vault.reader().whole(kept.content) for kept in (before, held, after)]
    assert messages == [b"before" * 100, b"held" * 100, b"after" * 100]
    assert vault.problems() == []


def test_a_full_disk_in_the_middle_of_a_large_message(tmp_path: Path) -> None:
    disk = Failing()
    vault = Vault(tmp_path, disk)
    vault.keep(b"before")
    writer = vault.writer()
    disk.fail("write", errno.ENOSPC, partial=3_000_000)
    with pytest.raises(StorageFull):
        writer.put((random.Random(1).randbytes(20 << 20),))
    (path,) = vault.segment_files()
    assert path.stat().st_size == vault.catalog.segments()[0].length
    assert vault.problems() == []


@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_segment_that_could_not_be_made_leaves_nothing_in_the_way(tmp_path: Path, call: str) -> None:
    disk = Failing()
    vault = Vault(tmp_path, disk)
    disk.fail(call, errno.ENOSPC, partial=10)
    with pytest.raises(StorageFull):
        vault.keep(b"a")
    assert vault.problems() == []
    (kept,) = vault.keep(b"b")
    assert vault.reader().whole(kept.content) == b"b"


def streamed(*parts: bytes, error: Exception) -> Iterator[bytes]:
    yield from parts
    raise error


@pytest.mark.parametrize("size", [1000, 3 << 20, 70 << 20])
@pytest.mark.parametrize("before", [0, 1, 63])
def test_a_message_that_is_taken_back_leaves_nothing(vault: Vault, size: int, before: int) -> None:
    """Small and in the buffer, larger and partly written, so large that it began another segment."""
    rng = random.Random(size)
    attachment = mail(encoded(rng.randbytes(9000)))
    writer = vault.writer()
    first = [writer.put((b"first",)), writer.put((rng.randbytes(before << 20),)), writer.put((attachment,))]
    twin = attachment + rng.randbytes(size)
    writer.forget(writer.put((twin,)))
    with pytest.raises(ItemGone):
        writer.put(streamed(twin[: size // 2], twin[size // 2 :], error=ItemGone("expunged")))
    last = writer.put((b"last",))
    writer.sync()
    writer.close()
    assert vault.problems() == []
    assert vault.reader().whole(first[2].content) == attachment
    assert vault.reader().whole(last.content) == b"last"
    known = vault.catalog.totals()
    sealed = sum(one.sealed + sum(length for _, length in one.shared) for one in (*first, last))
    headers = 32 * len(vault.segment_files())
    assert known.bytes == sealed + headers == sum(path.stat().st_size for path in vault.segment_files())


def test_only_the_last_message_can_be_taken_back_and_only_before_it_is_synced(vault: Vault) -> None:
    writer = vault.writer()
    one, two = writer.put((b"one",)), writer.put((b"two",))
    writer.forget(one)
    writer.sync()
    writer.forget(two)
    writer.sync()
    writer.close()
    assert [vault.reader().whole(kept.content) for kept in (one, two)] == [b"one", b"two"]
    assert vault.problems() == []


def start(root: Path, seed: int, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.vault", root, str(seed), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def check_said(vault: Vault, seed: int, said: list[str], acknowledged: int) -> None:
    reader = vault.reader(f"mailbox {seed}")
    for line in said[:acknowledged]:
        number, size, sha256, recipe, pieces = line.split()
        content = Content(bytes.fromhex(sha256), int(size), bytes.fromhex(recipe), bytes.fromhex(pieces))
        assert reader.whole(content) == numbered(seed, int(number))


def test_two_writers_in_two_processes(vault: Vault) -> None:
    children = [start(vault.root, seed, 120) for seed in (1, 2)]
    said = [child.communicate(timeout=60)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    for seed, lines in zip((1, 2), said, strict=True):
        assert len(lines) == 120
        check_said(vault, seed, lines, 120)
    assert vault.problems() == []
    assert vault.catalog.totals().blobs == 2 * 120 + 5


def killed_runs(vault: Vault, rng: random.Random, runs: int) -> int:
    """Kills writers at random moments; what they had said was durable has to be there. How many segments there are."""
    for seed in range(runs):
        child = start(vault.root, seed, 10_000)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(rng.randrange(1, 60))]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()  # through the same buffer as before, which `communicate` would pass by
        child.wait(timeout=60)
        child.stdout.close()
        said = [line for line in said if line.endswith("\n")]
        assert vault.problems() == []
        check_said(vault, seed, said, len(said) - len(said) % 4)
    return len(vault.segment_files())


def test_killed_writers_lose_nothing_and_their_segment_is_adopted(vault: Vault) -> None:
    assert killed_runs(vault, random.Random(1), 4) == 1


@pytest.mark.proof
def test_killed_writers_many_times(vault: Vault) -> None:
    assert killed_runs(vault, random.Random(2), 200) <= 2
