"""The mbox source against files that are written and read here, by the rules, with nothing of the source's own."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from imapclient.imap_utf7 import encode

from connectors.mbox.source import MboxSource
from connectors.testing.driver import NotTaken
from connectors.testing.suite import SourceSuite

Folders = tuple[str, ...]


class MboxDriver:
    """Appends as a delivery agent does, and writes the whole file anew as a mail program does. `below` names the
    directory of a folder's children."""

    def __init__(self, root: Path, *, suffix: str = "", below: str = ".sbd") -> None:
        self.root = root
        self._suffix, self._below = suffix, below
        self._numbers = count(1)
        self._names: dict[Folders, list[str]] = {}
        root.mkdir()
        self.create_folder(("INBOX",))

    def create_folder(self, path: Folders) -> None:
        self.file(path).parent.mkdir(exist_ok=True)
        self.file(path).touch()

    def rename_folder(self, path: Folders, to: Folders) -> None:
        raise AssertionError("is not called where ids do not outlive it")

    def delete_folder(self, path: Folders) -> None:
        self.file(path).unlink()

    def lock_folder(self, path: Folders) -> None:
        if os.geteuid() == 0:
            raise NotTaken("permissions do not bind root")
        self.file(path).chmod(0)

    def append(self, path: Folders, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        with self.file(path).open("ab") as file:
            file.write(entry(raw, arrived_at))
        self._names.setdefault(path, []).append(f"m{next(self._numbers)}")
        return self._names[path][-1]

    def set_flags(self, path: Folders, name: str, flags: frozenset[str]) -> None:
        raise AssertionError("is not called where there are no flags")

    def expunge(self, path: Folders, name: str) -> None:
        entries = split(self.file(path).read_bytes())
        del entries[self._names[path].index(name)]
        self._names[path].remove(name)
        self.file(path).write_bytes(b"".join(entries))

    def move(self, path: Folders, name: str, to: Folders) -> str:
        with self.file(to).open("ab") as file:
            file.write(split(self.file(path).read_bytes())[self._names[path].index(name)])
        self.expunge(path, name)
        self._names.setdefault(to, []).append(name)
        return name

    def raw(self, path: Folders, name: str) -> bytes:
        return content(split(self.file(path).read_bytes())[self._names[path].index(name)])

    def open(self) -> MboxSource:
        return MboxSource(self.root, page_changes=2)

    def file(self, path: Folders) -> Path:
        *above, name = [encode(part).decode() for part in path]
        return self.root.joinpath(*(part + self._below for part in above), name + self._suffix)


def entry(raw: bytes, arrived_at: datetime) -> bytes:
    """One message as the format has it: a line From_, the message with its lines quoted, an empty line."""
    ended = raw + b"\n" * (raw != b"" and not raw.endswith(b"\n"))
    line = f"From ann@example.test {arrived_at.astimezone(UTC):%a %b %e %H:%M:%S %Y}\n".encode()
    return line + re.sub(rb"(?m)^(>*From )", rb">\1", ended) + b"\n"


def split(file: bytes) -> list[bytes]:
    """The entries of a file in which every other line that begins with From_ is quoted."""
    return re.split(rb"(?m)^(?=From )", file)[1:]


def content(one: bytes) -> bytes:
    return re.sub(rb"(?m)^>(>*From )", rb"\1", one.split(b"\n", 1)[1][:-1])


class TestMbox(SourceSuite):
    @pytest.fixture(params=[("", ".sbd"), (".mbox", "")], ids=["thunderbird", "export"])
    def driver(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MboxDriver]:
        suffix, below = request.param
        yield MboxDriver(tmp_path / "mail", suffix=suffix, below=below)
        for locked in (tmp_path / "mail").glob("*locked*"):
            locked.chmod(0o600)
