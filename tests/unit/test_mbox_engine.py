"""The engine over an mbox file that other programs change: what is held is what is in the file, whatever was done."""

import re
from pathlib import Path
from random import Random

import pytest

from connectors.mbox.source import MboxSource
from tests.shelf import Shelf

FROM = b"From ann@example.test Tue Jan  2 03:04:%02d 2024\n"


def entries(file: Path) -> list[bytes]:
    return re.split(rb"(?m)^(?=From )", file.read_bytes())[1:]


def bodies(file: Path) -> list[bytes]:
    return sorted(entry.split(b"\n", 1)[1][:-1] for entry in entries(file))


def deliver(file: Path, rng: Random) -> None:
    with file.open("ab") as end:
        for _ in range(rng.randrange(4)):
            end.write(FROM % rng.randrange(3) + b"Subject: %d\n\nbody\n\n" % rng.randrange(30))


def expunge(file: Path, rng: Random) -> None:
    file.write_bytes(b"".join(entry for entry in entries(file) if rng.random() > 0.2))


def read(file: Path, rng: Random) -> None:
    """A mail program that notes in messages that they were read."""
    changed = entries(file)
    for number, entry in enumerate(changed):
        if rng.random() < 0.2 and b"Status:" not in entry:
            changed[number] = entry.replace(b"\nSubject:", b"\nStatus: RO\nSubject:")
    with file.open("r+b") as open_file:
        open_file.write(b"".join(changed))


def pack(file: Path, rng: Random) -> None:
    """A new file takes the place of the old one."""
    new = file.with_name("new")
    new.write_bytes(file.read_bytes())
    new.replace(file)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_held_is_what_is_in_the_file(tmp_path: Path, seed: int) -> None:
    rng, shelf, file = Random(seed), Shelf(tmp_path), tmp_path / "inbox"
    file.touch()
    for _ in range(12):
        for _ in range(rng.randrange(1, 3)):
            rng.choice((deliver, deliver, expunge, read, pack))(file, rng)
        report = shelf.sync(source=lambda: MboxSource(file, page_changes=3))
        assert (report.folder_errors, report.counts.quarantined) == ([], 0)
        assert sorted(shelf.held().values()) == bodies(file)
        again = shelf.sync(source=lambda: MboxSource(file))
        assert (again.counts.seen, again.counts.removed, again.full_passes) == (0, 0, 0)
    assert shelf.problems() == []
