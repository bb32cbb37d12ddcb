"""Bodies: `UID FETCH n,m (… BODY.PEEK[])`, two commands under way at a time, each message answered once.

Refs are taken from the caller just before they are needed. While a large body is under way none are taken, because the
caller may list the next page to find them, and that answer comes behind the body, which memory cannot hold.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors.errors import CursorExpired, ItemError, ItemGone, ItemUnreadable, ReplicationError
from connectors.imap import translate, uids
from connectors.imap.dialects.synthetic import is_made_up
from connectors.imap.folders import shown
from connectors.imap.reading.examine import opened
from connectors.imap.reading.inventory import search
from connectors.imap.reading.listing import read_date, read_flags
from connectors.imap.session import STREAM_OVER, Command, Session
from connectors.model import Failure, Message, Ref

BATCH = 320
"""Messages in one command: with two under way and one prepared, less than a page."""

FIRST_BATCH = 20
"""The first is small, and each twice the one before: the first answer comes soon, and few refs are taken for it."""

BATCH_BYTES = 2 << 20
UNKNOWN = 1 << 18
"""Taken as the size of a message that was not listed lately."""

UNDER_WAY = 2


@dataclass(slots=True, eq=False)
class Batch:
    """Messages asked for in one command, by UID, until they are answered. A large one is alone."""

    refs: dict[int, Ref] = field(default_factory=dict)
    size: int = 0
    large: bool = False
    asked: int = 0
    command: Command = field(default_factory=lambda: Command(b""))

    def full(self, most: int) -> bool:
        """Nothing more goes in."""
        return self.large or self.size >= BATCH_BYTES or len(self.refs) >= most

    def takes(self, uid: int, size: int) -> bool:
        """There is room for it."""
        return not self.refs or (size <= STREAM_OVER and self.size + size <= BATCH_BYTES and uid not in self.refs)

    def add(self, ref: Ref, uid: int, size: int) -> None:
        """One more message."""
        self.refs[uid] = ref
        self.size += size
        self.large = size > STREAM_OVER

    def send(self, session: Session) -> None:
        """Asks for all of them."""
        self.asked = len(self.refs)
        self.command = Command(b"UID FETCH %b (UID FLAGS INTERNALDATE BODY.PEEK[])" % uids.write_set(sorted(self.refs)))
        session.send(self.command)


class Fetch:
    """One call of `fetch`; a session has one at a time. What an abandoned one had asked for is dropped as it comes."""

    def __init__(self, session: Session, refs: Iterable[Ref]) -> None:
        self._session = session
        self._refs = Sized(session, refs)
        self._prepared: deque[Batch] = deque()
        self._under_way: deque[Batch] = deque()
        self._lost = (session.dialect.lost,) if session.dialect.lost else None
        self._stale = session.selection

    def answers(self) -> Iterator[Message | Failure]:
        """Until the refs end and all are answered.

        No answer is NIL, which Dovecot says of what others expunged, nor the message that Courier makes up for it.
        """
        session, failures = self._session, self._refs.failures
        session.forget()
        while len(self._under_way) == UNDER_WAY or self._advance() or failures:
            if failures:
                yield failures.popleft()
                continue
            row = session.release()
            if row is None and self._under_way[0].command.done:
                yield from self._settle(self._under_way.popleft())
                continue
            row = row or session.step()
            raw = row.raw if row is not None and row.raw != self._lost else None
            if row is not None and raw is not None and (ref := self._asked(row.uid)):
                yield self._answer(ref, row.uid, Message(ref, raw, read_flags(row.flags), read_date(row.date)))

    def _answer(self, ref: Ref, uid: int, message: Message) -> Message | Failure:
        """The message, unless the server made it up in the place of one that it could not convert."""
        whole = message.raw if isinstance(message.raw, tuple) and self._session.dialect.made_up else ()
        return Failure(ref, _made_up(ref)) if whole and is_made_up(uid, b"".join(whole)) else message

    def _advance(self) -> bool:
        """Keeps commands under way; false when there is nothing left to wait for."""
        while len(self._under_way) < UNDER_WAY and self._prepare():
            batch = self._prepared.popleft()
            self._refresh()
            batch.send(self._session)
            self._under_way.append(batch)
        return bool(self._under_way)

    def _refresh(self) -> None:
        """Before the first command to a folder that stood open: else Cyrus and Courier give what others expunged."""
        if self._stale is not None and self._stale is self._session.selection:
            self._session.send(Command(b"NOOP"))
        self._stale = None

    def _prepare(self) -> bool:
        """One batch, and another behind a large one, so that there is something to send while that is under way."""
        while len(self._prepared) < (2 if self._prepared and self._prepared[0].large else 1):
            batch = Batch() if any(each.large for each in self._under_way) else self._refs.batch()
            if not batch.refs:
                break
            self._prepared.append(batch)
        return bool(self._prepared)

    def _asked(self, uid: int) -> Ref | None:
        """Whose row it is. Not asked for, or answered already: no one's."""
        for batch in self._under_way:
            if uid in batch.refs:
                return batch.refs.pop(uid)
        return None

    def _settle(self, batch: Batch) -> Iterator[Failure]:
        """What the server's answer to the command leaves open: asked again in halves, or looked into."""
        for uid in sorted(self._session.skipped & batch.refs.keys(), reverse=True):
            self._session.skipped.discard(uid)
            self._prepared.appendleft(Batch({uid: batch.refs.pop(uid)}, large=True))
        if not batch.refs:
            return
        if batch.command.status == "OK":
            yield from self._explain(batch.refs, None)
            return
        error = translate.item_refused(batch.command.text, _named(next(iter(batch.refs.values()))))
        if not isinstance(error, ItemError):
            raise error
        if batch.asked == 1:
            yield from self._explain(batch.refs, error)
        else:
            self._prepared.extendleft(_halves(batch.refs))

    def _explain(self, refs: dict[int, Ref], error: ReplicationError | None) -> Iterator[Failure]:
        """Each was not given: because it left, or because the server cannot give it (Exchange says OK, and no row)."""
        self._session.call(Command(b"NOOP"))  # lets the server take notice of what others expunged
        criteria = b"UID " + uids.write_set(sorted(refs))
        present = set(search(self._session, self._refs.folder, criteria))
        for uid, ref in refs.items():
            if uid not in present:
                yield Failure(ref, ItemGone(f"{_named(ref)} has left"))
            else:
                yield Failure(ref, error or _unreadable(ref))


class Sized:
    """The caller's refs, in batches by the sizes that the listing claimed; `failures` for those of an old numbering."""

    def __init__(self, session: Session, refs: Iterable[Ref]) -> None:
        self._session = session
        self._refs = iter(refs)
        self._waiting: tuple[Ref, int, int] | None = None
        self._ended = False
        self._most = FIRST_BATCH
        self.folder = ""
        self.failures: deque[Failure] = deque()

    def batch(self) -> Batch:
        """The next refs that fit into one command; empty at the end."""
        batch = Batch()
        while not batch.full(self._most) and (found := self._next()) is not None:
            ref, uid, size = found
            if not batch.takes(uid, size):
                self._waiting = found
                break
            batch.add(ref, uid, size)
        self._most = min(2 * self._most, BATCH)
        return batch

    def _next(self) -> tuple[Ref, int, int] | None:
        waiting, self._waiting = self._waiting, None
        while waiting is None and not self._ended:
            ref = next(self._refs, None)
            if ref is None:
                self._ended = True
            else:
                waiting = self._size(ref)
        return waiting

    def _size(self, ref: Ref) -> tuple[Ref, int, int] | None:
        numbering, _, uid = ref.id.partition(":")
        selection = self._session.selection
        if selection is None or (ref.folder, numbering) != (selection.name, str(selection.uidvalidity)):
            try:
                selection = opened(self._session, ref.folder, int(numbering))
            except CursorExpired:
                error = ItemGone(f"{_named(ref)} is of an older numbering")
                self.failures.append(Failure(ref, error))
                return None
        self.folder = ref.folder
        return ref, int(uid), selection.sizes.pop(int(uid), UNKNOWN)


def _halves(refs: dict[int, Ref]) -> Iterator[Batch]:
    """The second first, since they are put in front one by one."""
    asked = sorted(refs.items())
    middle = (len(asked) + 1) // 2
    for half in (asked[middle:], asked[:middle]):
        if half:
            yield Batch(dict(half))


def _unreadable(ref: Ref) -> ItemUnreadable:
    text = f"{_named(ref)}: the server lists it, but does not give it"
    return ItemUnreadable(text, translate.ADVICE[ItemUnreadable])


def _made_up(ref: Ref) -> ItemUnreadable:
    text = f"{_named(ref)}: the server cannot make mail of it, and gave a notice of its own in its place"
    return ItemUnreadable(text, "look at it in Outlook, or read this mailbox by EWS or Graph")


def _named(ref: Ref) -> str:
    return f"message {ref.native} in {shown(ref.folder)}"
