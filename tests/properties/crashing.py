"""Stops a mailstore dead before or after any of its durable steps, as SIGKILL would."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replicator.mailstore import sqlcipher
from replicator.mailstore.blobs import Disk
from replicator.mailstore.catalog import sqlite
from replicator.mailstore.mailbox import claims, database


class Crash(BaseException):
    """Not an Exception: nothing may handle it."""


class Fuse:
    """Burns down by one at each durable step. Once burnt, the process is dead: every further step crashes too."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Crash
        self.left -= 1


class FusedDisk(Disk):
    """A write is torn in the middle when the fuse burns out on it."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse

    def create(self, path: Path) -> int:
        self._fuse.burn()
        return super().create(path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        try:
            self._fuse.burn()
        except Crash:
            super().write(descriptor, data[: len(data) // 2], offset)
            raise
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._fuse.burn()
        super().sync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        self._fuse.burn()
        super().truncate(descriptor, length)


@contextmanager
def fused_transactions(fuse: Fuse) -> Iterator[None]:
    """Every transaction of catalog and mailbox databases can crash before it starts, before and after its COMMIT."""

    @contextmanager
    def transaction(connection: Any, path: Path) -> Iterator[None]:
        fuse.burn()
        with sqlcipher.transaction(connection, path):
            yield
            fuse.burn()
        fuse.burn()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "transaction", transaction)
        patch.setattr(database, "transaction", transaction)
        yield


@contextmanager
def few_proofs() -> Iterator[None]:
    """A side's sizes are believed after one, so that short histories match by them, and are misled by them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "PROOF", 1)
        yield
