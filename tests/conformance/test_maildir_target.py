"""The Maildir target, looked at by the Maildir source and disturbed by a driver that is neither."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.maildir.target import MaildirTarget
from connectors.protocols import Target
from connectors.testing.driver import NotTaken
from connectors.testing.faulty import Faults, Lose
from connectors.testing.faulty_target import FaultyTarget
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite
from tests.conformance.test_maildir import MaildirDriver


class MaildirTargetDriver(MaildirDriver):
    """No connection can die, but whoever writes can be killed, which is as if one had."""

    def open_target(self) -> Target:
        return MaildirTarget(self.root)

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        return FaultyTarget(self.open_target(), Faults(Lose(write, "at once" if happened else "never")))

    def delete_folder(self, path: tuple[str, ...]) -> None:
        for file in self.directory(path).iterdir():
            if file.is_file():
                file.unlink()
        super().delete_folder(path)

    def fill(self) -> None:
        raise NotTaken("a file system cannot be filled for a test; see below")

    def renumber(self, path: tuple[str, ...]) -> None:
        raise NotTaken("unique names are never made anew")


class TestMaildirTarget(TargetSuite):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> Iterator[MaildirTargetDriver]:
        yield MaildirTargetDriver(tmp_path / "Maildir")
        for locked in (tmp_path / "Maildir").glob(".*"):
            locked.chmod(0o700)
