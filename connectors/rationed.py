"""A Source around a Source that fetches no more once a ration is spent, and still tells what changed."""

from collections.abc import Callable, Iterable, Iterator

from connectors.errors import Throttled
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref, Seen
from connectors.protocols import Heading, Source, Wary


class Rationed:
    """`spent` says whether the ration is; `error` is raised by the fetch that wants more.

    A page that was given before may still be fetched to its end, so that it can be kept. Of later ones nothing is, so a
    pass in which nothing has to be fetched is a whole one, and one that wants more ends between two pages.
    """

    def __init__(self, source: Source, spent: Callable[[], bool], error: Callable[[], Throttled]) -> None:
        self._source = source
        self._spent = spent
        self._error = error
        self._granted: set[Ref] = set()

    @property
    def capabilities(self) -> Capabilities:
        """The source's own."""
        return self._source.capabilities

    def folders(self) -> Iterator[Folder]:
        """As the source says."""
        return self._source.folders()

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As the source says."""
        self._granted.clear()
        for page in self._source.changes(folder, since):
            if not self._spent():
                self._granted.update(change.ref for change in page.changes if isinstance(change, Seen))
            yield page

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says; Throttled in the place of whatever is not to be fetched, once the rest is answered."""
        refused: list[Ref] = []
        yield from self._source.fetch(self._allowed(refs, refused))
        if refused:
            raise self._error()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As the source says."""
        return self._source.inventory(folder)

    def count(self, folder: Folder) -> int:
        """As the source says."""
        return self._source.count(folder)

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says, if it can; none once the ration is spent."""
        if isinstance(self._source, Heading) and not self._spent():
            yield from self._source.headers(refs)

    def beware(self, folder: Folder) -> None:
        """Passed on to a source that can."""
        if isinstance(self._source, Wary):
            self._source.beware(folder)

    def close(self) -> None:
        """Ends the source's session."""
        self._source.close()

    def _allowed(self, refs: Iterable[Ref], refused: list[Ref]) -> Iterator[Ref]:
        for ref in refs:
            if ref not in self._granted and self._spent():
                refused.append(ref)
                return
            self._granted.discard(ref)
            yield ref
