"""What the suite cannot know of mbox files: ids, locks, programs that write meanwhile, and files of every kind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import FolderRefused, ItemBusy, ItemGone, ServerBusy, Unreachable
from connectors.mbox import CONNECTOR, MboxMailbox, MboxSystem, files
from connectors.mbox.source import MboxSource
from connectors.model import Cursor, Failure, Folder, Message, Ref

FROM = b"From ann@example.test Tue Jan  2 03:04:05 2024\n"
HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def mail(number: int) -> bytes:
    return b"Subject: %d\n\nbody %d\n" % (number, number)


def stored(*messages: bytes) -> bytes:
    return b"".join(FROM + message + b"\n" for message in messages)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def only(source: MboxSource) -> Folder:
    (folder,) = source.folders()
    return folder


def ids(source: MboxSource, since: Cursor | None = None) -> tuple[list[str], Cursor]:
    pages = list(source.changes(only(source), since))
    return [change.ref.id for page in pages for change in page.changes], pages[-1].cursor


def bodies(source: MboxSource) -> list[bytes]:
    folder = only(source)
    answers = source.fetch(source.inventory(folder))
    return [b"".join(answer.raw) for answer in answers if isinstance(answer, Message)]


def test_equal_messages_of_different_moments_keep_their_ids(file: Path) -> None:
    """Whichever of them leaves first."""
    entries = [b"From a@b Tue Jan  2 03:04:%02d 2024\n" % second + mail(1) + b"\n" for second in range(3)]
    file.write_bytes(b"".join(entries))
    before, _ = ids(MboxSource(file))
    file.write_bytes(entries[0] + entries[2])
    assert ids(MboxSource(file))[0] == [before[0], before[2]]


def test_equal_messages_are_two_and_ids_stay(file: Path) -> None:
    file.write_bytes(stored(mail(1), mail(2), mail(1)))
    before, cursor = ids(MboxSource(file))
    assert len(set(before)) == 3
    assert before[0][:-1] == before[2][:-1]
    with file.open("ab") as end:
        end.write(stored(mail(3)))
    added, cursor = ids(MboxSource(file), cursor)
    assert len(added) == 1
    file.write_bytes(stored(mail(1), mail(1), mail(3)))
    assert ids(MboxSource(file), cursor)[0] == [before[0], before[2], *added]


def test_as_many_equal_messages_as_may_be(file: Path) -> None:
    file.write_bytes(stored(mail(1)) * 20_000)
    source = MboxSource(file)
    assert len(set(source.inventory(only(source)))) == source.count(only(source)) == 20_000


def test_a_file_written_in_place_is_read_again(file: Path) -> None:
    """Of the same length, and with its times set back, as mutt does."""
    file.write_bytes(stored(mail(1), mail(2)))
    status = file.stat()
    source = MboxSource(file)
    _, cursor = ids(source)
    with file.open("r+b") as rewritten:
        rewritten.write(stored(mail(7)))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(ids(MboxSource(file), cursor)[0]) == 2
    assert bodies(source) == [mail(7), mail(2)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (FROM + b"\n", [b""]),
        (FROM, [b""]),
        (FROM + b"Subject: cut", [b"Subject: cut"]),
        (FROM + b"a: b\n\nx\n", [b"a: b\n\nx\n"]),
        (FROM + b"a: b\n\nx\n\n", [b"a: b\n\nx\n"]),
        (FROM + b"a: b\n\nx\n\n\n", [b"a: b\n\nx\n\n"]),
        (FROM + b"a: b\n\n>From x\n>>From y\n> From z\n", [b"a: b\n\nFrom x\n>From y\n> From z\n"]),
        (FROM + b"a: b\n\nFrom here on\nFrom: x\n", [b"a: b\n\nFrom here on\nFrom: x\n"]),
        (FROM + b"a: b\n\n\nFrom there\n", [b"a: b\n\n\nFrom there\n"]),
        (FROM + b"a: b\n" + FROM + b"c: d\n", [b"a: b\n", b"c: d\n"]),
        (b"From -\na: b\n\nFrom \nc: d\n\nFrom x@y\r\n\n", [b"a: b\n", b"c: d\n", b""]),
        (b"From me\na: b\n\nx\n", [b"a: b\n\nx\n"]),
        (FROM + b"a: b\r\n\r\nx\r\n\r\n" + FROM[:-1] + b"\r\nc: d\r\n", [b"a: b\r\n\r\nx\r\n", b"c: d\r\n"]),
        (FROM + b"a: \0\n\n\0\n\n" + FROM + b"\0", [b"a: \0\n\n\0\n", b"\0"]),
        (FROM + b"Content-Length: 9999\n\nx\n\n" + FROM + b"c: d\n", [b"Content-Length: 9999\n\nx\n", b"c: d\n"]),
        (FROM + b"Content-Length: 0\n\nx\n\n", [b"Content-Length: 0\n\nx\n"]),
        (FROM + b"Status: RO\nX-Status: F\n\nx\n\n", [b"Status: RO\nX-Status: F\n\nx\n"]),
        (FROM + b"\r" * 200_000 + b"From x\n", [b"\r" * 200_000 + b"From x\n"]),
        (FROM + b">" * 1002 + b"From x\n", [b">" * 1001 + b"From x\n"]),
    ],
)
def test_what_is_in_a_file(file: Path, raw: bytes, expected: list[bytes]) -> None:
    file.write_bytes(raw)
    assert bodies(MboxSource(file)) == expected


@pytest.mark.parametrize(
    ("line", "head", "expected"),
    [
        ("From a@b Tue Jan  2 03:04:05 2024", "", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("From - Tue Jan 02 03:04 2024", "", datetime(2024, 1, 2, 3, 4, tzinfo=UTC)),
        ("From 1791@xxx Tue Jan 02 03:04:05 -0330 2024", "", datetime(2024, 1, 2, 6, 34, 5, tzinfo=UTC)),
        ("From a@b Tue Jan  2 03:04:05 CET 2024 remote from c", "", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("From a@b Tue Feb 31 03:04:05 2024", "", datetime(1970, 1, 1, tzinfo=UTC)),
        ("From -", "Date: Tue, 2 Jan 2024 03:04:05 +0100\n", datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC)),
        ("From -", "date: Tue, 2 Jan 2024 03:04:05 -0000\n", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("From -", "Date: yesterday\n", datetime(1970, 1, 1, tzinfo=UTC)),
        ("From -", "X: y\n\nDate: Tue, 2 Jan 2024 03:04:05 +0100\n", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_when_a_message_came(file: Path, line: str, head: str, expected: datetime) -> None:
    file.write_text(f"{line}\n{head}\nbody\n")
    source = MboxSource(file)
    ((seen,),) = [page.changes for page in source.changes(only(source), None)]
    assert seen.arrived_at == expected


@pytest.fixture
def hold(file: Path) -> Iterator[Callable[[], Any]]:
    """Another program locks the file; what is returned makes it let go."""
    file.write_bytes(stored(mail(1)))
    with subprocess.Popen([sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield other.communicate
        other.communicate()


def test_a_locked_file_is_waited_for_and_then_left(file: Path, hold: Callable[[], Any]) -> None:
    source = MboxSource(file)
    for _ in range(files.TRIES):
        with pytest.raises(ServerBusy, match="locked by another program"):
            source.count(only(source))
    with pytest.raises(FolderRefused, match="locked by another program"):
        source.count(only(source))
    hold()
    assert source.count(only(source)) == 1


@pytest.mark.parametrize("writes", [1, 100])
def test_a_file_that_grows_while_it_is_read(file: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """By a program that does not lock: once is no trouble, a file that never stands still is not taken at all."""
    file.write_bytes(stored(mail(1)))
    left = iter(range(writes))
    chunks = files.chunks

    def growing(opened: Any, end: int) -> Iterator[bytes]:
        yield from chunks(opened, end)
        if next(left, None) is not None:
            with file.open("ab") as other:
                other.write(stored(mail(2)))

    monkeypatch.setattr(files, "chunks", growing)
    source = MboxSource(file)
    if writes == 1:
        assert source.count(only(source)) == 2
    else:
        with pytest.raises(FolderRefused, match="is being written"):
            source.count(only(source))


def test_what_left_and_what_moved_between_listing_and_fetch(file: Path) -> None:
    file.write_bytes(stored(mail(1), mail(2), mail(3)))
    source = MboxSource(file)
    answers = source.fetch(list(source.inventory(only(source))))
    next(answers)
    file.write_bytes(stored(mail(3)))
    gone, moved = answers
    assert isinstance(gone, Failure)
    assert isinstance(gone.error, ItemGone)
    assert isinstance(moved, Message)
    assert moved.raw == (mail(3),)


@pytest.mark.parametrize(
    "id_", ["", "x-1", "0" * 32, f"{0:032}-{0:08}-1", f"{0:032}-{0:08}-0", f"{0:032}-{0:08}-x", f"{0:032}-1"]
)
def test_an_id_that_is_none(file: Path, id_: str) -> None:
    file.write_bytes(stored(mail(1)))
    (answer,) = MboxSource(file).fetch([Ref(".", id_)])
    assert isinstance(answer, Failure)
    assert isinstance(answer.error, ItemGone)


def test_a_large_message_that_is_changed_while_it_is_streamed(file: Path) -> None:
    large = b"Subject: large\n\n" + b"line\n" * (1 << 20)
    file.write_bytes(stored(large))
    source = MboxSource(file)
    (ref,) = source.inventory(only(source))
    answers = source.fetch([ref])
    answer = next(answers)
    assert isinstance(answer, Message)
    pieces = iter(answer.raw)
    next(pieces)
    with file.open("r+b") as other:
        other.seek(-4, os.SEEK_END)
        other.write(b"X")
    with pytest.raises(ItemBusy):
        list(pieces)


def listed(root: Path) -> dict[tuple[str, ...], bool]:
    return {folder.path: folder.selectable for folder in MboxSource(root).folders()}


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(stored(mail(1)))


def test_a_tree_of_every_fashion(tmp_path: Path) -> None:
    make(tmp_path, "Inbox", "a", "a.sbd/b", "c.mbox", "c/d.mbox", "e/f", "g.sbd/h", "i.j", "&AOQ-", "x")
    for name in (".hidden", "a.msf", "x.lock", "manifest.jsonl", "filterlog.html", "17"):
        (tmp_path / name).write_bytes(b"not mail")
    (tmp_path / "empty").touch()
    (tmp_path / "damaged").write_bytes(b"\0" * 100)
    (tmp_path / "damaged.mbox").write_bytes(b"\0" * 100)
    (tmp_path / "e" / "loop").symlink_to(tmp_path)
    assert listed(tmp_path) == {
        ("INBOX",): True,
        ("a",): True,
        ("a", "b"): True,
        ("c",): True,
        ("c", "d"): True,
        ("damaged",): False,
        ("damaged.mbox",): False,
        ("e",): False,
        ("e", "f"): True,
        ("e", "loop"): False,
        ("empty",): True,
        ("g",): False,
        ("g", "h"): True,
        ("i.j",): True,
        ("x",): True,
        ("ä",): True,
    }


def test_names_that_would_be_one(tmp_path: Path) -> None:
    make(tmp_path, "a", "a.mbox", "b/x", "b.sbd/y", "INBOX", "inbox")
    assert set(listed(tmp_path)) == {
        ("INBOX",), ("inbox",), ("a",), ("a.mbox",), ("b",), ("b", "x"), ("b.sbd",), ("b.sbd", "y"),
    }  # fmt: skip


def test_a_damaged_folder_is_refused_and_not_gone(tmp_path: Path) -> None:
    make(tmp_path, "a")
    source = MboxSource(tmp_path)
    folder = next(source.folders())
    (tmp_path / "a").write_bytes(b"\0" * 100)
    with pytest.raises(FolderRefused, match="no mbox file"):
        source.count(folder)


def test_where_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no mbox file or directory"):
        CONNECTOR.open_source(MboxSystem(), MboxMailbox(tmp_path / "none"))
    source = CONNECTOR.open_source(MboxSystem(), MboxMailbox(tmp_path))
    with pytest.raises(Unreachable, match="no mbox file in"):
        list(source.folders())


def test_the_mailboxes_beside_one(tmp_path: Path) -> None:
    make(tmp_path, "spool/ann", "spool/bob", "home/ann/mail/x", "home/bob/mail/y", "home/eve/other/z")
    (tmp_path / "spool" / "bob.lock").write_text("1")
    (tmp_path / "spool" / ".hidden").touch()

    def found(path: str) -> list[str]:
        names = CONNECTOR.discover(MboxSystem(), MboxMailbox(tmp_path / path))
        return [Path(name).relative_to(tmp_path).as_posix() for name in names]

    assert found("spool/ann") == ["spool/ann", "spool/bob"]
    assert found("home/ann/mail") == ["home/ann/mail", "home/bob/mail"]
    with pytest.raises(Unreachable):
        found("none/ann")


def test_a_single_file_is_the_inbox(file: Path) -> None:
    file.write_bytes(stored(mail(1)))
    source = CONNECTOR.open_source(MboxSystem(), MboxMailbox(file))
    (folder,) = source.folders()
    assert (folder.path, source.count(folder)) == (("INBOX",), 1)


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_five_gigabytes_in_bounded_memory(file: Path) -> None:
    """A million messages and large ones: listed and partly read by a process that stays below 150 MB."""
    with file.open("wb") as target:
        for number in range(1_000_000):
            target.write(stored(mail(number) + b"x" * 70 * (number % 7)))
        for number in range(48):
            target.write(FROM + mail(number))
            for _ in range(100):
                target.write((b"y" * 75 + b"\n") * 13_797)
            target.write(b"\n")
    assert file.stat().st_size > 5 * 10**9
    program = """
import sys
from pathlib import Path
from connectors.mbox.source import MboxSource
source = MboxSource(Path(sys.argv[1]))
(folder,) = source.folders()
listed = 0
for page in source.changes(folder, None):
    listed += len(page.changes)
    last = [change.ref for change in page.changes][-2:]
read = sum(len(chunk) for answer in source.fetch(last) for chunk in answer.raw)
status = Path("/proc/self/status").read_text()  # getrusage would tell of the process that started this one, too
print(listed, read, status.partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    messages, read, kilobytes = (int(word) for word in done.stdout.split())
    assert (messages, read > 10**8) == (1_000_048, True)
    assert kilobytes < 150_000
