"""One pass over a folder: what is new, changed or gone since a cursor, in pages.

Which way depends on what the cursor knows and on what the server offers:

    the cursor holds     the server has   listed are                            removals
    a mod-sequence       QRESYNC          rows changed since, by EXAMINE        VANISHED (EARLIER)
    a mod-sequence       CONDSTORE        rows changed since, by CHANGEDSINCE   not reported
    digests              anything         blocks whose digest differs           not reported
    nothing, or a full   anything         all that SEARCH finds, beyond the     not reported
    pass under way                        last one listed

Where removals are promised (QRESYNC) but a folder has no mod-sequence, a difference raises CursorExpired.
Whatever happens after the EXAMINE that began the pass is the next pass's: its cursor is as of that EXAMINE.
"""

from bisect import bisect_right
from collections.abc import Iterator

from connectors.errors import CursorExpired
from connectors.imap import uids
from connectors.imap.reading import pages, position
from connectors.imap.reading.blocks import Blocks, fitting_width
from connectors.imap.reading.examine import examine
from connectors.imap.reading.inventory import changed_since, search
from connectors.imap.reading.pages import Pass
from connectors.imap.reading.position import Position
from connectors.imap.selection import Selection
from connectors.imap.session import Session
from connectors.model import Cursor, Gone, Page, Ref


def changes(session: Session, name: str, since: Cursor | None) -> Iterator[Page]:
    """As `Source.changes` promises."""
    start = None if since is None else position.parse(since)
    base = 0 if start is None else start.modseq if start.after is None else start.base
    resync = (start.uidvalidity, base) if start and base and session.qresync else None
    selection = examine(session, name, resync)
    if start is not None:
        _check(session, selection, start)
    if start is None or (start.after is not None and not base):
        yield from _full(session, selection, start)
    elif base and selection.modseq:
        yield from _delta(session, selection, start, base)
    else:
        yield from _difference(session, selection, start)


def _check(session: Session, selection: Selection, start: Position) -> None:
    """Raises CursorExpired unless the cursor belongs to this numbering and history."""
    if selection.uidvalidity != start.uidvalidity:
        raise CursorExpired(
            f"{selection.name}: UIDVALIDITY changed from {start.uidvalidity} to {selection.uidvalidity}"
        )
    if 0 < selection.uidnext < start.uidnext:  # set back to an older state: UIDs were given out twice
        raise CursorExpired(f"{selection.name}: the server's next UID went back to {selection.uidnext}")
    if 0 < selection.modseq < max(start.modseq, start.base):
        raise CursorExpired(f"{selection.name}: the server's mod-sequence went back to {selection.modseq}")
    if session.qresync and start.modseq and not selection.modseq:
        raise CursorExpired(f"{selection.name}: the server no longer keeps mod-sequences")


def _full(session: Session, selection: Selection, start: Position | None) -> Iterator[Page]:
    wanted = search(session, selection.name, highest=selection.highest)
    goal = _goal(selection, Blocks(fitting_width(wanted, session.window))) if start is None else start.complete()
    after = 0 if start is None or start.after is None else start.after
    wanted = wanted[bisect_right(wanted, after) :]
    this = Pass(session, selection, goal, after=after)
    return pages.by_modseq(this, wanted, whole=True) if goal.modseq else pages.by_blocks(this, wanted, None)


def _delta(session: Session, selection: Selection, start: Position, base: int) -> Iterator[Page]:
    goal = _goal(selection) if start.after is None else start.complete()
    after = start.after or 0
    if session.qresync:
        if selection.nameless:
            raise CursorExpired(f"{selection.name}: the server said that a message changed, and not which")
        changed = uids.ordered(selection.changed)
    else:
        changed = changed_since(session, selection, base, start.uidnext if start.after is None else 0)
    this = Pass(session, selection, goal, base=base, after=after)
    return pages.by_modseq(this, changed[bisect_right(changed, after) :], _gone(selection))


def _difference(session: Session, selection: Selection, start: Position) -> Iterator[Page]:
    wanted = search(session, selection.name, highest=selection.highest)
    goal = _goal(selection, Blocks(fitting_width(wanted, start.blocks.width)))
    found = pages.by_blocks(Pass(session, selection, goal), wanted, start.blocks)
    if not session.qresync:
        yield from found
        return
    if any(page.changes for page in found) or goal.blocks != start.blocks:
        raise CursorExpired(f"{selection.name}: something changed, and the server cannot say whether anything left")
    yield Page((), goal.cursor(), last=True)


def _goal(selection: Selection, blocks: Blocks | None = None) -> Position:
    """Where a pass that begins now will end."""
    return Position(selection.uidvalidity, selection.uidnext, selection.modseq, blocks or Blocks())


def _gone(selection: Selection) -> Iterator[Gone]:
    """Those that left; also some that never were here, since servers may name whole ranges (RFC 7162 3.2.10)."""
    for text in selection.vanished:
        for first, last in uids.read_ranges(text, selection.highest):
            for uid in range(first, last + 1):
                yield Gone(Ref(selection.name, f"{selection.uidvalidity}:{uid}"))
