"""The Source over a mailbox in memory."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice

from connectors.body import Body, header_block
from connectors.errors import CursorExpired, Disconnected, FolderGone, FolderRefused, ItemGone
from connectors.memory.mailbox import Kept, KeptFolder, MemoryMailbox
from connectors.model import Capabilities, Change, Cursor, Failure, Folder, Gone, Message, Page, Ref, Seen

PAGE_BYTES = 16 << 20
CHUNK = 1 << 16
FULL = Capabilities(reports_removals=True, exact_sizes=True, stable_folder_ids=True)


@dataclass(frozen=True, slots=True)
class Place:
    """What a cursor says. `after` is the last UID that an unfinished full pass has listed; None once it is finished."""

    validity: int
    modseq: int
    after: int | None = None

    def cursor(self) -> Cursor:
        """As text, versioned; equal places give equal text."""
        return Cursor(json.dumps({"v": 1, **asdict(self)}))

    @classmethod
    def parse(cls, cursor: Cursor) -> "Place":
        """Raises CursorExpired for what this connector did not make."""
        try:
            match json.loads(cursor):
                case {"v": 1, "validity": int(validity), "modseq": int(modseq), "after": int() | None as after}:
                    return cls(validity, modseq, after)
        except ValueError as error:
            raise CursorExpired(f"not a cursor of this connector: {error}") from error
        raise CursorExpired("not a cursor of this connector")


class MemorySource:
    """One session on a `MemoryMailbox`. A promise is broken on purpose by overriding one of the small methods.

    `page_changes` bounds a page; `ahead` is how many refs `fetch` takes before it answers the first, and then it
    answers them in reverse, since the order is promised to no one; messages over `stream_over` bytes are streamed.
    """

    def __init__(
        self,
        mailbox: MemoryMailbox,
        capabilities: Capabilities = FULL,
        *,
        stamps: bool = True,
        page_changes: int = 1000,
        ahead: int = 0,
        stream_over: int = 1 << 20,
    ) -> None:
        self._mailbox = mailbox
        self._capabilities = capabilities
        self._stamps = stamps
        self._page_changes = page_changes
        self._ahead = ahead
        self._stream_over = stream_over
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """As given."""
        return self._capabilities

    def folders(self) -> Iterator[Folder]:
        """Every folder, as of the first step."""
        self._check_open()
        kept = sorted(self._mailbox.kept.values(), key=lambda folder: folder.path)
        yield from [self._folder(each) for each in kept]

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """Each page is made from the mailbox as it is when that page is asked for."""
        kept = self._find(folder.id)
        if since is None:
            yield from self._everything(kept, Place(kept.validity, kept.highest, after=0))
            return
        place = Place.parse(since)
        if place.validity != kept.validity or place.modseq < kept.floor:
            raise CursorExpired(f"folder {kept.id} was numbered anew or its history was forgotten")
        yield from self._delta(kept, place) if place.after is None else self._everything(kept, place)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """Each message as it is when it is answered."""
        waiting = iter(refs)
        while asked := list(islice(waiting, self._ahead + 1)):
            for ref in reversed(asked):
                self._check_open()
                answer = self.answer(ref)
                yield answer
                if isinstance(answer, Message) and isinstance(answer.raw, Body):
                    answer.raw.expire()

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """Of those that are still there."""
        for ref in refs:
            self._check_open()
            message = self._message(ref)
            if message is not None:
                yield ref, header_block(message.raw)

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As of the first step."""
        kept = self._find(folder.id)
        yield from [Ref(folder.id, kept.ref_id(uid)) for uid in kept.messages]

    def count(self, folder: Folder) -> int:
        """As of now."""
        return len(self._find(folder.id).messages)

    def close(self) -> None:
        """Whatever was under way raises Disconnected at its next step."""
        self._closed = True

    def folder_id(self, kept: KeptFolder) -> str:
        """The server's id, or the path where the server has none."""
        if self._capabilities.stable_folder_ids:
            return kept.id
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in kept.path)

    def stamp(self, kept: KeptFolder) -> str:
        """Changes with every change in the folder."""
        return f"{kept.validity}:{kept.highest}" if self._stamps else ""

    def settle(self, kept: KeptFolder, start: Place) -> Place:  # noqa: ARG002 - for those who override it
        """Where a full pass ends that began at `start`: there, so that what happened while it ran comes again."""
        return replace(start, after=None)

    def size(self, message: Kept) -> int:
        """What a listing claims."""
        return len(message.raw)

    def answer(self, ref: Ref) -> Message | Failure:
        """The message with its bytes, whole or streamed, or ItemGone."""
        message = self._message(ref)
        if message is None:
            return Failure(ref, ItemGone(f"message {ref.id} has left folder {ref.folder}"))
        return Message(ref, self._body(message.raw), self._flags(message), message.arrived_at)

    def _message(self, ref: Ref) -> Kept | None:
        kept = next((each for each in self._mailbox.kept.values() if self.folder_id(each) == ref.folder), None)
        validity, _, uid = ref.id.partition(":")
        return kept.messages.get(int(uid)) if kept and validity == str(kept.validity) else None

    def _body(self, raw: bytes) -> Iterable[bytes]:
        if len(raw) <= self._stream_over:
            return (raw,)
        return Body(self._chunks(raw))

    def _chunks(self, raw: bytes) -> Iterator[bytes]:
        for at in range(0, len(raw), CHUNK):
            self._check_open()
            yield raw[at : at + CHUNK]

    def _everything(self, kept: KeptFolder, place: Place) -> Iterator[Page]:
        start, after = place, place.after or 0
        goal = kept.next_uid  # what arrives from here on is the next pass's, or this one might never end
        while True:
            self._check_standing(kept, place)
            rest = [message for uid, message in kept.messages.items() if after < uid < goal]
            page = self._first([(self._seen(kept, message), message.uid) for message in rest])
            after = page[-1][1] if page else after
            last = len(page) == len(rest)
            place = self.settle(kept, start) if last else replace(start, after=after)
            yield Page(tuple(change for change, _ in page), place.cursor(), last)
            if last:
                return

    def _delta(self, kept: KeptFolder, place: Place) -> Iterator[Page]:
        goal = kept.highest  # what happens from here on has a higher modseq and is the next pass's
        while True:
            self._check_standing(kept, place)
            rest = [each for each in self._since(kept, place.modseq) if each[1] <= goal]
            page = self._first(rest)
            last = len(page) == len(rest)
            place = replace(place, modseq=goal if last else page[-1][1])
            yield Page(tuple(change for change, _ in page), place.cursor(), last)
            if last:
                return

    def _since(self, kept: KeptFolder, modseq: int) -> list[tuple[Change, int]]:
        news: list[tuple[Change, int]] = [
            (self._seen(kept, message), message.modseq) for message in kept.messages.values() if message.modseq > modseq
        ]
        if self._capabilities.reports_removals:
            folder = self.folder_id(kept)
            news += [(Gone(Ref(folder, kept.ref_id(uid))), at) for uid, at in kept.vanished.items() if at > modseq]
        return sorted(news, key=lambda each: each[1])

    def _first(self, changes: list[tuple[Change, int]]) -> list[tuple[Change, int]]:
        """As many as one page holds."""
        size = 0
        for index, (change, _) in enumerate(changes[: self._page_changes]):
            size += change.size if isinstance(change, Seen) else 0
            if size >= PAGE_BYTES:
                return changes[: index + 1]
        return changes[: self._page_changes]

    def _seen(self, kept: KeptFolder, message: Kept) -> Seen:
        ref = Ref(self.folder_id(kept), kept.ref_id(message.uid))
        identity = message.identity if self._capabilities.identities else ""
        version, size = str(message.modseq), self.size(message)
        revision = version if self._capabilities.edits else ""
        return Seen(ref, version, self._flags(message), message.arrived_at, size, identity, revision)

    def _flags(self, message: Kept) -> frozenset[str]:
        return message.flags if self._capabilities.reports_flags else frozenset()

    def _folder(self, kept: KeptFolder) -> Folder:
        stamp = self.stamp(kept) if kept.selectable else ""
        return Folder(self.folder_id(kept), kept.path, kept.role, stamp, kept.selectable)

    def _find(self, folder: str) -> KeptFolder:
        self._check_open()
        for kept in self._mailbox.kept.values():
            if self.folder_id(kept) == folder:
                if not kept.selectable:
                    raise FolderRefused(f"folder {folder} cannot be opened", "look at its permissions")
                return kept
        raise FolderGone(f"folder {folder} is no longer there")

    def _check_standing(self, kept: KeptFolder, place: Place) -> None:
        """As servers do: who holds a folder open while it is numbered anew is thrown out (RFC 9051 6.3.2)."""
        if self._find(self.folder_id(kept)).validity != place.validity:
            self.close()
            raise Disconnected(f"folder {kept.id} was numbered anew", "open it again")

    def _check_open(self) -> None:
        if self._closed:
            raise Disconnected("the session is closed", "open it again")
