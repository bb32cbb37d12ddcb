"""Mail on a local disk belongs to people who may do anything with their directories; nothing of it may surprise us."""

import errno
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from connectors import disk
from connectors.disk import dot_locked
from connectors.errors import FolderGone, FolderRefused, ItemUnreadable, ServerBusy
from connectors.maildir import CONNECTOR as MAILDIR
from connectors.maildir import MaildirMailbox, MaildirSystem
from connectors.maildir.directory import read_keywords
from connectors.maildir.files import EPOCH, arrival
from connectors.maildir.source import MaildirSource
from connectors.maildir.target import MaildirTarget
from connectors.mbox import CONNECTOR as MBOX
from connectors.mbox import MboxMailbox, MboxSystem
from connectors.mbox.fromline import from_line
from connectors.mbox.quoting import LONGEST, quote, unquote
from connectors.mbox.source import MboxSource
from connectors.mbox.target import MboxTarget
from connectors.mbox.tree import looks_like_mbox
from connectors.model import BEGINNING, Failure, Folder, Message, Ref
from connectors.protocols import Source

INBOX = Folder(".", ("INBOX",))
NOWHERE = Ref("", "")
LETTER = b"Subject: one\r\n\r\nbody\r\n"
ENDS = (
    datetime(1, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    root = tmp_path / "Maildir"
    for part in ("cur", "new", "tmp"):
        (root / part).mkdir(parents=True)
    return root


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A file that is none of the mailbox's."""
    file = tmp_path / "foreign"
    file.write_bytes(b"not mail\n")
    file.chmod(0o400)
    return file


def fetched(source: Source) -> list[Message | Failure]:
    return [answer for folder in source.folders() for answer in source.fetch(source.inventory(folder))]


def raw_of(answer: Message | Failure) -> bytes:
    assert isinstance(answer, Message)
    return b"".join(answer.raw)


class TestMaildirsOfOthers:
    """Links are not followed, pipes not waited for, and no file is given to anyone that was not made here."""

    @pytest.mark.parametrize("make", [lambda at, to: at.symlink_to(to), lambda at, to: os.mkfifo(at)])
    def test_what_is_no_file_is_said_to_be_unreadable(
        self, maildir: Path, foreign: Path, make: Callable[[Path, Path], None]
    ) -> None:
        make(maildir / "cur" / "1.x:2,", foreign)
        (maildir / "cur" / "2.y:2,").write_bytes(LETTER)
        source = MaildirSource(maildir)
        listed = [change.ref.id for page in source.changes(INBOX, None) for change in page.changes]
        assert listed == ["1.x", "2.y"]
        failure, letter = sorted(fetched(source), key=lambda answer: answer.ref.id)
        assert isinstance(failure, Failure)
        assert isinstance(failure.error, ItemUnreadable)
        assert raw_of(letter) == LETTER

    def test_a_link_to_nothing_is_there(self, maildir: Path) -> None:
        """Or the books would say that the server lists one more than there are."""
        (maildir / "cur" / "1.x:2,").symlink_to("nowhere")
        source = MaildirSource(maildir)
        pages = list(source.changes(INBOX, None))
        assert sum(len(page.changes) for page in pages) == source.count(INBOX) == 1

    def test_a_link_in_place_of_the_numbers_is_refused(self, maildir: Path, foreign: Path) -> None:
        (maildir / "replicator-numbers").symlink_to(foreign)
        _assert_refused(foreign, lambda: MaildirTarget(maildir).mark(INBOX))

    def test_a_link_in_place_of_the_numbers_is_not_read_through(self, maildir: Path, foreign: Path) -> None:
        (maildir / "replicator-numbers").symlink_to(foreign)
        _assert_refused(foreign, lambda: MaildirTarget(maildir).find(INBOX, BEGINNING, lambda _: True))

    def test_a_file_that_stands_elsewhere_too_is_not_taken_for_the_numbers(self, maildir: Path, foreign: Path) -> None:
        (maildir / "replicator-numbers").hardlink_to(foreign)
        foreign.chmod(0o600)
        _assert_refused(foreign, lambda: MaildirTarget(maildir).mark(INBOX))

    def test_a_link_in_place_of_the_keywords_is_not_written_through(self, maildir: Path, foreign: Path) -> None:
        foreign.chmod(0o600)
        (maildir / "dovecot-keywords.tmp").symlink_to(foreign)
        before = _state(foreign)
        MaildirTarget(maildir).append(INBOX, Message(NOWHERE, (LETTER,), frozenset({"custom"})), "op")
        assert _state(foreign) == before
        assert read_keywords(maildir) == {"a": "custom"}

    @pytest.mark.parametrize("part", ["", "new", "maildirfolder"])
    def test_a_link_within_a_new_folder_is_refused(self, maildir: Path, tmp_path: Path, part: str) -> None:
        away = tmp_path / "away"
        away.mkdir(mode=0o750)
        (maildir / ".A" / part).parent.mkdir(exist_ok=True)
        (maildir / ".A" / part).symlink_to(away)
        _assert_refused(away, lambda: MaildirTarget(maildir).ensure_folder(("A",)))
        assert list(away.iterdir()) == []

    def test_a_link_in_place_of_an_unfinished_lock_is_not_written_through(self, tmp_path: Path, foreign: Path) -> None:
        foreign.chmod(0o600)
        (tmp_path / f".x.lock.{os.getpid()}").symlink_to(foreign)
        before = _state(foreign)
        with dot_locked(tmp_path / "x.lock"):
            assert (tmp_path / "x.lock").read_text() == f"{os.getpid()}\n"
        assert _state(foreign) == before

    @pytest.mark.parametrize("text", ["-1", "0", "9" * 5000])
    def test_a_lock_of_no_process_is_held(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "x.lock").write_text(text)
        with pytest.raises(ServerBusy), dot_locked(tmp_path / "x.lock"):
            pytest.fail("it was taken over")

    def test_a_lock_that_another_took_over_first_is_left_to_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both saw that its owner was dead; the one that comes second finds the lock of the first."""
        lock, is_held, asked = tmp_path / "x.lock", disk._is_held, []

        def as_it_was(path: Path) -> bool:
            asked.append(path)
            return len(asked) > 1 and is_held(path)

        lock.write_text(f"{os.getpid()}\n")
        monkeypatch.setattr(disk, "_is_held", as_it_was)
        with pytest.raises(ServerBusy), dot_locked(lock):
            pytest.fail("it was taken over")
        assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
        assert lock.read_text() == f"{os.getpid()}\n"

    def test_a_pipe_in_place_of_a_lock_is_held(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "x.lock")
        with pytest.raises(ServerBusy), dot_locked(tmp_path / "x.lock"):
            pytest.fail("it was taken over")

    def test_keywords_with_senseless_numbers_are_none(self, maildir: Path) -> None:
        (maildir / "dovecot-keywords").write_text(f"{'9' * 5000} x\n26 y\n² z\n25 last\n")
        assert read_keywords(maildir) == {"z": "last"}

    def test_a_folder_that_cannot_be_read_is_not_passed_over(self, maildir: Path) -> None:
        """A folder that is not selectable and holds nothing yet would never be asked for, nor missed."""
        for part in ("cur", "new", "tmp"):
            (maildir / ".A" / part).mkdir(parents=True)
        (maildir / ".A" / "dovecot-keywords").symlink_to("dovecot-keywords")
        source = MaildirSource(maildir)
        folder = next(folder for folder in source.folders() if folder.path == ("A",))
        assert (folder.selectable, folder.stamp) == (True, "")
        with pytest.raises(FolderRefused):
            next(source.changes(folder, None))

    @pytest.mark.parametrize("lost", ["new", "tmp"])
    def test_empty_directories_that_a_copy_left_out_are_no_deleted_folder(self, maildir: Path, lost: str) -> None:
        """Archives and some restores keep no empty directories."""
        (maildir / "cur" / "1.x:2,").write_bytes(LETTER)
        (maildir / lost).rmdir()
        target, source = MaildirTarget(maildir), MaildirSource(maildir)
        mark = target.mark(INBOX)
        ref = target.append(INBOX, Message(NOWHERE, (LETTER,)), "op")
        assert target.find(INBOX, mark, lambda _: True) == [ref]
        assert source.count(INBOX) == 2
        assert sum(len(page.changes) for page in source.changes(INBOX, None)) == 2

    def test_a_time_in_no_calendar_stops_nothing(self) -> None:
        status = os.stat_result((0,) * 10, {"st_mtime_ns": 10**14 * 10**9})
        assert arrival(status) == EPOCH

    def test_a_fetch_that_is_given_up_lets_its_file_go(self, maildir: Path) -> None:
        """An open file that is forgotten is a warning, and so an error here."""
        (maildir / "cur" / "1.x:2,").write_bytes(LETTER + b"x" * (2 << 20))
        source = MaildirSource(maildir)
        answers = source.fetch([Ref(".", "1.x")])
        answer = next(iter(answers))
        assert isinstance(answer, Message)
        assert isinstance(answers, Iterator)
        answers.close()  # type: ignore[attr-defined]
        with pytest.raises(RuntimeError, match="after its fetch"):
            next(iter(answer.raw))


class TestDiscovery:
    """A home that cannot be looked into may hold a mailbox, and does not hide the others."""

    @pytest.mark.parametrize("inner", ["Maildir", ""], ids=["homes", "maildirs"])
    def test_unreadable_maildirs_are_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str) -> None:
        for user in ("ann", "bob", "eve"):
            for part in ("cur", "new"):
                (tmp_path / user / inner / part).mkdir(parents=True)
        (tmp_path / "none").mkdir()
        _lock(monkeypatch, tmp_path / "bob")
        known = MaildirMailbox(tmp_path / "ann" / inner)
        found = list(MAILDIR.discover(MaildirSystem(), known))  # type: ignore[attr-defined]
        assert found == [str(tmp_path / user / inner) for user in ("ann", "bob", "eve")]

    def test_unreadable_homes_with_mbox_files_are_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for user in ("ann", "bob", "eve"):
            (tmp_path / user / "mail").mkdir(parents=True)
        _lock(monkeypatch, tmp_path / "bob")
        found = list(MBOX.discover(MboxSystem(), MboxMailbox(tmp_path / "ann" / "mail")))  # type: ignore[attr-defined]
        assert found == [str(tmp_path / user / "mail") for user in ("ann", "bob", "eve")]

    def test_unreadable_spool_files_are_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for user in ("ann", "bob"):
            (tmp_path / user).write_bytes(b"From a Mon Jan  1 00:00:00 2024\n\n")
        (tmp_path / "notes").write_bytes(b"no mail\n")
        _refuse_to_open(monkeypatch, "bob", errno.EACCES)
        found = list(MBOX.discover(MboxSystem(), MboxMailbox(tmp_path / "ann")))  # type: ignore[attr-defined]
        assert found == [str(tmp_path / "ann"), str(tmp_path / "bob")]


class TestMboxFilesOfOthers:
    """Whatever stands in a line `From ` or in the text is read, and what is written is read as it was."""

    @pytest.mark.parametrize("line", ["From x Fri Dec 31 23:59:59 -0100 9999", "From x Mon Jan  1 00:00:00 +0100 0001"])
    def test_a_date_at_the_end_of_the_calendar_is_read(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "INBOX").write_bytes(f"{line}\nA: b\n\nc\n".encode())
        (answer,) = fetched(MboxSource(tmp_path / "INBOX"))
        assert raw_of(answer) == b"A: b\n\nc\n"

    def test_a_field_date_at_the_end_of_the_calendar_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "INBOX").write_bytes(b"From x\nDate: Fri, 31 Dec 9999 23:59:59 -0100\n\nc\n")
        assert len(fetched(MboxSource(tmp_path / "INBOX"))) == 1

    @pytest.mark.parametrize("when", ENDS)
    def test_a_date_at_the_end_of_the_calendar_is_written(self, tmp_path: Path, when: datetime) -> None:
        (tmp_path / "INBOX").touch()
        ref = MboxTarget(tmp_path / "INBOX").append(INBOX, Message(NOWHERE, (LETTER,), received_at=when), "op")
        (answer,) = fetched(MboxSource(tmp_path / "INBOX"))
        assert (answer.ref, raw_of(answer)) == (ref, LETTER)
        assert from_line(when).endswith(f"{when.year:04d}\n".encode())

    @pytest.mark.parametrize("depth", [0, 1, 999, 1000, 1001, 1002, LONGEST - 3, LONGEST, LONGEST + 1, 3 * LONGEST])
    @pytest.mark.parametrize("chunk", [1000, LONGEST - 1, LONGEST + 2, 1 << 20])
    def test_a_quoted_line_of_any_depth_is_kept(self, depth: int, chunk: int) -> None:
        raw = b"A: b\n\n" + b">" * depth + b"From x\n" + b">" * depth + b"Fro"
        quoted = b"".join(quote(_pieces(raw, 1 << 20)))
        assert quoted == b"".join(quote(_pieces(raw, chunk))) == raw.replace(b"From x", b">From x")
        assert b"".join(unquote(_pieces(quoted, chunk))) == raw

    def test_a_line_without_a_date_that_no_one_writes_is_text(self, tmp_path: Path) -> None:
        """Its beginning would be sought in vain when the message is taken out."""
        text = b"A: b\n\nc\n\nFrom " + b"x" * 70_000 + b"@example.test\nd\n"
        (tmp_path / "INBOX").write_bytes(b"From a Mon Jan  1 00:00:00 2024\n" + text)
        (answer,) = fetched(MboxSource(tmp_path / "INBOX"))
        assert raw_of(answer) == text

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
    def test_a_file_that_cannot_be_read_is_not_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        """Nor does it stop the others."""
        (tmp_path / "ann.smith").write_bytes(b"From a Mon Jan  1 00:00:00 2024\n\n")
        (tmp_path / "bob").write_bytes(b"From a Mon Jan  1 00:00:00 2024\n\n")
        _refuse_to_open(monkeypatch, "ann.smith", code)
        source = MboxSource(tmp_path)
        folder, other = source.folders()
        assert folder.selectable
        with pytest.raises(FolderRefused):
            next(source.changes(folder, None))
        assert source.count(other) == 1

    @pytest.mark.parametrize("folder", [INBOX, Folder("x", ("x",))])
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path, folder: Folder) -> None:
        """In the place of the only file, or of one that was listed before."""
        os.mkfifo(tmp_path / "x")
        with pytest.raises(FolderRefused, match="no regular file"):
            MboxSource(tmp_path / "x" if folder is INBOX else tmp_path).count(folder)

    def test_a_directory_in_place_of_a_file_is_no_folder_that_was_there(self, tmp_path: Path) -> None:
        (tmp_path / "x").mkdir()
        with pytest.raises(FolderGone):
            MboxSource(tmp_path).count(Folder("x", ("x",)))

    def test_a_name_that_no_file_can_have_is_of_none(self, tmp_path: Path, maildir: Path) -> None:
        for target in (MboxTarget(tmp_path), MaildirTarget(maildir)):
            with pytest.raises(FolderGone):
                target.mark(Folder("a%00b", ("a",)))

    def test_a_link_to_a_file_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "spool").write_bytes(b"From a Mon Jan  1 00:00:00 2024\n" + LETTER + b"\n")
        (tmp_path / "mbox").symlink_to("spool")
        ref = MboxTarget(tmp_path / "mbox").append(INBOX, Message(NOWHERE, (LETTER,)), "op")
        assert [raw_of(answer) for answer in fetched(MboxSource(tmp_path / "mbox"))] == [LETTER, LETTER]
        assert isinstance(ref, Ref)

    def test_a_lock_that_left_meanwhile_is_nothing(self, tmp_path: Path) -> None:
        assert looks_like_mbox(tmp_path / "INBOX.lock") is None

    def test_directories_with_one_number_on_two_disks_are_two(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first directory of each file system may have the same."""
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "b").write_bytes(b"From a Mon Jan  1 00:00:00 2024\n\n")
        real = Path.stat

        def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            status = real(self, follow_symlinks=follow_symlinks)
            if not self.is_relative_to(tmp_path) or self.name == "b":
                return status
            return os.stat_result((status.st_mode, 2, int(self == tmp_path), *status[3:]))

        monkeypatch.setattr(Path, "stat", stat)
        assert ("a", "b") in [folder.path for folder in MboxSource(tmp_path).folders()]

    def test_an_interrupted_rename_can_be_called_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = MboxTarget(tmp_path)
        folder = target.ensure_folder(("old",))
        target.append(target.ensure_folder(("old", "below")), Message(NOWHERE, (LETTER,)), "op")
        real = Path.rename

        def rename(self: Path, to: Path) -> Path:
            if self.is_file():
                raise KeyboardInterrupt
            return real(self, to)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            with pytest.raises(KeyboardInterrupt):
                target.rename_folder(folder, ("new",))
        assert target.rename_folder(folder, ("new",)).path == ("new",)
        assert [folder.path for folder in MboxSource(tmp_path).folders()] == [("new",), ("new", "below")]

    def test_a_rename_does_not_mix_what_is_below(self, tmp_path: Path) -> None:
        target = MboxTarget(tmp_path)
        folder = target.ensure_folder(("one",))
        target.ensure_folder(("one", "below"))
        (tmp_path / "two.sbd").mkdir()
        with pytest.raises(FolderRefused):
            target.rename_folder(folder, ("two",))


def _refuse_to_open(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    real = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if Path(path).name == name:
            raise OSError(code, os.strerror(code), str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)


def _assert_refused(foreign: Path, act: Callable[[], object]) -> None:
    before = _state(foreign)
    with pytest.raises(FolderRefused):
        act()
    assert _state(foreign) == before


def _state(path: Path) -> tuple[int, int, int, bytes]:
    status = path.stat()
    return status.st_uid, status.st_mode, status.st_nlink, path.read_bytes() if path.is_file() else b""


def _pieces(raw: bytes, size: int) -> Iterator[bytes]:
    return (raw[at : at + size] for at in range(0, len(raw), size))


def _lock(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """As an ordinary user finds the home of another."""
    real = Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self != home and self.is_relative_to(home):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
