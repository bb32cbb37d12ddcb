"""What wrappers have in common: a Source around a Source, and the bytes of its answers as they are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from connectors.body import Body
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref
from connectors.protocols import Heading, Source, Wary


class Around:
    """Passes everything on. A wrapper overrides what it is there for."""

    def __init__(self, source: Source) -> None:
        self._source = source

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
        return self._source.fetch(refs)

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As the source says."""
        return self._source.inventory(folder)

    def count(self, folder: Folder) -> int:
        """As the source says."""
        return self._source.count(folder)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says, if it can; else of none."""
        return self._source.headers(refs) if isinstance(self._source, Heading) else iter(())

    def beware(self, folder: Folder) -> None:
        """Passed on to a source that can."""
        if isinstance(self._source, Wary):
            self._source.beware(folder)

    def close(self) -> None:
        """Ends the source's session."""
        self._source.close()


def weighed(answers: Iterable[Message | Failure], take: Callable[[int], None]) -> Iterator[Message | Failure]:
    """The answers. `take` is told of their bytes: of a large body chunk by chunk, as it is read, before each chunk."""
    for answer in answers:
        if isinstance(answer, Failure):
            yield answer
        elif isinstance(answer.raw, tuple):
            take(sum(map(len, answer.raw)))
            yield answer
        else:
            body = Body(_chunks(answer.raw, take))
            yield replace(answer, raw=body)
            body.expire()


def _chunks(raw: Iterable[bytes], take: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in raw:
        take(len(chunk))
        yield chunk
