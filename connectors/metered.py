"""A Source around a Source that counts the bytes of the messages it fetches."""

from collections.abc import Iterable, Iterator

from connectors.around import Around, weighed
from connectors.model import Failure, Message, Ref
from connectors.protocols import Source


class Metered(Around):
    """`bytes` have come so far; of a large body, what was read."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.bytes = 0

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says."""
        return weighed(super().fetch(refs), self._count)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says; they count too."""
        for ref, block in super().headers(refs):
            self._count(len(block))
            yield ref, block

    def _count(self, size: int) -> None:
        self.bytes += size
