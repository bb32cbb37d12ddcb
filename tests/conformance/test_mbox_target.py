"""The mbox target, looked at by the mbox source and disturbed by a driver that is neither."""

from contextlib import closing
from pathlib import Path

import pytest

from connectors.mbox.target import MboxTarget
from connectors.protocols import Target
from connectors.testing.driver import NotTaken
from connectors.testing.faulty import Faults, Lose
from connectors.testing.faulty_target import FaultyTarget
from connectors.testing.target_driver import Write
from connectors.testing.target_suite import TargetSuite
from tests.conformance.test_mbox import MboxDriver, split


class MboxTargetDriver(MboxDriver):
    """No connection can die, but whoever writes can be killed, which is as if one had."""

    def open_target(self) -> Target:
        return MboxTarget(self.root)

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        return FaultyTarget(self.open_target(), Faults(Lose(write, "at once" if happened else "never")))

    def expunge(self, path: tuple[str, ...], name: str) -> None:
        """By the Source's id too."""
        if name in self._names.get(path, []):
            super().expunge(path, name)
            return
        with closing(self.open()) as source:
            (folder,) = [each for each in source.folders() if each.path == path]
            position = [ref.id for ref in source.inventory(folder)].index(name)
        entries = split(self.file(path).read_bytes())
        del entries[position]
        self.file(path).write_bytes(b"".join(entries))

    def fill(self) -> None:
        raise NotTaken("a file system cannot be filled for a test; see below")

    def renumber(self, path: tuple[str, ...]) -> None:
        raise NotTaken("there are no numbers")


class TestMboxTarget(TargetSuite):
    @pytest.fixture(params=[("", ".sbd"), (".mbox", "")], ids=["thunderbird", "export"])
    def driver(self, tmp_path: Path, request: pytest.FixtureRequest) -> MboxTargetDriver:
        suffix, below = request.param
        return MboxTargetDriver(tmp_path / "mail", suffix=suffix, below=below)
