"""What the suite cannot know of Maildir and mbox as targets: kills, full disks, locks, and other programs at work."""

import errno
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.errors import FolderRefused, ItemRefused, QuotaExceeded, ServerBusy, Unreachable
from connectors.maildir import CONNECTOR as MAILDIR
from connectors.maildir import MaildirMailbox, MaildirSystem
from connectors.mbox import CONNECTOR as MBOX
from connectors.mbox import MboxMailbox, MboxSystem
from connectors.model import Folder, Mark, Message, Ref, Seen, Stale, Unknown, Version
from connectors.protocols import Source, Target, Writable
from connectors.testing.corpus import plain
from connectors.testing.promises.writing import RECEIVED, is_number, letter
from tests.conformance.test_mbox_files import HOLD

NONE: frozenset[str] = frozenset()
WRITER = """
import itertools
import sys
from pathlib import Path
from tests.conformance.test_file_targets import Place, letter
place = Place(sys.argv[1], Path(sys.argv[2]))
target, folder = place.target(), place.inbox()
for number in itertools.count(int(sys.argv[3])):
    print(number, target.mark(folder), flush=True)
    target.append(folder, letter(number, frozenset({"\\\\Seen", "Key-%d" % (number % 9)})), "op")
"""


class Place:
    """A Maildir or a tree of mbox files, with a connector that reads and writes it."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind, self.root = kind, root
        self.connector: Writable = {"maildir": MAILDIR, "mbox": MBOX}[kind]
        if not root.exists():
            for name in ("cur", "new", "tmp") if kind == "maildir" else ("",):
                (root / name).mkdir(parents=True)
            if kind == "mbox":
                (root / "INBOX").touch()

    def target(self) -> Target:
        return self.connector.open_target(*self._settings())

    def source(self) -> Source:
        return self.connector.open_source(*self._settings())

    def inbox(self) -> Folder:
        return next(folder for folder in self.source().folders() if folder.path == ("INBOX",))

    def rows(self) -> list[Seen]:
        pages = self.source().changes(self.inbox(), None)
        return [row for page in pages for row in page.changes if isinstance(row, Seen)]

    def bodies(self) -> list[bytes]:
        answers = self.source().fetch([row.ref for row in self.rows()])
        return [b"".join(answer.raw) for answer in answers if isinstance(answer, Message)]

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}

    def _settings(self) -> tuple[Any, Any]:
        if self.kind == "maildir":
            return MaildirSystem(), MaildirMailbox(self.root)
        return MboxSystem(), MboxMailbox(self.root)


@pytest.fixture(params=["maildir", "mbox"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path / "mail")


@pytest.fixture
def maildir(tmp_path: Path) -> Place:
    return Place("maildir", tmp_path / "mail")


@pytest.fixture
def mbox(tmp_path: Path) -> Place:
    return Place("mbox", tmp_path / "mail")


def ref_of(target: Target, folder: Folder, message: Message) -> Ref:
    ref = target.append(folder, message, "op")
    assert isinstance(ref, Ref)
    return ref


@pytest.mark.parametrize("kills", [4, pytest.param(150, marks=[pytest.mark.proof, pytest.mark.timeout(1800)])])
def test_killed_at_any_moment_each_message_is_there_once(place: Place, kills: int) -> None:
    """With the mark on record before each append, as whoever must write exactly once has it."""
    rng, done = Random(kills), 0
    for _ in range(kills):
        done = finish(place, *run_and_kill(place, done, rng.randrange(1, 12), rng.random() * 0.003))
    counted = Counter(place.bodies())
    assert [counted.pop(plain(number), 0) for number in range(done)] == [1] * done
    assert place.kind == "mbox" or not counted
    pieces = {plain(number)[:size] for number in range(done) for size in range(len(plain(number)))}
    assert counted.keys() <= pieces, "an append that was cut leaves the beginning of its message, and nothing else"


def run_and_kill(place: Place, first: int, lines: int, delay: float) -> tuple[int, Mark]:
    """What the process was at when it was killed. It ends by itself never, however late it is killed."""
    command = [sys.executable, "-c", WRITER, place.kind, str(place.root), str(first)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay)
        process.kill()
        said += process.stdout.readlines()
    number, _, mark = [line for line in said if line.endswith("\n")][-1].partition(" ")
    return int(number), Mark(mark.strip())


def finish(place: Place, number: int, mark: Mark) -> int:
    """Appends the message that was under way unless it is there; gives the number of the next."""
    with closing(place.target()) as target:
        folder = place.inbox()
        found = target.find(folder, mark, lambda message: b"".join(message.raw) == plain(number))
        assert len(found) < 2
        if not found:
            target.append(folder, letter(number), "op")
    return number + 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    target, folder = place.target(), place.inbox()
    target.append(folder, letter(1), "op")
    before, files = place.bodies(), place.files()

    left = iter([code])

    def full(descriptor: int) -> None:
        if number := next(left, None):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(QuotaExceeded, match="no room"):
        target.append(folder, letter(2), "op")
    monkeypatch.undo()
    assert (place.bodies(), place.files()) == (before, files)
    target.append(folder, letter(3), "op")
    assert len(place.bodies()) == 2


def test_trouble_of_the_callers_disk_is_its_own(place: Place) -> None:
    def broken() -> Iterator[bytes]:
        yield plain(1)
        raise OSError(errno.ENOSPC, "of the caller's")

    target, folder = place.target(), place.inbox()
    with pytest.raises(OSError, match="of the caller's"):
        target.append(folder, Message(Ref("", ""), broken()), "op")
    assert place.bodies() == []


def test_a_folder_that_cannot_be_written_to(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    real = os.open

    def reading_only(path: str, flags: int, mode: int = 0o777) -> int:
        return real(path, flags, mode) if flags & os.O_ACCMODE == os.O_RDONLY else refusing()

    target, folder = place.target(), place.inbox()
    target.mark(folder)
    monkeypatch.setattr(os, "open", reading_only)
    monkeypatch.setattr(os, "utime", refusing)
    with pytest.raises(FolderRefused, match="cannot be written to"):
        target.append(folder, letter(1), "op")


def test_what_cannot_be_seen_is_not_said_to_be_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind root, so the system refuses by another's hand."""

    def refusing(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    target, folder = place.target(), place.inbox()
    monkeypatch.setattr(Path, "stat", refusing)
    for name in ("is_dir", "is_file", "exists"):  # as they are from Python 3.14 on
        monkeypatch.setattr(Path, name, lambda path: False)
    with pytest.raises(FolderRefused, match="cannot be looked at"):
        target.append(folder, letter(1), "op")
    for opening in (place.target, place.source):
        with pytest.raises(Unreachable, match="cannot be looked at"):
            opening()


def test_a_change_by_another_between_look_and_rename_is_seen(maildir: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    target, folder = maildir.target(), maildir.inbox()
    ref = ref_of(target, folder, letter(1))
    (file,) = (maildir.root / "cur").iterdir()
    rename = Path.rename

    def late(path: Path, to: Path) -> Path:
        monkeypatch.undo()
        rename(file, file.with_name(file.name + "S"))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", late)
    answer = target.set_flags(ref, frozenset({"\\Flagged"}), NONE, Version("", NONE))
    assert isinstance(answer, Stale)
    assert answer.now.flags == {"\\Seen"}
    assert maildir.rows()[0].flags == {"\\Seen"}


def test_letters_that_mean_nothing_here_are_kept(maildir: Place) -> None:
    (maildir.root / "cur" / "1.a:2,SXz").write_bytes(plain(1))
    target = maildir.target()
    target.set_flags(Ref(".", "1.a"), frozenset({"\\Flagged"}), frozenset({"\\Seen"}))
    assert [file.name for file in (maildir.root / "cur").iterdir()] == ["1.a:2,FXz"]


def test_a_change_of_flags_never_overwrites_another_message(maildir: Place) -> None:
    """Two files with one unique name differ by what is behind it."""
    (maildir.root / "cur" / "1.a:2,").write_bytes(plain(1))
    (maildir.root / "cur" / "1.a:2,S").write_bytes(plain(2))
    (first,) = [row.ref for row in maildir.rows() if not row.flags]
    target = maildir.target()
    with pytest.raises(ItemRefused, match="another message"):
        target.set_flags(first, frozenset({"\\Seen"}), NONE)
    assert sorted(maildir.bodies()) == [plain(1), plain(2)]
    target.set_flags(first, frozenset({"\\Flagged"}), NONE)
    target.remove(first)
    assert maildir.bodies() == [plain(2)]


def test_flags_that_another_sets_at_the_same_time(maildir: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    target, folder = maildir.target(), maildir.inbox()
    ref = ref_of(target, folder, letter(1))
    (file,) = (maildir.root / "cur").iterdir()
    exists = os.path.lexists

    def late(path: Path) -> bool:
        monkeypatch.undo()
        file.rename(file.with_name(file.name + "S"))
        return exists(path)

    monkeypatch.setattr(os.path, "lexists", late)
    assert target.set_flags(ref, frozenset({"\\Seen"}), NONE) == Version("2, \\Seen", frozenset({"\\Seen"}))
    assert len(maildir.rows()) == 1


def test_keywords_until_there_is_no_letter_left(maildir: Place) -> None:
    target, folder = maildir.target(), maildir.inbox()
    wanted = frozenset(f"Key-{number:02d}" for number in range(30)) | {"two words", "ü", "\\Unknown"}
    kept = target.keeps(folder, wanted)
    assert kept == {f"Key-{number:02d}" for number in range(26)}
    target.append(folder, letter(1, wanted), "op")
    assert maildir.rows()[0].flags == kept
    assert target.keeps(folder, frozenset({"Another"})) == NONE


def test_keywords_move_to_a_folder_with_other_letters(maildir: Place) -> None:
    target, folder = maildir.target(), maildir.inbox()
    there = target.ensure_folder(("there",))
    target.append(there, letter(1, frozenset({"First"})), "op")
    ref = ref_of(target, folder, letter(2, frozenset({"Second", "$Forwarded"})))
    moved = target.move(ref, there)
    (row,) = [
        row
        for page in maildir.source().changes(there, None)
        for row in page.changes
        if isinstance(row, Seen) and row.ref == moved
    ]
    assert row.flags == {"Second", "$Forwarded"}


def test_a_move_that_may_not_be_durable_is_unknown(maildir: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    target, folder = maildir.target(), maildir.inbox()
    there = target.ensure_folder(("there",))
    ref, mark = ref_of(target, folder, letter(1)), target.mark(there)
    monkeypatch.setattr(os, "fsync", failing)
    assert isinstance(target.move(ref, there), Unknown)
    monkeypatch.undo()
    assert len(target.find(there, mark, is_number(1))) == 1
    assert maildir.rows() == []


def test_a_cut_line_in_the_numbers_is_mended(maildir: Place) -> None:
    target, folder = maildir.target(), maildir.inbox()
    target.append(folder, letter(1), "op")
    target.mark(folder)
    with (maildir.root / "replicator-numbers").open("ab") as numbers:
        numbers.write(b"17000")
    second = ref_of(target, folder, letter(2))
    mark = target.mark(folder)
    third = ref_of(target, folder, letter(3))
    assert target.find(folder, mark, lambda _: True) == [third]
    assert b"17000\n" not in (maildir.root / "replicator-numbers").read_bytes()
    assert second.id in (maildir.root / "replicator-numbers").read_text()


def test_what_is_made_is_the_users_as_the_rest_is(maildir: Place) -> None:
    """Root gives it to the mailbox's user; everyone takes its modes over."""
    owner = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    for path in (maildir.root, *maildir.root.rglob("*")):
        path.chmod(0o770)
        os.chown(path, *owner)
    target = maildir.target()
    target.append(maildir.inbox(), letter(1, frozenset({"Key"})), "op")
    target.mark(target.ensure_folder(("a", "b")))
    made = {path: path.stat() for path in maildir.root.rglob("*")}
    assert {(status.st_uid, status.st_gid) for status in made.values()} == {owner}
    assert {path.is_dir(): status.st_mode & 0o777 for path, status in made.items()} == {True: 0o770, False: 0o660}
    assert len({(path.is_dir(), status.st_mode) for path, status in made.items()}) == 2


def test_what_root_makes_among_mbox_files_is_their_users(mbox: Place) -> None:
    owner = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    for path in (mbox.root, mbox.root / "INBOX"):
        os.chown(path, *owner)
    target = mbox.target()
    target.append(target.ensure_folder(("a", "b")), letter(1), "op")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in mbox.root.rglob("*")} == {owner}
    assert {path.stat().st_mode & 0o077 for path in mbox.root.rglob("a*")} == {0}


def test_a_lock_of_the_dead_is_taken_over_and_one_of_the_living_is_not(mbox: Place) -> None:
    target, folder = mbox.target(), mbox.inbox()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    lock = mbox.root / "INBOX.lock"
    lock.write_text(f"{dead.pid}\n")
    target.append(folder, letter(1), "op")
    assert not lock.exists()
    for owner in (f"{os.getpid()}\n", ""):
        lock.write_text(owner)
        with pytest.raises(ServerBusy, match="held by another program"):
            target.append(folder, letter(2), "op")
        assert lock.read_text() == owner


def test_a_file_that_another_program_has_locked(mbox: Place) -> None:
    target, folder = mbox.target(), mbox.inbox()
    file = mbox.root / "INBOX"
    target.mark(folder)
    with subprocess.Popen([sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ServerBusy, match="locked by another program"):
            target.append(folder, letter(1), "op")
        other.communicate()
    target.append(folder, letter(1), "op")
    assert mbox.bodies() == [plain(1)]


def test_a_move_that_cannot_take_the_original_away_is_unknown(mbox: Place) -> None:
    target, folder = mbox.target(), mbox.inbox()
    there = target.ensure_folder(("there",))
    ref = ref_of(target, folder, letter(1))
    (mbox.root / "INBOX.lock").touch()
    mark = target.mark(there)
    answer = target.move(ref, there)
    assert isinstance(answer, Unknown)
    assert isinstance(answer.error, ServerBusy)
    (mbox.root / "INBOX.lock").unlink()
    assert len(target.find(there, mark, is_number(1))) == 1
    assert mbox.bodies() == [plain(1)]
    target.remove(ref)
    assert mbox.bodies() == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n\r\n"])
def test_whatever_a_file_ends_with(mbox: Place, end: bytes) -> None:
    (mbox.root / "INBOX").write_bytes(b"From a@b Tue Jan  2 03:04:05 2024\nSubject: x\n\nbody" + end)
    target, folder = mbox.target(), mbox.inbox()
    ref = ref_of(target, folder, letter(1))
    assert mbox.rows()[1].ref == ref
    assert [body.rstrip() for body in mbox.bodies()] == [b"Subject: x\n\nbody", plain(1).rstrip()]
    assert ref_of(target, folder, letter(2)) == mbox.rows()[2].ref


def test_a_message_without_a_last_line_end_is_refused(mbox: Place) -> None:
    target, folder = mbox.target(), mbox.inbox()
    before = (mbox.root / "INBOX").read_bytes()
    with pytest.raises(ItemRefused, match="does not end with a line end"):
        target.append(folder, Message(Ref("", ""), (b"Subject: x\r\n\r\nbody",), received_at=RECEIVED), "op")
    assert (mbox.root / "INBOX").read_bytes() == before


@pytest.mark.parametrize("taken", range(4))
def test_removing_leaves_all_others_as_they_were(mbox: Place, taken: int) -> None:
    target, folder = mbox.target(), mbox.inbox()
    sizes = (10, 3_000_000, 1, 5000)
    letters = [
        Message(Ref("", ""), (plain(n, b"x" * size + b"\n"),), received_at=RECEIVED) for n, size in enumerate(sizes)
    ]
    refs = [ref_of(target, folder, each) for each in letters]
    target.remove(refs.pop(taken))
    del letters[taken]
    assert [row.ref for row in mbox.rows()] == refs
    assert mbox.bodies() == [b"".join(each.raw) for each in letters]


def test_a_kill_during_a_removal_loses_nothing(mbox: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any number of the pieces that are moved, each of the other messages is still there, some of them twice.

    Also those that are longer than the one that is taken out, and so not moved in one piece.
    """
    target, folder = mbox.target(), mbox.inbox()
    raws = [plain(number, b"body\r\n" * (1 + 40 * (number % 3 == 0))) for number in range(12)]
    refs = [ref_of(target, folder, Message(Ref("", ""), (raw,), received_at=RECEIVED)) for raw in raws]
    whole = (mbox.root / "INBOX").read_bytes()
    pwrite, moved = os.pwrite, 0

    class Killed(BaseException):
        pass

    while True:
        left = iter(range(moved))

        def dying(descriptor: int, data: Any, position: int, left: Iterator[int] = left) -> int:
            if next(left, None) is None:
                raise Killed
            return pwrite(descriptor, data, position)

        monkeypatch.setattr(os, "pwrite", dying)
        try:
            target.remove(refs[2])
        except Killed:
            found = set(mbox.bodies())
            assert {*raws[:2], *raws[3:]} - found == set(), moved
            (mbox.root / "INBOX").write_bytes(whole)
            moved += 1
        else:
            break
    assert moved > 5
    assert mbox.bodies() == [*raws[:2], *raws[3:]]


def test_a_removal_for_which_there_is_no_room_leaves_all(mbox: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than the message that is taken out needs room beside it for a moment."""
    target, folder = mbox.target(), mbox.inbox()
    ref = ref_of(target, folder, letter(1))
    ref_of(target, folder, Message(Ref("", ""), (plain(2, b"body\r\n" * 400_000),)))
    before, pwrite, pieces = (mbox.root / "INBOX").read_bytes(), os.pwrite, iter(range(2))

    def full(descriptor: int, data: Any, position: int) -> int:
        if next(pieces, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(descriptor, data, position)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(QuotaExceeded):
        target.remove(ref)
    assert (mbox.root / "INBOX").read_bytes() == before


def test_find_reads_only_what_came_after(place: Place) -> None:
    target, folder = place.target(), place.inbox()
    for number in range(5):
        target.append(folder, letter(number), "op")
    mark = target.mark(folder)
    ref = ref_of(target, folder, letter(9))
    seen: list[Ref] = []
    judge: Callable[[Message], bool] = lambda message: seen.append(message.ref) is None and is_number(9)(message)  # noqa: E731
    assert target.find(folder, mark, judge) == seen == [ref]
