"""The server. It numbers as IMAP does: UIDs and UIDVALIDITY (RFC 9051 2.3.1.1), one MODSEQ a change (RFC 7162)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from math import inf

from connectors.model import Role

Path = tuple[str, ...]

INBOX: Path = ("INBOX",)
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as the server keeps it. `modseq` is that of its last change; copies have one `identity`."""

    uid: int
    raw: bytes
    flags: frozenset[str]
    arrived_at: datetime
    modseq: int
    identity: str = ""


@dataclass(slots=True)
class KeptFolder:
    """A folder as the server keeps it; `floor` is the oldest modseq that a cursor may still name.

    Not `selectable`: the server names it and cannot open it.
    """

    id: str
    path: Path
    role: Role
    validity: int
    highest: int
    floor: int = 0
    next_uid: int = 1
    selectable: bool = True
    messages: dict[int, Kept] = field(default_factory=dict)
    vanished: dict[int, int] = field(default_factory=dict)

    def ref_id(self, uid: int) -> str:
        """UIDs mean nothing without their UIDVALIDITY."""
        return f"{self.validity}:{uid}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server sets to a mailbox: `room` in bytes, the `largest` message, the only `flags` that it keeps."""

    room: float = inf
    largest: float = inf
    flags: frozenset[str] | None = None

    def keep(self, flags: frozenset[str]) -> frozenset[str]:
        """Without \\Recent, which belongs to sessions."""
        return (flags if self.flags is None else flags & self.flags) - {"\\Recent"}


class MemoryMailbox:
    """A mailbox on a server in memory. Folders go by path, messages by their UID as text, which is `Ref.native`."""

    def __init__(self) -> None:
        self._modseqs = count(1)
        self._numbers = count(1)
        self._identities = count(1)
        self.kept: dict[Path, KeptFolder] = {}
        self.limits = Limits()
        self.create_folder(INBOX, Role.INBOX)

    def create_folder(self, path: Path, role: Role = Role.NONE) -> None:
        """An empty folder with an id and a UIDVALIDITY that no other ever had."""
        number = next(self._numbers)
        self.kept[path] = KeptFolder(f"f{number}", path, role, validity=number, highest=next(self._modseqs))

    def rename_folder(self, path: Path, to: Path) -> None:
        """The folder and what is below it; ids and UIDs stay."""
        for old in [known for known in self.kept if known[: len(path)] == path]:
            folder = self.kept.pop(old)
            folder.path = to + old[len(path) :]
            self.kept[folder.path] = folder

    def delete_folder(self, path: Path) -> None:
        """The folder with its messages."""
        del self.kept[path]

    def lock_folder(self, path: Path, *, locked: bool = True) -> None:
        """Makes the folder one that the server names and cannot open, or gives it back as it was."""
        self.kept[path].selectable = not locked

    def append(self, path: Path, raw: bytes, flags: Iterable[str] = (), arrived_at: datetime = LONG_AGO) -> str:
        """A new message; gives its UID."""
        return self._place(path, Kept(0, raw, frozenset(flags), arrived_at, 0, f"m{next(self._identities)}"))

    def set_flags(self, path: Path, uid: str, flags: Iterable[str]) -> None:
        """Replaces the flags."""
        folder = self.kept[path]
        message = folder.messages[int(uid)]
        folder.messages[int(uid)] = replace(message, flags=frozenset(flags), modseq=self._step(folder))

    def edit(self, path: Path, uid: str, raw: bytes) -> None:
        """Other content under the same UID, which IMAP forbids and Exchange does."""
        folder = self.kept[path]
        identity, modseq = f"m{next(self._identities)}", self._step(folder)
        folder.messages[int(uid)] = replace(folder.messages[int(uid)], raw=raw, identity=identity, modseq=modseq)

    def expunge(self, path: Path, uid: str) -> Kept:
        """Takes the message out of the folder; gives what was taken."""
        folder = self.kept[path]
        folder.vanished[int(uid)] = self._step(folder)
        return folder.messages.pop(int(uid))

    def move(self, path: Path, uid: str, to: Path) -> str:
        """Out of one folder, into another under a new UID, which is given."""
        return self._place(to, self.expunge(path, uid))

    def copy(self, path: Path, uid: str, to: Path) -> str:
        """Into another folder, or the same, under a new UID, which is given."""
        return self._place(to, self.kept[path].messages[int(uid)])

    def renumber(self, path: Path) -> None:
        """A new UIDVALIDITY, as after a restore: every message has another UID and no cursor holds."""
        folder = self.kept[path]
        folder.validity, folder.next_uid = next(self._numbers), 1
        messages, folder.messages, folder.vanished = folder.messages, {}, {}
        for message in messages.values():
            self._place(path, message)
        self._step(folder)

    def expire_cursors(self, path: Path) -> None:
        """Forgets the history of changes: UIDs stay, but no cursor made so far can be used."""
        folder = self.kept[path]
        folder.vanished.clear()
        folder.floor = self._step(folder)

    def listing(self, path: Path) -> dict[str, Kept]:
        """What is in the folder now, by `Ref.id`: the truth that tests compare with."""
        folder = self.kept[path]
        return {folder.ref_id(uid): message for uid, message in folder.messages.items()}

    def raw(self, path: Path, uid: str) -> bytes:
        """The message's bytes."""
        return self.kept[path].messages[int(uid)].raw

    def _place(self, path: Path, message: Kept) -> str:
        folder = self.kept[path]
        uid, folder.next_uid = folder.next_uid, folder.next_uid + 1
        folder.messages[uid] = replace(message, uid=uid, modseq=self._step(folder))
        return str(uid)

    def _step(self, folder: KeptFolder) -> int:
        folder.highest = next(self._modseqs)
        return folder.highest
