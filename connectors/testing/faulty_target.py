"""A Target around a Target whose connection dies as scripted: before the server has a write, after it, or too early.

    with Faults(Lose("append", "at once")) as faults:
        target = FaultyTarget(MemoryTarget(mailbox), faults)
        target.append(folder, message, op)  # Unknown; the message is there

`Raise` and `Act` are scripted as for a Source.
"""

from collections.abc import Callable
from typing import TypeVar

from connectors.errors import Disconnected
from connectors.model import (
    Folder,
    Gone,
    Mark,
    Message,
    Quota,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)
from connectors.protocols import Target
from connectors.testing.faulty import Faults

T = TypeVar("T")
LOST = Disconnected("the connection was lost, as the script says", "open it again")


class FaultyTarget:
    """One session; once it has died, nothing more can be done with it. `late` does what the server comes to later."""

    def __init__(self, target: Target, faults: Faults) -> None:
        self._target = target
        self._faults = faults
        self._dead = False
        self.late: list[Callable[[], object]] = []

    @property
    def capabilities(self) -> TargetCapabilities:
        """The target's own."""
        return self._target.capabilities

    def mark(self, folder: Folder) -> Mark:
        """Faults for "mark"."""
        return self._call("mark", lambda: self._target.mark(folder))

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        """Faults for "append"; a lost one is Unknown."""
        return self._once("append", lambda: self._target.append(folder, message, op))

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """Faults for "find"."""
        return self._call("find", lambda: self._target.find(folder, since, matches))

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        """Faults for "keeps"."""
        return self._call("keeps", lambda: self._target.keeps(folder, flags))

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """Faults for "set_flags"."""
        return self._call("set_flags", lambda: self._target.set_flags(ref, add, remove, if_version))

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """Faults for "move"; a lost one is Unknown."""
        return self._once("move", lambda: self._target.move(ref, to, if_version))

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """Faults for "remove"."""
        return self._call("remove", lambda: self._target.remove(ref, if_version))

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:
        """Faults for "ensure_folder"."""
        return self._call("ensure_folder", lambda: self._target.ensure_folder(path, role))

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """Faults for "rename_folder"."""
        return self._call("rename_folder", lambda: self._target.rename_folder(folder, path))

    def quota(self) -> Quota:
        """Faults for "quota"."""
        return self._call("quota", self._target.quota)

    def close(self) -> None:
        """Never fails."""
        self._target.close()

    def _once(self, method: str, write: Callable[[], T]) -> T | Unknown:
        try:
            return self._call(method, write)
        except Disconnected as error:
            if error is not LOST:
                raise
            return Unknown(error)

    def _call(self, method: str, write: Callable[[], T]) -> T:
        if self._dead:
            raise LOST
        call = self._faults.begin(method)
        self._faults.strike(method, call)
        loss = self._faults.loses(method, call)
        if loss is None:
            return write()
        self._dead = True
        if loss.happened == "at once":
            write()
        if loss.happened == "later":
            self.late.append(write)
        raise LOST
