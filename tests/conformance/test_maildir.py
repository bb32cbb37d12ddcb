"""The Maildir source against a Maildir that is written here, by the rules, with nothing of the source's own."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from imapclient.imap_utf7 import encode

from connectors.errors import FolderRefused, ItemGone, ItemUnreadable, Unreachable
from connectors.maildir import CONNECTOR, MaildirMailbox, MaildirSystem, directory
from connectors.maildir.source import MaildirSource
from connectors.model import Failure, Folder, Message, Page, Ref, Seen
from connectors.testing.driver import NotTaken
from connectors.testing.suite import SourceSuite

LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Draft": "D", "\\Answered": "R", "\\Deleted": "T"}


class MaildirDriver:
    """Delivers as https://cr.yp.to/proto/maildir.html says: written in `tmp`, renamed into `new`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = count(1)
        self._make(root)

    def create_folder(self, path: tuple[str, ...]) -> None:
        self._make(self.directory(path))

    def rename_folder(self, path: tuple[str, ...], to: tuple[str, ...]) -> None:
        self.directory(path).rename(self.directory(to))

    def delete_folder(self, path: tuple[str, ...]) -> None:
        for part in ("tmp", "new", "cur"):
            for file in (self.directory(path) / part).iterdir():
                file.unlink()
            (self.directory(path) / part).rmdir()
        self.directory(path).rmdir()

    def lock_folder(self, path: tuple[str, ...]) -> None:
        if os.geteuid() == 0:
            raise NotTaken("permissions do not bind root")
        self.directory(path).chmod(0)

    def append(self, path: tuple[str, ...], raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        unique = f"1700000000.M{next(self._numbers)}P7.host,S={len(raw)}"
        temporary = self.directory(path) / "tmp" / unique
        temporary.write_bytes(raw)
        os.utime(temporary, (arrived_at.timestamp(), arrived_at.timestamp()))
        if flags:
            temporary.rename(self.directory(path) / "cur" / (unique + info(flags)))
        else:
            temporary.rename(self.directory(path) / "new" / unique)
        return unique

    def set_flags(self, path: tuple[str, ...], name: str, flags: frozenset[str]) -> None:
        self.file(path, name).rename(self.directory(path) / "cur" / (name + info(flags)))

    def expunge(self, path: tuple[str, ...], name: str) -> None:
        self.file(path, name).unlink()

    def move(self, path: tuple[str, ...], name: str, to: tuple[str, ...]) -> str:
        file = self.file(path, name)
        file.rename(self.directory(to) / file.parent.name / file.name)
        return name

    def raw(self, path: tuple[str, ...], name: str) -> bytes:
        return self.file(path, name).read_bytes()

    def open(self) -> MaildirSource:
        return MaildirSource(self.root, page_changes=2)

    def directory(self, path: tuple[str, ...]) -> Path:
        return self.root if path == ("INBOX",) else self.root / ("." + ".".join(encode(part).decode() for part in path))

    def file(self, path: tuple[str, ...], name: str) -> Path:
        (found,) = [*self.directory(path).glob(f"new/{name}"), *self.directory(path).glob(f"cur/{name}:2,*")]
        return found

    def _make(self, directory: Path) -> None:
        for part in ("tmp", "new", "cur"):
            (directory / part).mkdir(parents=True)


def info(flags: frozenset[str]) -> str:
    return ":2," + "".join(sorted(LETTERS[flag] for flag in flags))


@pytest.fixture
def driver(tmp_path: Path) -> MaildirDriver:
    return MaildirDriver(tmp_path / "Maildir")


class TestMaildir(SourceSuite):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> Iterator[MaildirDriver]:
        yield MaildirDriver(tmp_path / "Maildir")
        for locked in (tmp_path / "Maildir").glob(".*"):
            locked.chmod(0o700)


def put(driver: MaildirDriver, name: str | bytes, raw: bytes = b"Subject: x\r\n\r\n") -> None:
    (driver.root / os.fsdecode(name)).write_bytes(raw)


def rows(source: MaildirSource, folder: Folder | None = None) -> dict[str, Seen]:
    (page,) = source.changes(folder or next(source.folders()), None)
    return {change.ref.id: change for change in page.changes if isinstance(change, Seen)}


def messages(source: MaildirSource) -> dict[str, Message]:
    answers = source.fetch(source.inventory(next(source.folders())))
    return {answer.ref.id: answer for answer in answers if isinstance(answer, Message)}


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("new/1.a", set()),
        ("cur/1.a", set()),
        ("cur/1.a:2,", set()),
        ("cur/1.a:2,DFPRST", {"\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted"}),
        ("cur/1.a:2,SSS", {"\\Seen"}),
        ("cur/1.a:2,Sab", {"\\Seen", "Work", "$Label1"}),
        ("cur/1.a:2,Xz?", set()),
        ("cur/1.a:1,S", set()),
    ],
)
def test_flags_are_in_the_name(driver: MaildirDriver, name: str, flags: set[str]) -> None:
    put(driver, "dovecot-keywords", b"0 Work\n1 $Label1\nrubbish\n99 Far\n")
    put(driver, name)
    source = MaildirSource(driver.root)
    assert {ref: seen.flags for ref, seen in rows(source).items()} == {"1.a": flags}
    (message,) = source.fetch([Ref(".", "1.a")])
    assert isinstance(message, Message)
    assert message.flags == flags


def test_a_message_met_in_both_directories_is_one(driver: MaildirDriver) -> None:
    put(driver, "new/1.a")
    (driver.root / "cur" / "1.a:2,S").hardlink_to(driver.root / "new" / "1.a")
    source = MaildirSource(driver.root)
    assert rows(source)["1.a"].flags == {"\\Seen"}
    assert source.count(next(source.folders())) == 1


@pytest.mark.parametrize("other", ["cur/1.a:2,", "new/1.a"])
def test_two_files_with_one_unique_name_are_two_messages(driver: MaildirDriver, other: str) -> None:
    """As a restore leaves them that puts back what has been read since; each stays what it is, whatever its flags."""
    put(driver, other, b"Subject: first\r\n\r\n")
    put(driver, "cur/1.a:2,S", b"Subject: second\r\n\r\n")
    source = MaildirSource(driver.root)
    before = {ref: b"".join(answer.raw) for ref, answer in messages(source).items()}
    assert sorted(before.values()) == [b"Subject: first\r\n\r\n", b"Subject: second\r\n\r\n"]
    assert source.count(next(source.folders())) == 2
    (driver.root / "cur" / "1.a:2,S").rename(driver.root / "cur" / "1.a:2,F")
    (driver.root / other).rename(driver.root / "cur" / "1.a:2,S")
    assert {ref: b"".join(answer.raw) for ref, answer in messages(source).items()} == before


def test_a_file_renamed_once_it_was_met_is_one_message(driver: MaildirDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a directory that never stands still, so that it is not read again."""
    honest = directory._entries

    def entries(folder: Path) -> Iterator[tuple[str, str]]:
        yield "1.a", "cur/1.a:2,"
        yield from honest(folder)

    put(driver, "cur/1.a:2,S")
    monkeypatch.setattr(directory, "_entries", entries)
    assert directory.scan(driver.root) == {"1.a": "cur/1.a:2,S"}
    (driver.root / "cur" / "1.a:2,S").unlink()
    monkeypatch.setattr(directory, "_entries", lambda _: iter([("1.a", "cur/1.a:2,"), ("1.a", "cur/1.a:2,S")]))
    assert directory.scan(driver.root) == {"1.a": "cur/1.a:2,S"}, "it is looked for when it is read"


def test_what_is_no_message_is_left_out(driver: MaildirDriver) -> None:
    put(driver, "new/.hidden")
    put(driver, "tmp/1.half")
    put(driver, "subscriptions")
    assert rows(MaildirSource(driver.root)) == {}


@pytest.mark.parametrize("name", [b"new/1.\xff\xfe.a", b"new/1.%41", "new/1.ü".encode()])
def test_ids_are_plain_text_whatever_the_file_is_called(driver: MaildirDriver, name: bytes) -> None:
    put(driver, name)
    source = MaildirSource(driver.root)
    (ref,) = rows(source)
    assert ref.isascii()
    (message,) = source.fetch([Ref(".", ref)])
    assert isinstance(message, Message)


@pytest.mark.parametrize(
    ("directory", "path"),
    [
        (b".A.B&AOQ-", ("A", "Bä")),
        (b".&2Dzf+A-", ("\U0001f3f8",)),
        (".ä".encode(), ("ä",)),
        (b".broken &A-", ("broken &A-",)),
        (b".lone &2AA-", ("lone &2AA-",)),
        (b".R&-D", ("R&D",)),
        (b".\xff%", ("\\xff%",)),
    ],
)
def test_folder_names(driver: MaildirDriver, directory: bytes, path: tuple[str, ...]) -> None:
    for part in ("cur", "new"):
        (driver.root / os.fsdecode(directory) / part).mkdir(parents=True)
    source = MaildirSource(driver.root)
    (folder,) = [folder for folder in source.folders() if folder.path != ("INBOX",)]
    assert folder.path == path
    assert folder.id.isascii()
    assert source.count(folder) == 0


def mutations(driver: MaildirDriver) -> dict[str, Callable[[], object]]:
    new, cur = driver.root / "new" / "1.a", driver.root / "cur" / "1.a:2,S"
    return {
        "renamed": lambda: new.rename(cur),
        "renamed back": lambda: cur.rename(new),
        "removed": new.unlink,
        "delivered": lambda: put(driver, "new/2.b"),
    }


@pytest.mark.parametrize("when", ["renamed", "removed", "delivered"])
def test_the_stamp_tells_changes_that_the_times_hide(driver: MaildirDriver, when: str) -> None:
    """Two changes within one tick of the file system's clock leave the same times."""
    put(driver, "new/1.a")
    parts = [driver.root / "new", driver.root / "cur"]
    for part in parts:
        os.utime(part, (1, 1))
    before = next(MaildirSource(driver.root).folders()).stamp
    mutations(driver)[when]()
    for part in parts:
        os.utime(part, (1, 1))
    assert next(MaildirSource(driver.root).folders()).stamp != before


def test_opening_a_message_changes_nothing(driver: MaildirDriver) -> None:
    """From `new` to `cur`, without a flag: to the reader of mail it is the same."""
    put(driver, "new/1.a")
    before = next(MaildirSource(driver.root).folders())
    (driver.root / "new" / "1.a").rename(driver.root / "cur" / "1.a:2,")
    assert next(MaildirSource(driver.root).folders()) == before


def passes(driver: MaildirDriver, folder: Folder, pages: Iterator[Page]) -> dict[str, frozenset[str]]:
    """What a reader holds after the pages and one more pass in a new session."""
    held = [*pages]
    held += MaildirSource(driver.root, page_changes=1).changes(folder, held[-1].cursor)
    changes = [change for page in held for change in page.changes]
    return {change.ref.id: change.flags for change in changes if isinstance(change, Seen)}


def test_a_flag_that_comes_and_goes_during_a_pass_is_not_kept(driver: MaildirDriver) -> None:
    for name in ("new/0.a", "new/1.a"):
        put(driver, name)
    source = MaildirSource(driver.root, page_changes=1)
    folder = next(source.folders())
    pages = source.changes(folder, None)
    first = next(pages)
    mutations(driver)["renamed"]()
    rest = list(pages)
    mutations(driver)["renamed back"]()
    assert passes(driver, folder, iter([first, *rest])) == {"0.a": frozenset(), "1.a": frozenset()}


def test_a_flag_that_comes_and_goes_around_a_resumed_pass_is_not_kept(driver: MaildirDriver) -> None:
    for name in ("new/0.a", "new/1.a"):
        put(driver, name)
    folder = next(MaildirSource(driver.root).folders())
    first = next(MaildirSource(driver.root, page_changes=1).changes(folder, None))
    mutations(driver)["renamed"]()
    rest = list(MaildirSource(driver.root, page_changes=1).changes(folder, first.cursor))
    mutations(driver)["renamed back"]()
    assert passes(driver, folder, iter([first, *rest])) == {"0.a": frozenset(), "1.a": frozenset()}


def test_renamed_and_removed_between_listing_and_fetch(driver: MaildirDriver) -> None:
    for name in ("new/1.a", "new/2.b", "new/3.c"):
        put(driver, name, name.encode())
    source = MaildirSource(driver.root)
    refs = [seen.ref for seen in rows(source).values()]
    answers = source.fetch(refs)
    first = next(answers)
    (driver.root / "new" / "2.b").rename(driver.root / "cur" / "2.b:2,F")
    (driver.root / "new" / "3.c").unlink()
    second, third = answers
    assert [first.ref.id, second.ref.id, third.ref.id] == ["1.a", "2.b", "3.c"]
    assert isinstance(second, Message)
    assert (second.raw, second.flags) == ((b"new/2.b",), {"\\Flagged"})
    assert isinstance(third, Failure)


def test_thousands_of_removed_messages_cost_one_scan(driver: MaildirDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        put(driver, f"new/{number}.a")
    source = MaildirSource(driver.root)
    refs = [seen.ref for seen in rows(source).values()]
    answers = source.fetch(refs)
    next(answers)
    scans = []
    scan = source._files.scan
    monkeypatch.setattr(source._files, "scan", lambda folder: scans.append(folder) or scan(folder))
    for file in (driver.root / "new").iterdir():
        file.unlink()
    assert sum(isinstance(answer, Failure) for answer in answers) == 199
    assert len(scans) == 1


def test_a_file_that_cannot_be_read_is_a_failure_of_its_own(driver: MaildirDriver) -> None:
    (driver.root / "cur" / "1.a:2,").mkdir()
    put(driver, "new/2.b")
    source = MaildirSource(driver.root)
    bad, good = source.fetch([Ref(".", "1.a"), Ref(".", "2.b")])
    assert isinstance(bad, Failure)
    assert isinstance(bad.error, ItemUnreadable)
    assert isinstance(good, Message)


def test_a_folder_that_cannot_be_read_is_refused(driver: MaildirDriver) -> None:
    folder = next(MaildirSource(driver.root).folders())
    source = MaildirSource(driver.root)
    (driver.root / "new").rmdir()
    (driver.root / "new").symlink_to("new")  # a loop: no one can read it, root neither
    with pytest.raises(FolderRefused):
        source.count(folder)


def test_a_folder_that_left_took_its_messages(driver: MaildirDriver) -> None:
    driver.create_folder(("a",))
    put(driver, ".a/new/1.a")
    put(driver, ".a/new/2.b")
    source = MaildirSource(driver.root)
    answers = source.fetch([Ref(".a", "1.a"), Ref(".a", "2.b")])
    next(answers)
    driver.delete_folder(("a",))
    (gone,) = answers
    assert isinstance(gone, Failure)
    assert isinstance(gone.error, ItemGone)


def test_a_file_renamed_under_the_eyes_of_a_scan_is_not_missed(
    driver: MaildirDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As readdir(3) may do it: the old name is gone before it is met, the new one comes where it has been already."""

    def entries(folder: Path) -> Iterator[tuple[str, str]]:
        if looks.append(folder) or len(looks) > 1:
            yield from honest(folder)
        else:
            mutations(driver)["renamed"]()

    put(driver, "new/1.a")
    os.utime(driver.root / "cur", (1, 1))
    looks: list[Path] = []
    honest = directory._entries
    monkeypatch.setattr(directory, "_entries", entries)
    assert directory.scan(driver.root) == {"1.a": "cur/1.a:2,S"}
    assert len(looks) == 2


def test_where_there_is_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no Maildir"):
        CONNECTOR.open_source(MaildirSystem(), MaildirMailbox(tmp_path))


def test_the_connector_opens_it(driver: MaildirDriver) -> None:
    put(driver, "new/1.a")
    source = CONNECTOR.open_source(MaildirSystem(), MaildirMailbox(driver.root))
    assert source.count(next(iter(source.folders()))) == 1


@pytest.mark.parametrize("inside", [True, False], ids=["its files", "the directory"])
def test_a_folder_out_of_reach_is_asked_for_and_refused(
    driver: MaildirDriver, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """As for one that is another user's; permissions themselves do not bind root."""
    driver.create_folder(("theirs",))
    driver.create_folder(("ours",))
    theirs = driver.directory(("theirs",))
    stat, listdir = Path.stat, os.listdir

    def refusing(path: Path, ask: Callable[[Path], object]) -> object:
        if theirs in path.parents:
            raise PermissionError(13, "Permission denied")
        return ask(path)

    monkeypatch.setattr(os, "listdir", lambda path: refusing(path, listdir))
    if not inside:
        monkeypatch.setattr(Path, "stat", lambda path, **_: refusing(path, stat))
    source = driver.open()
    folders = {folder.path: folder for folder in source.folders()}
    assert all(folder.selectable for folder in folders.values()), "one that is not would be passed over in silence"
    assert folders.keys() == {("INBOX",), ("ours",), ("theirs",)}
    with pytest.raises(FolderRefused):
        source.count(folders["theirs",])
