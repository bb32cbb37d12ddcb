"""Two books: what was truly done to a folder, and what a reader holds who believes the contract. They must agree."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from connectors.model import Cursor, Folder, Gone, Message, Page, Ref, Seen
from connectors.protocols import Source
from connectors.testing.corpus import plain
from connectors.testing.driver import Driver, Path

PAGE_BYTES = 16 << 20
PAGE_CHANGES = 2000
ARRIVAL = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)
SEEN = frozenset({"\\Seen"})
NO_FLAGS: frozenset[str] = frozenset()


class Truth:
    """Posts mail to one folder and remembers it, by the number that is in each subject."""

    def __init__(self, driver: Driver, path: Path) -> None:
        self._driver = driver
        self._numbers = count(1)
        self.path = path
        self.names: dict[int, str] = {}
        self.flags: dict[int, frozenset[str]] = {}

    def post(self, messages: int = 1) -> list[int]:
        """So many new messages; their numbers."""
        return [self._post() for _ in range(messages)]

    def flag(self, number: int, flags: frozenset[str] = SEEN) -> None:
        """Replaces the flags."""
        self._driver.set_flags(self.path, self.names[number], flags)
        self.flags[number] = flags

    def drop(self, number: int) -> None:
        """Takes the message out."""
        self._driver.expunge(self.path, self.names.pop(number))
        del self.flags[number]

    def _post(self) -> int:
        number = next(self._numbers)
        arrived_at = ARRIVAL + timedelta(seconds=number)
        self.names[number] = self._driver.append(self.path, plain(number), NO_FLAGS, arrived_at)
        self.flags[number] = NO_FLAGS
        return number


class Copy:
    """What a reader holds of a folder after the pages that it took."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.rows: dict[Ref, Seen] = {}
        self.cursor: Cursor | None = None

    def take(self, *pages: Page) -> None:
        """Keeps the pages and, with them, their cursor."""
        for page in pages:
            for change in page.changes:
                if isinstance(change, Gone):
                    self.rows.pop(change.ref, None)
                else:
                    self.rows[change.ref] = change
            self.cursor = page.cursor

    def catch_up(self, source: Source) -> None:
        """One pass from where this copy stands, to its end."""
        self.take(*checked(source.changes(self.folder, self.cursor)))

    def prune(self, source: Source) -> None:
        """Drops what is not there any more, where the source does not say so by itself."""
        if not source.capabilities.reports_removals:
            there = set(source.inventory(self.folder))
            self.rows = {ref: seen for ref, seen in self.rows.items() if ref in there}


def checked(pages: Iterator[Page]) -> Iterator[Page]:
    """The pages, once each has kept what is promised of all: one at least, only the last is `last`, none too large."""
    last = False
    for page in pages:
        assert not last, "a page came after the last one"
        last = page.last
        sizes = [change.size for change in page.changes if isinstance(change, Seen)]
        assert sum(sizes[:-1]) < PAGE_BYTES, "a page went on after 16 MB"
        assert len(page.changes) <= PAGE_CHANGES, "a page of more than a thousand-odd changes"
        yield page
    assert last, "the pass ended without a page marked as its last"


def find_folder(source: Source, path: Path) -> Folder:
    """The folder of that path."""
    found = [folder for folder in source.folders() if folder.path == path]
    assert len(found) == 1, f"folder {path} is listed {len(found)} times"
    return found[0]


def present(source: Source, folder: Folder) -> list[Ref]:
    """What an inventory names, each once: a source that reconnects in the middle may begin it anew."""
    return list(dict.fromkeys(source.inventory(folder)))


def numbered(source: Source, refs: Iterable[Ref]) -> dict[int, Ref]:
    """The refs by the number in their message's subject."""
    found: dict[int, Ref] = {}
    for answer in source.fetch(refs):
        assert isinstance(answer, Message), f"{answer} instead of a message"
        found[number_of(b"".join(answer.raw))] = answer.ref
    return found


def number_of(raw: bytes) -> int:
    """The number in the subject."""
    match = re.search(rb"Subject: conformance (\d+)", raw)
    assert match, f"not a message of this suite: {raw[:200]!r}"
    return int(match[1])


def flags_of(flags: frozenset[str]) -> frozenset[str]:
    """Without \\Recent, which belongs to a session and not to a message (RFC 3501 2.3.2)."""
    return flags - {"\\Recent"}


def assert_agree(source: Source, copy: Copy, truth: Truth) -> None:
    """The copy has each message that is there, no other, with its flags."""
    found = numbered(source, list(copy.rows))
    assert sorted(found) == sorted(truth.flags), "the copy does not hold the messages that are there"
    if source.capabilities.reports_flags:
        assert {number: flags_of(copy.rows[ref].flags) for number, ref in found.items()} == truth.flags
