"""One message as MIME (`$value`): whole if it is small, else as a stream; never what only stands in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from requests import Response

from connectors.errors import ItemUnreadable
from connectors.graph.answer import Refusal, as_object, parsed
from connectors.graph.client import CHUNK, FOREIGN, Client
from connectors.graph.translate import Asked

STREAM_OVER = 2 << 20
"""Bytes that are kept of a message before it is read piece by piece as its reader asks."""

KINDS = ("text/plain", "message/rfc822", "application/octet-stream")
"""What Graph calls MIME (the first), and may call it."""

ERROR_MOST = 64 << 10

ADVICE = "open the message in Outlook on the web; if it opens there, quarantine retry, else quarantine accept"


class Unwanted(Exception):
    """Whoever asked for the message has gone. Never leaves the fetch."""


@dataclass(slots=True, eq=False)
class Stream:
    """The rest of a large message, still on its way, and the place that it holds among the mailbox's requests."""

    client: Client
    head: bytes
    chunks: Iterator[bytes]
    response: Response
    lock: Lock = field(default_factory=Lock)
    ended: bool = False

    def read(self) -> Iterator[bytes]:
        """All bytes, in pieces. Raises Disconnected where they end too early."""
        yield from (self.head[begin : begin + CHUNK] for begin in range(0, len(self.head), CHUNK))
        while True:
            self.client.check_open()
            try:
                chunk = next(self.chunks, None)
            except FOREIGN as error:
                self.close()
                raise self.client.lost(error) from None
            if chunk is None:
                self.close()
                return
            yield chunk

    def close(self) -> None:
        """Gives the place back; what was not read is dropped, with its connection. More than once does no harm."""
        with self.lock:
            ended, self.ended = self.ended, True
        if not ended:
            self.response.close()
            self.client.limiter.give()
            self.client.let_go(self)


def read_mime(client: Client, message_id: str, asked: Asked, wanted: Callable[[], bool]) -> bytes | Stream:
    """The message. The caller holds a place for it, which a Stream keeps until it is closed.

    Raises ItemUnreadable if what comes is not MIME or may not be all of it; what `translate` makes of a refusal.
    """
    response = client.open(client.links.url(f"{client.links.message(message_id)}/$value"), asked)
    streaming = False
    try:
        _check_kind(response, asked)
        head, chunks = bytearray(), response.iter_content(CHUNK)
        for chunk in chunks:
            head += chunk
            if not wanted():
                raise Unwanted
            if len(head) > STREAM_OVER:
                streaming = True
                return Stream(client, bytes(head), chunks, response)
    except FOREIGN as error:
        raise client.lost(error) from None
    finally:
        if not streaming:
            response.close()
    _check_content(bytes(head), client, asked)
    return bytes(head)


def _check_kind(response: Response, asked: Asked) -> None:
    kind = str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise ItemUnreadable(f"{asked.name}: Graph gives {kind[:80] or 'something unnamed'} in place of mail", ADVICE)
    if "Content-Length" not in response.headers and "chunked" not in response.headers.get("Transfer-Encoding", ""):
        text = f"{asked.name}: it came without its length, so that nobody can tell whether that is all of it"
        raise ItemUnreadable(text, "look at the proxy between: Graph says how long its answers are")


def _check_content(content: bytes, client: Client, asked: Asked) -> None:
    """An error, or nothing, under the name of mail."""
    if not content:
        raise ItemUnreadable(f"{asked.name}: Graph gives no bytes in place of mail", ADVICE)
    if content[:1] == b"{" and len(content) < ERROR_MOST:
        found = as_object(parsed(content)).get("error")
        if isinstance(found, dict):
            raise client.refused(Refusal.of(500, {"error": found}, {}), asked)
