"""The files of an export: hostile folder names, messages that break off, and where they stand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import StorageFull, Tampered
from connectors.maildir.source import MaildirSource
from connectors.mbox.source import MboxSource
from connectors.model import Message, Ref, Seen
from replicator.export import FORMATS, export_messages, files
from replicator.export.layout import Layout
from replicator.export.mbox import REMARK, MboxFiles
from replicator.mailstore.mailbox.history import Listed, State
from tests.shelf import NAME, Shelf

INBOX = ("INBOX",)
HOSTILE: tuple[tuple[str, ...], ...] = (
    INBOX,
    ("INBOX", "a"),
    ("..", "..", "etc"),
    ("a",),
    ("A",),
    ("a", "b"),
    ("a/b",),
    ("a.b",),
    ("a.mbox",),
    ("a.mbox", "x"),
    ("a.sbd", "x"),
    ("cur",),
    ("manifest.jsonl",),
    ("new\nline\0",),
    ("",),
    ("件名" * 40, "ä" * 200, "&" * 100, "x" * 200),
    ("件名" * 40, "ä" * 200, "&" * 100, "y" * 200),
    ("\ud800",),
    ("deep",) * 1200,
    ("d" * 90,) * 60,
    ("d" * 90,) * 61,
)


def listed(number: int, path: tuple[str, ...] = INBOX, flags: tuple[str, ...] = ()) -> Listed:
    return Listed(
        id=f"aa.p{number}",
        item=f"aa.i{number}",
        side="primary",
        path=path,
        ref=Ref("f", str(number)),
        flags=flags,
        internaldate="2024-01-02T03:04:05+05:45",
        message_id="",
        subject="",
        origin="primary",
        state=State.LIVE,
        content=None,
        reason="",
    )


def broken() -> Iterator[bytes]:
    yield b"Subject: half\n\n" * 100_000
    raise Tampered("bytes are not what was written")


def export(layout: Layout) -> None:
    layout.finish()
    layout.close()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_folders_get_files_of_their_own(output: Path, format_: str) -> None:
    layout = FORMATS[format_](output)
    files: dict[tuple[str, ...], str] = {}
    for number, path in enumerate((*HOSTILE, *HOSTILE)):
        file = layout.write(listed(number, path), (b"%d\n" % number,)).file
        files.setdefault(path, file)
        assert Path(file).is_absolute() is False
        assert ".." not in Path(file).parts
        assert all(len(part.encode()) < 256 for part in Path(file).parts)
    export(layout)
    assert all((output / file).is_file() for file in files.values())
    folders = {file if format_ == "mbox" else str(Path(file).parent).casefold() for file in files.values()}
    assert len(folders) == len(HOSTILE)
    assert [path.name for path in output.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_message_that_breaks_off_leaves_nothing(output: Path, format_: str) -> None:
    layout = FORMATS[format_](output)
    before = layout.write(listed(1), (b"one\n",))
    with pytest.raises(Tampered):
        layout.write(listed(2), broken())
    after = layout.write(listed(3), (b"three\n",))
    export(layout)
    content = b"".join(path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file())
    assert b"half" not in content
    assert (output / before.file).exists()
    assert (output / after.file).exists()
    if format_ == "mbox":
        assert content.split(b"\n")[1::3] == [b"one", b"three"]


@pytest.mark.parametrize("format_", ["mbox", "maildir"])
def test_an_export_that_is_broken_off_has_no_mbox(output: Path, format_: str) -> None:
    layout = FORMATS[format_](output)
    layout.write(listed(1), (b"one\n",))
    layout.close()
    assert not list(output.rglob("*.mbox"))


def test_an_mbox_says_what_it_had_to_add(output: Path) -> None:
    layout = MboxFiles(output)
    written = [layout.write(listed(number), (raw,)) for number, raw in enumerate((b"", b"x", b"x\n", b"x\r\n", b"x\r"))]
    export(layout)
    assert [each.where["added"] for each in written] == [0, 1, 0, 0, 1]
    assert [each.remark for each in written] == ["", REMARK, "", "", REMARK]
    assert [each.size for each in written] == [0, 1, 2, 3, 2]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="\n\r>From x", max_size=60).map(str.encode), max_size=6))
def test_what_is_written_to_an_mbox_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, messages: list[bytes]
) -> None:
    output = tmp_path_factory.mktemp("out")
    layout = MboxFiles(output)
    written = [layout.write(listed(number), (raw[:5], raw[5:])) for number, raw in enumerate(messages)]
    export(layout)
    if messages:
        source = MboxSource(output / "INBOX.mbox")
        answers = source.fetch(source.inventory(next(source.folders())))
        read = [b"".join(answer.raw) for answer in answers if isinstance(answer, Message)]
        assert [raw[: each.size] for raw, each in zip(read, written, strict=True)] == messages


@pytest.mark.parametrize("format_", FORMATS)
def test_onto_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str) -> None:
    """Whichever call of the system is the first to fail."""

    new_file = files.new_file

    def without_room(path: Path) -> Any:
        file = new_file(path)
        if path.name == "manifest.jsonl.tmp":
            return file
        file.close()
        return Path("/dev/full").open("wb")

    shelf = Shelf(tmp_path)
    shelf.fill(3)
    shelf.sync()
    monkeypatch.setattr(files, "new_file", without_room)
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        listing = store.listing()
        with pytest.raises(StorageFull, match="No space left"):
            export_messages(store, tmp_path / "out", listing, lambda *_: None, format_)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert not list(tmp_path.rglob("*.mbox"))


def test_keywords_as_far_as_a_maildir_has_room_for_them(output: Path) -> None:
    layout = FORMATS["maildir"](output)
    keywords = tuple(f"Key-{number}" for number in range(30))
    layout.write(listed(1, flags=("\\Seen", "$Forwarded", *keywords)), (b"one\n",))
    layout.write(replace(listed(2, ("a",)), flags=("Other",)), (b"two\n",))
    export(layout)
    source = MaildirSource(output)
    flags = {
        folder.path: row.flags
        for folder in source.folders()
        for page in source.changes(folder, None)
        for row in page.changes
        if isinstance(row, Seen)
    }
    assert flags == {INBOX: {"\\Seen", "$Forwarded", *sorted(keywords)[:26]}, ("a",): {"Other"}}


def test_no_keyword_stands_for_another_in_a_maildir(output: Path) -> None:
    """Categories of other mail systems may hold anything, and the list of keywords is lines of text."""
    layout = FORMATS["maildir"](output)
    layout.write(listed(1, flags=("a\n1 \\Seen", "two words", "größe", "\ud800", "plain")), (b"one\n",))
    export(layout)
    assert (output / "dovecot-keywords").read_bytes() == b"0 plain\n"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_dates_at_the_ends_of_the_calendar_stop_nothing(output: Path, format_: str, when: str) -> None:
    layout = FORMATS[format_](output)
    written = layout.write(replace(listed(1), internaldate=when), (b"one\n",))
    export(layout)
    assert b"one\n" in (output / written.file).read_bytes()


@pytest.mark.parametrize("format_", FORMATS)
def test_files_are_for_their_owner_only(output: Path, format_: str) -> None:
    layout: Layout = FORMATS[format_](output)
    layout.write(listed(1, ("a", "b")), (b"one\n",))
    export(layout)
    assert all(path.stat().st_mode & 0o077 == 0 for path in output.rglob("*"))
