"""Where an export puts its messages: one class a format."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from replicator.mailstore.mailbox.history import Listed


@dataclass(frozen=True, slots=True)
class Written:
    """A message in its file, a path relative to the export. `where` goes into the manifest beside it.

    `remark` is what a reader has to know who reads the file without the manifest; mostly nothing.
    """

    file: str
    size: int
    where: dict[str, int] = field(default_factory=dict)
    remark: str = ""


class Layout(Protocol):
    """The files of one export, below a directory that was empty. All calls raise OSError."""

    def write(self, listed: Listed, raw: Iterable[bytes]) -> Written:
        """One message. If `raw` raises, nothing of it is left and the next can be written."""
        ...

    def finish(self) -> None:
        """Gives each file the name that it was announced with."""
        ...

    def close(self) -> None:
        """Lets go of files, finished or not."""
        ...
