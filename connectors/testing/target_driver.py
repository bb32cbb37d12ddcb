"""What the suite for targets needs of a mail system: the hand that changes it, a Source that looks, and a Target."""

from typing import Literal, Protocol

from connectors.protocols import Target
from connectors.testing.driver import Driver, Path

Write = Literal["append", "set_flags", "move", "remove"]


class TargetDriver(Driver, Protocol):
    """A `Driver` whose mail system can be written to. What a Target does, its Source shows.

    What cannot be made to happen raises `NotTaken`, and nothing else is skipped. A Driver's `set_flags` is called only
    with `keeps_flags`, its `rename_folder` never.
    """

    def open_target(self) -> Target:
        """A new session."""
        ...

    def open_losing(self, write: Write, *, happened: bool) -> Target:
        """A new session whose connection dies in its first call of that kind: `happened` before or after the write.

        What happens does so before the call returns. Raises NotTaken if there is no connection that could die.
        """
        ...

    def fill(self) -> None:
        """From now on the mailbox takes no message. Raises NotTaken."""
        ...

    def renumber(self, path: Path) -> None:
        """The folder gets other ids for all its messages, as after a restore. Raises NotTaken."""
        ...
