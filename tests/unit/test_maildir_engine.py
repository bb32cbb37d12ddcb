"""The engine over a Maildir that a restore has damaged: what is held is what is in the files."""

from pathlib import Path

from connectors.maildir.source import MaildirSource
from tests.shelf import Shelf


def test_two_files_with_one_unique_name_are_held_as_two(tmp_path: Path) -> None:
    shelf, root = Shelf(tmp_path), tmp_path / "Maildir"
    first, second, third = (root / "cur" / f"1.a:2,{letters}" for letters in ("", "S", "F"))
    for part in ("cur", "new", "tmp"):
        (root / part).mkdir(parents=True)

    def assert_held(*files: Path) -> None:
        report = shelf.sync(source=lambda: MaildirSource(root))
        assert (report.folder_errors, report.counts.quarantined) == ([], 0)
        assert sorted(shelf.held().values()) == sorted(file.read_bytes() for file in files)

    first.write_bytes(b"Subject: one\r\n\r\n")
    assert_held(first)
    second.write_bytes(b"Subject: two\r\n\r\n")
    assert_held(first, second)
    second.rename(third)
    first.rename(second)
    assert_held(second, third)
    second.unlink()
    assert_held(third)
