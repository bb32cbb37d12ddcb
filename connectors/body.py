"""The bytes of a message: large ones, read once while the fetch that yielded them stands still; and header blocks."""

import re
from collections.abc import Callable, Iterator

HEAD_MAX = 64 << 10
_BLANK = re.compile(rb"\n\r?\n")


def header_block(raw: bytes) -> bytes:
    """The header block with its last line end and without the empty line behind it, at most 64 KiB of it."""
    if raw.startswith((b"\n", b"\r\n")):
        return b""
    found = _BLANK.search(raw, 0, HEAD_MAX)
    return raw[: found.start() + 1 if found else HEAD_MAX]


class Body:
    """A `Message.raw` that notices misuse: what is read after its fetch went on would be cut short in silence.

    `expire` is called by the fetch when it goes on; it also ends the reading, so that files and sockets are let go.
    """

    def __init__(self, chunks: Iterator[bytes], end: Callable[[], None] | None = None) -> None:
        self._chunks = chunks
        self._end = end
        self._expired = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._expired:
            raise RuntimeError("a message's body was read after its fetch had gone on")
        return next(self._chunks)

    def expire(self) -> None:
        """No more reading. More than once does no harm."""
        ended, self._expired = self._expired, True
        if self._end is not None and not ended:
            self._end()
