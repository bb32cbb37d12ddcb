"""What the conformance suite needs of a mail system: a hand that changes the mailbox, and a Source that looks at it."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.protocols import Source

Path = tuple[str, ...]


class NotTaken(Exception):
    """Raised by a `Driver`: the mail system takes no such message or name, or cannot be made to do such a thing."""


class Driver(Protocol):
    """Changes a mailbox by another way than the Source under test. At first it holds one folder, INBOX, and no mail.

    Messages go by a name of the driver's own, which `append` gives. What a Source's `Capabilities` exclude is never
    called: `set_flags` without `reports_flags`, `rename_folder` without `stable_folder_ids`.
    """

    def create_folder(self, path: Path) -> None:
        """An empty folder; its parent is there. Raises NotTaken."""
        ...

    def rename_folder(self, path: Path, to: Path) -> None:
        """The same folder under another name."""
        ...

    def delete_folder(self, path: Path) -> None:
        """The folder with its messages."""
        ...

    def lock_folder(self, path: Path) -> None:
        """Takes the right to read the folder away; it stays, with its messages. Raises NotTaken if nobody can."""
        ...

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        """A new message. Raises NotTaken."""
        ...

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        """Replaces the flags."""
        ...

    def expunge(self, path: Path, name: str) -> None:
        """Takes the message out of the folder."""
        ...

    def move(self, path: Path, name: str, to: Path) -> str:
        """Into another folder; gives its name there."""
        ...

    def raw(self, path: Path, name: str) -> bytes:
        """The bytes that the mail system itself serves, asked for by another way than the Source's."""
        ...

    def open(self) -> Source:
        """A new session, with pages as small as the source lets them be made."""
        ...


@runtime_checkable
class Editing(Protocol):
    """A driver for a mail system whose `Capabilities` have `edits`."""

    def edit(self, path: Path, name: str, raw: bytes) -> None:
        """Gives the message other content under its id."""
        ...
