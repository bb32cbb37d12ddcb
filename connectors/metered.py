"""A Source around a Source that counts the bytes of the messages it fetches."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connectors.body import Body
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Heading, Source, Wary


class Metered:
    """`bytes` have come so far; of a large body, what was read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.bytes = 0

    @property
    def capabilities(self) -> Capabilities:
        """The source's own."""
        return self._source.capabilities

    def folders(self) -> Iterator[Folder]:
        """As the source says."""
        return self._source.folders()

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As the source says."""
        return self._source.changes(folder, since)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says."""
        for answer in self._source.fetch(refs):
            if isinstance(answer, Failure):
                yield answer
            elif isinstance(answer.raw, tuple):
                self.bytes += sum(map(len, answer.raw))
                yield answer
            else:
                body = Body(self._counted(answer.raw))
                yield replace(answer, raw=body)
                body.expire()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As the source says."""
        return self._source.inventory(folder)

    def count(self, folder: Folder) -> int:
        """As the source says."""
        return self._source.count(folder)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says, if it can; they count too."""
        for ref, block in self._source.headers(refs) if isinstance(self._source, Heading) else ():
            self.bytes += len(block)
            yield ref, block

    def beware(self, folder: Folder) -> None:
        """Passed on to a source that can."""
        if isinstance(self._source, Wary):
            self._source.beware(folder)

    def close(self) -> None:
        """Ends the source's session."""
        self._source.close()

    def _counted(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in raw:
            self.bytes += len(chunk)
            yield chunk
