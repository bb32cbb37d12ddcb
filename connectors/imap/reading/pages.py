"""Listed rows into pages, each with the cursor that resumes after it.

The listing of the next window is asked for before the pages of this one are given, so that its answer is under way
while their bodies are fetched.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from connectors.errors import Disconnected
from connectors.imap.folders import shown
from connectors.imap.reading import listing
from connectors.imap.reading.blocks import Blocks
from connectors.imap.reading.examine import examine
from connectors.imap.reading.position import Position
from connectors.imap.selection import Selection
from connectors.imap.session import Session
from connectors.imap.translate import ADVICE
from connectors.model import Change, Cursor, Gone, Page, Seen

PAGE_BYTES = 16 << 20


@dataclass(slots=True)
class Pass:
    """A pass under way: where it will end, from which modseq it asked, and up to which UID its pages have come."""

    session: Session
    selection: Selection
    goal: Position
    base: int = 0
    after: int = 0

    def cursor(self) -> Cursor:
        """Resumes beyond the pages given so far."""
        return replace(self.goal, after=self.after, base=self.base).cursor()

    def end(self, changes: list[Change]) -> Page:
        """The last page."""
        return Page(tuple(changes), self.goal.cursor(), last=True)

    def windows(self, runs: Iterable["array[int]"], *, whole: bool) -> Iterator[tuple["array[int]", list[Seen], bool]]:
        """For each run of UIDs: the run, the rows of those that are still there, and whether another one follows."""
        waiting = iter(runs)
        run = next(waiting, None)
        window = listing.ask(self.session, run, whole=whole) if run else None
        while run and window:
            listing.settle(self.session, window)
            seen = window.seen(self.selection)
            following = next(waiting, None)
            if following:
                self._return_to_folder()
                window = listing.ask(self.session, following, whole=whole)
            yield run, seen, following is not None
            run = following

    def _return_to_folder(self) -> None:
        """Another folder may have been opened between two pages, or this one again."""
        current = self.session.selection
        if current is None or current.name != self.selection.name:
            current = examine(self.session, self.selection.name)
        if current.uidvalidity != self.selection.uidvalidity:
            text = f"folder {shown(self.selection.name)}: its messages were numbered anew in the middle of a pass"
            raise Disconnected(text, ADVICE[Disconnected])
        self.selection = current


def by_modseq(this: Pass, wanted: "array[int]", gone: Iterable[Gone] = (), *, whole: bool = False) -> Iterator[Page]:
    """The gone first, then the listed, ascending by UID: to resume, the gone are named again."""
    rest: list[Change] = []
    for change in gone:
        if len(rest) == this.session.window:
            yield Page(tuple(rest), this.cursor(), last=False)
            rest = []
        rest.append(change)
    for run, seen, more in this.windows(listing.split(wanted, this.session.window), whole=whole):
        *pieces, final = cut([*rest, *seen], this.session.window)
        rest = []
        for piece in pieces:
            this.after = _last_uid(piece, this.after)
            yield Page(tuple(piece), this.cursor(), last=False)
        this.after = run[-1]
        if not more:
            yield this.end(final)
            return
        if final:
            yield Page(tuple(final), this.cursor(), last=False)
    yield this.end(rest)


def by_blocks(this: Pass, wanted: "array[int]", known: Blocks | None) -> Iterator[Page]:
    """Only rows of blocks that are not as `known`; the goal gets the digests as they come; resumes between windows."""
    blocks = this.goal.blocks
    for run, seen, more in this.windows(_whole_blocks(wanted, blocks.width, this.session.window), whole=True):
        fresh, changed = Blocks(blocks.width), []
        for number, group in groupby(seen, key=lambda row: blocks.of(int(row.ref.native))):
            rows = list(group)
            fresh.add(number, rows)
            if known is None or not fresh.same(known, number):
                changed += rows
        *pieces, final = cut(changed, this.session.window)
        for piece in pieces:
            yield Page(tuple(piece), this.cursor(), last=False)
        blocks.update(fresh)
        this.after = run[-1]
        if more and final:
            yield Page(tuple(final), this.cursor(), last=False)
        elif not more:
            yield this.end(final)
    if not wanted:
        yield this.end([])


def cut(changes: Sequence[Change], most: int) -> list[list[Change]]:
    """Into pages: at most PAGE_BYTES or one larger message, at most `most` changes. At least one page, maybe empty."""
    pieces: list[list[Change]] = [[]]
    size = 0
    for change in changes:
        own = change.size if isinstance(change, Seen) else 0
        if len(pieces[-1]) >= most or (pieces[-1] and size + own > PAGE_BYTES):
            pieces.append([])
            size = 0
        pieces[-1].append(change)
        size += own
    return pieces


def _whole_blocks(wanted: "array[int]", width: int, window: int) -> Iterator["array[int]"]:
    """Runs of whole blocks, each run just large enough for a window."""
    run = array("I")
    for _, block in groupby(wanted, key=lambda uid: (uid - 1) // width):
        run.extend(block)
        if len(run) >= window:
            yield run
            run = array("I")
    if run:
        yield run


def _last_uid(piece: list[Change], otherwise: int) -> int:
    last = piece[-1] if piece else None
    return int(last.ref.native) if isinstance(last, Seen) else otherwise
