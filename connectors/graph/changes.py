"""One pass over a folder: a round of Graph's message delta, page by page.

What Graph's rows mean is not taken from them alone. "Removed" means "left this folder", and is looked up: with
immutable ids Graph never announces a message again that went to another folder and came back (microsoft-graph-docs
#21752). An update may name only what changed, and a page or a round may name a message twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from connectors.errors import CursorExpired, FolderGone, ProtocolError
from connectors.graph.answer import Document, as_object
from connectors.graph.client import Client
from connectors.graph.cursor import read_cursor, write_cursor
from connectors.graph.inventory import COUNT, count_messages, count_of
from connectors.graph.lookup import MANY, list_ids, look_up
from connectors.graph.rows import SELECT, distinct, is_removed, is_whole, seen, stands_in
from connectors.graph.translate import About, Asked
from connectors.model import Change, Cursor, Folder, Gone, Page, Ref, Seen

MOST = 1000
"""Changes in a page, should Graph give more rows than it was asked for."""

QUIET = 8
"""Empty pages in a row that are passed over; then one is given on, so that its link is kept."""

RECENT = 1 << 16
"""Rows of a round that are remembered, to give the same one only once."""

FEW = 20
"""So many messages that left are looked up one by one, in one batch."""


class Round:
    """One pass. `start` is the link that it begins with; `count` the folder's, if there was nothing to be told."""

    def __init__(self, client: Client, folder: Folder, since: Cursor | None) -> None:
        self._client = client
        self._folder = folder
        self._since = since
        self._name = f"folder {'/'.join(folder.path)} of {client.address}"
        self._given: dict[bytes, tuple[object, ...]] = {}
        self._first = client.links.url(f"{client.links.folder(folder.id)}/messages/delta?{SELECT}")
        self.count: int | None = None
        self.start = self._first if since is None else read_cursor(since, client.links)

    def pages(self) -> Iterator[Page]:
        """As `Source.changes` promises. If nothing changed and Graph gives the same link, the cursor is the same."""
        link, quiet, changed = self.start, 0, False
        while True:
            document = self._look() if link == self.start and self._since is not None else self._ask(link)
            changes = self._changes(document)
            following = self._client.links.following(document, link, self._name)
            last = not following
            newest = following or self._client.links.checked(document.get("@odata.deltaLink"), self._name)
            quiet = 0 if changes else quiet + 1
            changed = changed or bool(changes)
            self.count = None if changes else self.count
            if changes or last or quiet % QUIET == 0:
                same = self._since is not None and not changed and newest == self.start
                cursor = self._since if same and self._since else write_cursor(newest)
                yield from _cut(changes, write_cursor(link), Page((), cursor, last))
            if last:
                return
            link, self.count = newest, None

    def _look(self) -> Document:
        """A first page and, after it, the folder's count, in one request: most folders have not changed.

        What cannot be had so is asked for alone.
        """
        links, asked = self._client.links, Asked(About.FOLDER, self._name, resuming=True)
        if path := links.path(self.start):
            paths = [path, f"{links.folder(self._folder.id)}{COUNT}"]
            page, counted = self._client.batch(paths, asked, in_turn=True)
            if page.refusal is None:
                self.count = count_of(counted.document)
                return self._checked(page.document)
        return self._ask(self.start)

    def _checked(self, document: Document) -> Document:
        if not isinstance(document.get("value"), list):
            raise ProtocolError(f"{self._name}: Graph's answer has no rows", "report it")
        return document

    def _ask(self, link: str) -> Document:
        asked = Asked(About.FOLDER, self._name, resuming=link != self._first)
        try:
            document = self._client.get(link, asked)
        except FolderGone as error:
            if not asked.resuming:
                raise
            self._client.get(self._client.links.url(f"{self._client.links.folder(self._folder.id)}?$select=id"), asked)
            raise CursorExpired(error.message) from error  # only the link is gone
        return self._checked(document)

    def _changes(self, document: Document) -> list[Change]:
        """The page's rows as they are now, each message once, without what this round has given already."""
        rows = distinct([as_object(row) for row in document["value"]])
        plain = {name for name, told in rows.items() if _is_plain(told)}
        removed = [name for name, told in rows.items() if is_removed(told[-1])]
        unclear = [name for name, told in rows.items() if name not in plain and not is_removed(told[-1])]
        found = look_up(self._client, [*unclear, *self._still_there(removed)], self._name)
        every = (self._change(name, told, found.get(name), plain=name in plain) for name, told in rows.items())
        return [change for change in every if not self._is_given(change)]

    def _change(self, name: str, told: Sequence[Document], found: Document | None, *, plain: bool) -> Change:
        """A row that cannot be looked up stands as it was told: then the fetch of its message says what is wrong."""
        if plain or (found == {} and not is_removed(told[-1])):
            return seen({key: value for row in told for key, value in row.items()}, self._folder.id)
        if found and stands_in(found, self._folder.id):
            return seen(found, self._folder.id)
        return Gone(Ref(self._folder.id, name))

    def _still_there(self, removed: list[str]) -> list[str]:
        """Those of the removed that may be in the folder after all: few are looked up, of many the folder's ids are."""
        if len(removed) <= FEW or count_messages(self._client, self._folder) > MANY * len(removed):
            return removed
        wanted, here = set(removed), set[str]()
        for page in list_ids(self._client, self._folder.id, Asked(About.FOLDER, self._name)):
            here |= wanted.intersection(page)
        return sorted(here)

    def _is_given(self, change: Change) -> bool:
        """Whether the last that this round gave of the message is the very same; remembers what it gives."""
        digest = blake2b(change.ref.id.encode(), digest_size=16).digest()
        state = (change.version, change.flags) if isinstance(change, Seen) else ()
        if self._given.pop(digest, None) == state:
            self._given[digest] = state
            return True
        self._given[digest] = state
        if len(self._given) > RECENT:
            del self._given[next(iter(self._given))]
        return False


def _cut(changes: list[Change], before: Cursor, page: Page) -> Iterator[Page]:
    """The page with the changes; with too many, several pages. Who stops between them asks for all of them again."""
    while len(changes) > MOST:
        yield Page(tuple(changes[:MOST]), before, last=False)
        changes = changes[MOST:]
    yield replace(page, changes=tuple(changes))


def _is_plain(told: Sequence[Document]) -> bool:
    """Nothing has to be asked: told whole, and nothing else was told of the message on this page."""
    return is_whole(told[-1]) and not any(is_removed(row) for row in told) and all(row == told[-1] for row in told)
