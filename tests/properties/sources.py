"""What a mailbox holds whose history is made up, and the sources that look at it: rough, and making bytes anew."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from connectors.memory import MemoryMailbox, MemorySource
from connectors.memory.mailbox import Kept
from connectors.model import Capabilities, Ref
from replicator.engine.reading import Sink

ATTACHMENT = b"\r\n".join([b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg=="[:72]] * 90)
BODIES = (
    b"Subject: one\r\nMessage-ID: <1@x>\r\n\r\nfirst\r\n",
    b"Subject: one\r\nMessage-ID: <1@x>\r\n\r\nFIRST\r\n",
    b"Subject: one\r\nMessage-ID: <1@x>\r\n\r\nfirst and more\r\n",
    b"Subject: two\r\n\r\nsecond\r\n",
    b"no header at all",
    b"",
    b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + ATTACHMENT + b"\r\n",
    b"Subject: other\r\nContent-Transfer-Encoding: base64\r\n\r\n" + ATTACHMENT + b"\r\n",
)

Opener = Callable[[MemoryMailbox, Capabilities], MemorySource]


class RoughSource(MemorySource):
    """Estimates sizes where it does not promise them, as Exchange does: some are right by chance."""

    def size(self, message: Kept) -> int:
        size = super().size(message)
        return size if self.capabilities.exact_sizes else size // 32 * 32


HOP = b"X-MS-Exchange-CrossTenant-Id: "


class AnewSource(RoughSource):
    """Makes a message anew at each reading, with another value in a header that nobody compares."""

    def _message(self, ref: Ref) -> Kept | None:
        message = super()._message(ref)
        if message is None or not message.raw.startswith((b"Subject", b"Content")):
            return message
        readings = self._mailbox.__dict__.setdefault("readings", count())
        return replace(message, raw=HOP + b"%d\r\n" % next(readings) + message.raw)


def as_delivered(raw: bytes) -> bytes:
    return raw.partition(b"\r\n")[2] if raw.startswith(HOP) else raw


def open_memory(mailbox: MemoryMailbox, capabilities: Capabilities) -> MemorySource:
    """Small pages, answers out of order, large mail at 100 bytes: so that short histories have many of everything."""
    return RoughSource(mailbox, capabilities, page_changes=2, ahead=2, stream_over=100)


def in_one_thread(read: Callable[[Sink], None], sink: Sink) -> None:
    """Reads and keeps in turn: a crash then hits the same step each time."""
    read(sink)
