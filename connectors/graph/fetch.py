"""Bodies: up to four messages asked for at once, each in a thread, answered as they come, each once.

Refs are taken from the caller just before they are asked for, and only while a place is free: taking one may list the
next page, which needs a place too.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from queue import SimpleQueue

from connectors.body import Body
from connectors.errors import (
    AppRefused,
    ItemBusy,
    ItemError,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ReplicationError,
    ServerBusy,
)
from connectors.graph.client import Client
from connectors.graph.known import Known
from connectors.graph.lookup import look_up
from connectors.graph.mime import Stream, read_mime
from connectors.graph.rows import SELECT, arrival, flags_of, stands_in
from connectors.graph.translate import LOOK, About, Asked
from connectors.model import Failure, Message, Ref

STRIKES = 3
"""How often Graph may answer a message with trouble of the server's before it is the message's own."""

Outcome = tuple[Ref, Message | Failure | Exception, Stream | None]


class Outbox:
    """What the threads have got. Once abandoned, it is let go of as it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Outcome] = SimpleQueue()
        self._abandoned = False

    def wanted(self) -> bool:
        """Whether there is still a reader."""
        return not self._abandoned

    def put(self, outcome: Outcome) -> None:
        """From a thread."""
        with self._lock:
            if not self._abandoned:
                self._queue.put(outcome)
                return
        _let_go(outcome)

    def get(self) -> Outcome:
        """The next that comes."""
        return self._queue.get()

    def abandon(self) -> None:
        """No one reads any more."""
        with self._lock:
            self._abandoned = True
        while not self._queue.empty():
            _let_go(self._queue.get())


class Fetch:
    """One call of `fetch`. `known` are rows that were listed just now; of others, each costs a request more."""

    def __init__(self, client: Client, refs: Iterable[Ref], known: Known, names: Mapping[str, str]) -> None:
        self._client = client
        self._refs = iter(refs)
        self._known = known
        self._names = names
        self._outbox = Outbox()
        self._flying = 0
        self._ended = False
        self._error: Exception | None = None

    def answers(self) -> Iterator[Message | Failure]:
        """Until the refs end and all are answered. An error of more than one message comes after what was under way."""
        try:
            while self._fill():
                _, answer, stream = self._outbox.get()
                if isinstance(answer, Exception):
                    self._error = self._error or answer
                elif stream is None or isinstance(answer, Failure):
                    yield answer
                else:
                    yield from _streamed(answer, stream)
                self._flying -= 1
        finally:
            self._outbox.abandon()
        if self._error is not None:
            raise self._error

    def _fill(self) -> bool:
        """Keeps messages under way; false when there is nothing left to wait for."""
        self._client.check_open()
        while not self._ended and self._error is None and self._flying < self._client.limiter.limit:
            ref = next(self._refs, None)
            if ref is None:
                self._ended = True
                break
            self._flying += 1
            # A daemon: Ctrl-C must not wait for a silent server.
            threading.Thread(target=self._work, args=(ref,), name="graph", daemon=True).start()
        return self._flying > 0

    def _work(self, ref: Ref) -> None:
        try:
            self._outbox.put(self._outcome(ref))
        except ItemError as error:
            self._outbox.put((ref, Failure(ref, error), None))
        except Exception as error:  # noqa: BLE001 - raised again by the thread that reads the answers
            self._outbox.put((ref, error, None))

    def _outcome(self, ref: Ref) -> Outcome:
        asked = Asked(About.ITEM, f"message {ref.id} in {self._names.get(ref.folder, ref.folder)}")
        suspect = self._client.limiter.strikes[ref.id] >= STRIKES - 1
        if suspect:
            probe(self._client)
        try:
            return self._load(ref, asked)
        except AppRefused:
            raise
        except ItemGone as error:
            raise self._missed(ref, error) from error
        except (LoginRefused, ServerBusy) as error:
            raise self._blamed(ref, error, cleared=suspect) from error

    def _load(self, ref: Ref, asked: Asked) -> Outcome:
        known = self._known.take(ref)
        if known is None:
            row = self._client.get(self._client.links.url(f"{self._client.links.message(ref.id)}?{SELECT}"), asked)
            if not stands_in(row, ref.folder):
                raise ItemGone(f"{asked.name} has left")
            known = flags_of(row), arrival(row)
        try:
            found = self._read(ref, asked)
        except ReplicationError as error:
            if not isinstance(error, ItemError):
                self._known.put(ref, known)  # it will be asked for again
            raise
        if isinstance(found, Stream):
            self._client.keep(found)
            return ref, Message(ref, (), *known), found
        return ref, Message(ref, (found,), *known), None

    def _read(self, ref: Ref, asked: Asked) -> bytes | Stream:
        """The place is given back here, unless a Stream goes on with it."""
        limiter, found = self._client.limiter, None
        limiter.take()
        try:
            found = read_mime(self._client, ref.id, asked, self._outbox.wanted)
        finally:
            if not isinstance(found, Stream):
                limiter.give()
        limiter.strikes.pop(ref.id, None)
        return found

    def _missed(self, ref: Ref, error: ItemGone) -> ItemError:
        """A message that is not found, and is still listed where it was, has not left: it cannot be read."""
        row = look_up(self._client, [ref.id], error.message)[ref.id]
        if row and stands_in(row, ref.folder):
            return ItemUnreadable(error.message, LOOK)
        return error

    def _blamed(self, ref: Ref, error: ReplicationError, *, cleared: bool) -> ReplicationError:
        """A refusal, or the third trouble, is the message's own, unless it is the inbox's as well.

        If a pause is asked for with it, nobody can be asked now: the inbox is before the message is again (`cleared`).
        """
        strikes, busy = self._client.limiter.strikes, isinstance(error, ServerBusy)
        paused = busy and bool(error.retry_after)
        strikes[ref.id] += busy
        if busy and (strikes[ref.id] < STRIKES or (paused and not cleared)):
            return error
        if not paused:
            probe(self._client)
        strikes.pop(ref.id, None)
        return (ItemBusy if busy else ItemUnreadable)(error.message, error.advice)


def probe(client: Client) -> None:
    """Asks for the inbox: raises what is wrong with the mailbox, if anything is."""
    asked = Asked(About.MAILBOX, client.address)
    client.get(client.links.url(f"{client.links.folder('inbox')}?$select=id"), asked)


def _streamed(message: Message, stream: Stream) -> Iterator[Message]:
    body = Body(stream.read(), stream.close)
    try:
        yield Message(message.ref, body, message.flags, message.received_at)
    finally:
        body.expire()


def _let_go(outcome: Outcome) -> None:
    if outcome[2] is not None:
        outcome[2].close()
