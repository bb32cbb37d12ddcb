"""The bytes of a message that is being judged: asked for when they are read, each time anew."""

from collections.abc import Iterator

from connectors.errors import (
    AppRefused,
    ItemBusy,
    ItemGone,
    ItemUnreadable,
    LoginRefused,
    ReplicationError,
    ServerBusy,
)
from connectors.graph.client import CHUNK, Client
from connectors.graph.fetch import STRIKES, probe
from connectors.graph.mime import Stream, read_mime
from connectors.graph.translate import About, Asked
from connectors.model import Ref


class Left(ItemGone):
    """The message that is being judged is nowhere any more. Never leaves `find`."""


class Raw:
    """A message's bytes, asked for when they are read, each time anew; a reading ends when the next one begins."""

    def __init__(self, client: Client, ref: Ref, name: str) -> None:
        self._client = client
        self._ref = ref
        self._asked = Asked(About.ITEM, name)
        self._stream: Stream | None = None
        self._expired = False

    def __iter__(self) -> Iterator[bytes]:
        if self._expired:
            raise RuntimeError("a message's body was read after it had been judged")
        self._end()
        found = self._read()
        if isinstance(found, Stream):
            self._stream = found
            self._client.keep(found)
            yield from found.read()
        else:
            yield from (found[begin : begin + CHUNK] for begin in range(0, len(found), CHUNK))

    def close(self) -> None:
        """No more reading."""
        self._expired = True
        self._end()

    def _end(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _read(self) -> bytes | Stream:
        try:
            found = self._opened()
        except AppRefused:
            raise
        except ItemGone as error:
            raise Left(error.message) from error
        except (LoginRefused, ServerBusy) as error:
            raise self._blamed(error) from error
        self._client.limiter.strikes.pop(self._ref.id, None)
        return found

    def _opened(self) -> bytes | Stream:
        """The place is given back here, unless a Stream goes on with it."""
        limiter, found = self._client.limiter, None
        limiter.take(patience=self._client.timeout)
        try:
            found = read_mime(self._client, self._ref.id, self._asked, lambda: True)
        finally:
            if not isinstance(found, Stream):
                limiter.give()
        return found

    def _blamed(self, error: ReplicationError) -> ReplicationError:
        """As in a fetch: a refusal, or the third trouble, is the message's own, unless it is the inbox's as well."""
        strikes = self._client.limiter.strikes
        if isinstance(error, ServerBusy):
            strikes[self._ref.id] += 1
            if strikes[self._ref.id] < STRIKES:
                return error
        probe(self._client)
        strikes.pop(self._ref.id, None)
        kind = ItemBusy if isinstance(error, ServerBusy) else ItemUnreadable
        return kind(error.message, error.advice)
