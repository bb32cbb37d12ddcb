"""The bytes of a large message, which are read once, in order, while the fetch that yielded them stands still."""

from collections.abc import Callable, Iterator


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
