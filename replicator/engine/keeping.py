"""Keeps what was read: bytes first, then a page's rows and cursor in one transaction, page by page."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from connectors.errors import ItemError, ItemGone
from connectors.model import Failure, Message, Page, Ref
from reconcile.fingerprint import Fingerprinter
from reconcile.kinship import Kinship, Likeness, likeness
from replicator.mailstore.content import ContentWriter, Kept
from replicator.mailstore.mailbox.answers import Answer, Counts, Held, Need, New
from replicator.mailstore.mailbox.headers import message_id
from replicator.mailstore.mailbox.kindred import Kindred
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.store import MailboxStore

Advance = Callable[[int, int], None]
"""Told after each message: messages and bytes since the last call."""


@dataclass(slots=True)
class _OpenPage:
    page: Page
    missing: set[Ref]
    answers: dict[Ref, Answer] = field(default_factory=dict)


class Intake:
    """Turns a message into an answer that can be recorded: sealed and appended, or found to be held already.

    Content is the exact bytes; with `kindred`, for a side whose mail system makes these anew, it is also what is the
    same message by its fingerprint.
    """

    def __init__(self, store: MailboxStore, writer: ContentWriter, advance: Advance) -> None:
        self.kindred: Kindred | None = None
        self._store = store
        self._writer = writer
        self._advance = advance
        self._unrecorded: dict[bytes, New] = {}

    def keep(self, answers: Sequence[Message | Failure]) -> list[Answer | None]:
        """For each its answer; None for a message that had left before it could be fetched.

        What is held already is looked up for all of them at once; a large message cannot be known before it is read.
        """
        whole = {
            answer.ref: sha256(b"".join(answer.raw)).digest()
            for answer in answers
            if isinstance(answer, Message) and isinstance(answer.raw, tuple)
        }
        held = self._store.held(set(whole.values()) - self._unrecorded.keys())
        return [self._answer(answer, whole.get(answer.ref), held) for answer in answers]

    def sync(self) -> None:
        """Makes everything kept durable. Only then may rows refer to it."""
        self._writer.sync(self._store.mark())

    def recorded(self, answers: Iterable[Answer]) -> None:
        """These are on record now, so that the mailbox's database can tell that their content is held."""
        for answer in answers:
            if isinstance(answer, New):
                self._unrecorded.pop(answer.content.sha256, None)
                if self.kindred:
                    self.kindred.recorded(answer)

    def _answer(self, answer: Message | Failure, digest: bytes | None, held: Mapping[bytes, Held]) -> Answer | None:
        if isinstance(answer, Failure):
            return None if isinstance(answer.error, ItemGone) else answer
        known = None if digest is None else self._unrecorded.get(digest) or held.get(digest)
        if known is not None:
            self._advance(1, 0)
            return known
        try:
            return self._put(answer.raw, streamed=digest is None)
        except ItemGone:
            return None
        except ItemError as error:
            return Failure(answer.ref, error)

    def _put(self, raw: Iterable[bytes], *, streamed: bool) -> Answer:
        reader = Fingerprinter() if self.kindred else None
        kept = self._writer.put(raw if reader is None else _fed(raw, reader))
        digest = kept.content.sha256
        known = self._unrecorded.get(digest) or self._store.held((digest,)).get(digest) if streamed else None
        if known is not None:
            return self._drop(kept, known)
        if self.kindred and reader:
            return self._put_copy(kept, likeness(reader, kept.head), self.kindred)
        return self._add(New.of(kept))

    def _put_copy(self, kept: Kept, copy: Likeness, kindred: Kindred) -> Answer:
        relative = kindred.find(copy, message_id(kept.head))
        if relative and relative.kinship is Kinship.EQUAL:
            return self._drop(kept, relative.answer)
        new = self._add(New.of(kept, relative.sha256 if relative else b""))
        kindred.wait(copy, new)
        return new

    def _drop(self, kept: Kept, known: Answer) -> Answer:
        self._writer.forget(kept)
        self._advance(1, 0)
        return known

    def _add(self, new: New) -> New:
        self._advance(1, new.content.size)
        self._unrecorded[new.content.sha256] = new
        return new


def _fed(raw: Iterable[bytes], reader: Fingerprinter) -> Iterator[bytes]:
    """The same bytes, which a fingerprint is taken of on their way."""
    for chunk in raw:
        reader.feed(chunk)
        yield chunk


class Keeping:
    """The sink of one folder's pass. A page is recorded once all its answers are there and durable, in order."""

    def __init__(
        self, store: MailboxStore, intake: Intake, folder: FolderRow, expired: Callable[[], bool], *, full: bool
    ) -> None:
        self.folder = folder
        self.counts = Counts()
        self._store = store
        self._intake = intake
        self._expired = expired
        self._full = full
        self._open: deque[_OpenPage] = deque()

    def page(self, page: Page, need: Need) -> None:
        """See Sink."""
        self._open.append(_OpenPage(page, set(need.fetch), dict(need.matched)))
        self._record()

    def answers(self, answers: Sequence[Message | Failure]) -> None:
        """See Sink."""
        for answer, kept in zip(answers, self._intake.keep(answers), strict=True):
            waiting = next((page for page in self._open if answer.ref in page.missing), None)
            if waiting is not None:
                waiting.missing.discard(answer.ref)
                if kept is not None:
                    waiting.answers[answer.ref] = kept
        self._record()

    def _record(self) -> None:
        while self._open and not self._open[0].missing:
            first = self._open.popleft()
            if any(isinstance(answer, New) for answer in first.answers.values()):
                self._intake.sync()
            self.folder, counts = self._store.record(
                self.folder, first.page, first.answers, full=self._full, ending=self._expired()
            )
            self._intake.recorded(first.answers.values())
            self.counts.add(counts)
