"""The Target over a mailbox in memory."""

import json
from collections.abc import Callable

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemTooLarge,
    QuotaExceeded,
    Renumbered,
)
from connectors.memory.mailbox import INBOX, LONG_AGO, Kept, KeptFolder, MemoryMailbox, Path
from connectors.model import (
    BEGINNING,
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

ALL = TargetCapabilities(atomic=True)


class MemoryTarget:
    """One session on a `MemoryMailbox`; its folders and refs are those of a `MemorySource` with stable folder ids."""

    def __init__(self, mailbox: MemoryMailbox, capabilities: TargetCapabilities = ALL) -> None:
        self._mailbox = mailbox
        self._capabilities = capabilities
        self._closed = False

    @property
    def capabilities(self) -> TargetCapabilities:
        """As given."""
        return self._capabilities

    def mark(self, folder: Folder) -> Mark:
        """The next UID, under this UIDVALIDITY."""
        kept = self._find(folder.id)
        return Mark(json.dumps({"v": 1, "validity": kept.validity, "next": kept.next_uid}))

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:  # noqa: ARG002 - nothing is lost here
        """As `Target.append`; the server's clock stands still at `LONG_AGO`."""
        kept = self._find(folder.id)
        size = sum(len(chunk) for chunk in message.raw)
        self._check_room(size)
        raw = b"".join(message.raw)
        if len(raw) != size:
            self.close()
            raise ValueError(f"a message of {size} bytes had {len(raw)} when it was read again")
        flags = self._mailbox.limits.keep(message.flags) if self._capabilities.keeps_flags else frozenset()
        return self._ref(kept, self._mailbox.append(kept.path, raw, flags, message.received_at or LONG_AGO))

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """By UID, from the mark on."""
        kept = self._find(folder.id)
        first = self.first_after(kept, since)
        refs = {self._ref(kept, str(uid)): message for uid, message in kept.messages.items() if uid >= first}
        return [ref for ref, each in refs.items() if matches(Message(ref, (each.raw,), each.flags, each.arrived_at))]

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        """By the limits; the same in every folder."""
        self._find(folder.id)
        return self._mailbox.limits.keep(flags) if self._capabilities.keeps_flags else frozenset()

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """As `Target.set_flags`; without a change the message keeps its version."""
        kept, message = self._message(ref)
        if self.is_stale(message, if_version):
            return Stale(_version(message))
        flags = (message.flags | self.keeps(self._folder(kept), add)) - remove
        if flags != message.flags:
            self._mailbox.set_flags(kept.path, ref.native, flags)
        return _version(kept.messages[message.uid])

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """At once."""
        kept, message = self._message(ref)
        target = self._find(to.id)
        if self.is_stale(message, if_version):
            return Stale(_version(message))
        return self._ref(target, self._mailbox.move(kept.path, ref.native, target.path))

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """This one."""
        kept, message = self._message(ref)
        if self.is_stale(message, if_version):
            return Stale(_version(message))
        self._mailbox.expunge(kept.path, ref.native)
        return Gone(ref)

    def ensure_folder(self, path: Path, role: Role = Role.NONE) -> Folder:
        """Any name but an empty one is taken."""
        self._check_open()
        self._make(path, role)
        return self._folder(self._mailbox.kept[path])

    def rename_folder(self, folder: Folder, path: Path) -> Folder:
        """What is below comes along."""
        kept = self._find(folder.id)
        if kept.path == INBOX or path in self._mailbox.kept or path[: len(kept.path)] == kept.path:
            raise FolderRefused(f"folder {'/'.join(kept.path)} cannot become {'/'.join(path)}", "choose another name")
        self._make(path[:-1])
        self._mailbox.rename_folder(kept.path, path)
        return self._folder(kept)

    def quota(self) -> Quota:
        """Told even if there is no limit."""
        self._check_open()
        messages = [message for kept in self._mailbox.kept.values() for message in kept.messages.values()]
        used = sum(len(message.raw) for message in messages)
        return Quota(used, self._mailbox.limits.room, messages=len(messages), largest=self._mailbox.limits.largest)

    def close(self) -> None:
        """Whatever is called from now on raises Disconnected."""
        self._closed = True

    def first_after(self, kept: KeptFolder, since: Mark) -> int:
        """The first UID of the window. Raises Renumbered."""
        if since == BEGINNING:
            return 1
        try:
            match json.loads(since):
                case {"v": 1, "validity": kept.validity, "next": int(first)} if first <= kept.next_uid:
                    return first
        except ValueError as error:
            raise Renumbered(f"folder {kept.id}: not a mark of this connector: {error}") from error
        raise Renumbered(f"folder {kept.id} is not the one that was marked")

    def is_stale(self, message: Kept, seen: Version | None) -> bool:
        """By the modseq, or by the flags where the caller has no modseq."""
        if seen is None:
            return False
        return seen.tag != str(message.modseq) if seen.tag else seen.flags != message.flags

    def _check_room(self, size: int) -> None:
        if size > self._mailbox.limits.largest:
            raise ItemTooLarge(
                f"the message has {size} bytes, more than {self._mailbox.limits.largest}", "raise that limit"
            )
        if size > self.quota().free:
            raise QuotaExceeded("the mailbox is full", "make room in it, or raise its quota")

    def _make(self, path: Path, role: Role = Role.NONE) -> None:
        if not all(path):
            raise FolderRefused("a folder without a name cannot be made", "choose another name")
        for depth in range(1, len(path)):
            self._make(path[:depth])
        if path and path not in self._mailbox.kept:
            self._mailbox.create_folder(path, role)

    def _message(self, ref: Ref) -> tuple[KeptFolder, Kept]:
        kept = self._find(ref.folder)
        validity, _, uid = ref.id.partition(":")
        if validity != str(kept.validity):
            raise Renumbered(f"folder {kept.id} was numbered anew")
        if int(uid) not in kept.messages:
            raise ItemGone(f"message {ref.id} has left folder {kept.id}")
        return kept, kept.messages[int(uid)]

    def _find(self, folder: str) -> KeptFolder:
        self._check_open()
        kept = next((each for each in self._mailbox.kept.values() if each.id == folder), None)
        if kept is None:
            raise FolderGone(f"folder {folder} is no longer there")
        if not kept.selectable:
            raise FolderRefused(f"folder {folder} cannot be opened", "look at its permissions")
        return kept

    def _folder(self, kept: KeptFolder) -> Folder:
        return Folder(kept.id, kept.path, kept.role, selectable=kept.selectable)

    def _ref(self, kept: KeptFolder, uid: str) -> Ref:
        return Ref(kept.id, kept.ref_id(int(uid)))

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("the session is closed", "open it again")


def _version(message: Kept) -> Version:
    return Version(str(message.modseq), message.flags)
