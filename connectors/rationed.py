"""A Source around a Source that fetches no more once a ration is spent, and still tells what changed."""

from collections.abc import Callable, Iterable, Iterator

from connectors.around import Around
from connectors.errors import Throttled
from connectors.model import Cursor, Failure, Folder, Message, Page, Ref, Seen
from connectors.protocols import Source


class Rationed(Around):
    """`spent` says whether the ration is; `error` is raised by the fetch that wants more.

    A page that was given before may still be fetched to its end, so that it can be kept. Of later ones nothing is, so a
    pass in which nothing has to be fetched is a whole one, and one that wants more ends between two pages.
    """

    def __init__(self, source: Source, spent: Callable[[], bool], error: Callable[[], Throttled]) -> None:
        super().__init__(source)
        self._spent = spent
        self._error = error
        self._granted: set[Ref] = set()

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As the source says."""
        self._granted.clear()
        for page in super().changes(folder, since):
            if not self._spent():
                self._granted.update(change.ref for change in page.changes if isinstance(change, Seen))
            yield page

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As the source says; Throttled in the place of whatever is not to be fetched, once the rest is answered."""
        refused: list[Ref] = []
        yield from super().fetch(self._allowed(refs, refused))
        if refused:
            raise self._error()

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As the source says; none once the ration is spent."""
        return iter(()) if self._spent() else super().headers(refs)

    def _allowed(self, refs: Iterable[Ref], refused: list[Ref]) -> Iterator[Ref]:
        for ref in refs:
            if ref not in self._granted and self._spent():
                refused.append(ref)
                return
            self._granted.discard(ref)
            yield ref
