"""The power goes at any call to the disk: what was acknowledged is there, and the mailstore goes on."""

import os
import random
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.mailstore.blobs import Disk
from replicator.mailstore.content import Kept
from tests.vault import Vault, encoded, mail

SECTOR = 512


class Died(BaseException):
    """The power went."""


class Mortal(Disk):
    """Dies at a given call. Bytes that were not synced by then are kept, torn, zeroed or lost, sector by sector.

    A name whose directory was not synced may be gone. What was synced stays.
    """

    def __init__(self, calls: int, rng: random.Random) -> None:
        self.calls = calls
        self.rng = rng
        self.synced: dict[Path, int] = {}
        self.unnamed: set[Path] = set()

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self.synced[path] = 0
        self.unnamed.add(path)
        self._tick()
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        path = _path(descriptor)
        self.synced.setdefault(path, offset)
        super().write(descriptor, data, offset)
        self._tick()

    def sync(self, descriptor: int) -> None:
        self._tick()
        super().sync(descriptor)
        self.synced[_path(descriptor)] = os.fstat(descriptor).st_size

    def truncate(self, descriptor: int, length: int) -> None:
        super().truncate(descriptor, length)
        path = _path(descriptor)
        self.synced[path] = min(self.synced.get(path, length), length)
        self._tick()

    def sync_folder(self, path: Path) -> None:
        self._tick()
        self.unnamed = {one for one in self.unnamed if one.parent != path}

    def _tick(self) -> None:
        self.calls -= 1
        if self.calls == 0:
            for path, kept in self.synced.items():
                self._lose(path, kept)
            raise Died

    def _lose(self, path: Path, kept: int) -> None:
        if path in self.unnamed and self.rng.random() < 0.5:
            path.unlink()
            return
        data = bytearray(path.read_bytes())
        for start in range(kept, len(data), SECTOR):
            if self.rng.random() < 0.2:
                data[start : start + SECTOR] = bytes(len(data[start : start + SECTOR]))
        path.write_bytes(data[: self.rng.randrange(kept, len(data) + 1)])


def _path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def work(vault: Vault, rng: random.Random, acknowledged: list[tuple[Kept, bytes]]) -> None:
    """Some writers, one after the other, of some batches each."""
    shared = [rng.randbytes(5000) for _ in range(3)]
    for _ in range(2):
        with closing(vault.writer()) as writer:
            for _ in range(3):
                batch = [rng.randbytes(rng.randrange(4000)) for _ in range(rng.randrange(3))]
                batch += [mail(encoded(rng.choice(shared)))] + [rng.randbytes(1_300_000)] * rng.choice([0, 0, 1])
                kept = [writer.put((message,)) for message in batch]
                writer.sync()
                acknowledged += zip(kept, batch, strict=True)


def survive(seed: int, calls: int) -> bool:
    """Whether the power went at all."""
    rng = random.Random(seed)
    acknowledged: list[tuple[Kept, bytes]] = []
    died = False
    with TemporaryDirectory() as name:
        vault = Vault(Path(name), Mortal(calls, rng))
        try:
            work(vault, rng, acknowledged)
        except Died:
            died = True
        after = Vault(Path(name))
        assert after.problems() == []
        work(after, rng, acknowledged)
        assert after.problems() == []
        reader = after.reader()
        assert all(reader.whole(kept.content) == message for kept, message in acknowledged)
        for one in (vault, after):
            one.segments.close()
            one.catalog.close()
    return died


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 20))
def test_the_power_goes(seed: int, calls: int) -> None:
    survive(seed, calls)


def test_it_really_goes() -> None:
    assert survive(1, 9)
    assert not survive(1, 1000)


@pytest.mark.proof
def test_the_power_goes_many_times() -> None:
    assert sum(survive(seed, 1 + seed % 20) for seed in range(2000)) > 1000
