"""The reading of one large body over as many sessions as it takes."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Protocol

from connectors.errors import Disconnected, ItemBusy, ItemUnreadable, ProtocolError, ReplicationError
from connectors.model import Capabilities, Failure, Message
from connectors.patience import Patience
from connectors.protocols import Source


class Sessions(Protocol):
    """What a `Retrying` lends to a body that is being read."""

    @property
    def capabilities(self) -> Capabilities:
        """The source's."""
        ...

    def session(self) -> Source:
        """The session that stands, or a new one."""
        ...

    def lose(self, source: Source | None, error: ReplicationError, *, midway: bool = False) -> None:
        """Ends the session that the error came from."""
        ...

    def drop(self, source: Source | None) -> None:
        """Ends this session, if it is the one that stands."""
        ...


class Reading:
    """One message's. `lone` is how many sessions must end at the same byte of it before it is taken for unreadable."""

    def __init__(self, retrying: Sessions, message: Message, patience: Patience, lone: int) -> None:
        self._retrying = retrying
        self._message = message
        self._patience = patience
        self._lone = lone
        self._stuck = 0
        self._came = 0
        self._digest = sha256()
        self._size = 0
        self._source: Source | None = retrying.session()
        self._answers: Iterator[Message | Failure] = iter(())

    def chunks(self) -> Iterator[bytes]:
        """The bytes; raises what `fetch` answers when it is asked again, ItemUnreadable if they are others by then.

        Also ItemUnreadable if sessions come as far as one did before, again and again, and no further.
        """
        rest: Iterator[bytes] | None = iter(self._message.raw)
        while True:
            try:
                rest = rest or self._reopened()
                for chunk in rest:
                    self._patience.renew()
                    self._digest.update(chunk)
                    self._size += len(chunk)
                    self._came, self._stuck = self._size, 0
                    yield chunk
                return
            except ReplicationError as error:
                self._retrying.lose(self._source, error, midway=True)
                self._stuck = self._stuck + 1 if self._came == self._size else 0
                self._suffer(error)
                rest = None

    def leave(self) -> None:
        """Lets the session skip what was not read, so that it can be used for something else."""
        try:
            for _ in self._answers:
                pass
        except ReplicationError:
            self._retrying.drop(self._source)  # nothing is lost but the session: what was left was not wanted

    def _suffer(self, error: ReplicationError) -> None:
        try:
            self._patience.suffer(error)
        except Disconnected as last:
            if self._stuck < self._lone:
                raise
            text = f"message {self._message.ref.native} in {self._message.ref.folder}: the session ends whenever"
            text += f" {self._size} bytes of it have come: {last.message}"
            raise ItemUnreadable(text, "look at the message and the log on the server") from last

    def _reopened(self) -> Iterator[bytes]:
        self._source, self._came = None, -1  # nothing came, not even an answer
        self._source = self._retrying.session()
        self._answers = self._source.fetch((self._message.ref,))
        answer = next(self._answers, None)
        if answer is None:
            raise ProtocolError(f"message {self._message.ref.id} was asked for again and not answered")
        if isinstance(answer, Failure):
            raise answer.error
        self._came = 0
        return self._beyond(iter(answer.raw))

    def _beyond(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """What follows the bytes that were given already, once they have proven to be the same."""
        digest, left = sha256(), self._size
        for chunk in chunks:
            digest.update(chunk[:left])
            if len(chunk) > left:
                self._came += left
                self._compare(digest.digest())
                yield chunk[left:]
                yield from chunks
                return
            left -= len(chunk)
            self._came += len(chunk)
        self._compare(digest.digest())

    def _compare(self, digest: bytes) -> None:
        if digest == self._digest.digest():
            return
        text = f"message {self._message.ref.id} came with other bytes after its body had been cut"
        if self._retrying.capabilities.exact_bytes:
            raise ItemUnreadable(text)
        raise ItemBusy(text, "its server makes the bytes anew each time, so it has to be read in one go")
