"""Listing messages: windows of UIDs, and their rows as `Seen`.

    * 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE "24-Nov-2026 04:29:01 +0000" RFC822.SIZE 14 MODSEQ (5))

One regular expression reads that, another the order in which Cyrus gives the items; anything else is read as tokens.
Where the server has ids of content, they are asked for: EMAILID (RFC 8474), else Gmail's X-GM-MSGID.
"""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from connectors.errors import FolderRefused
from connectors.imap import tokens, translate, uids
from connectors.imap.folders import shown
from connectors.imap.selection import Parts, Selection
from connectors.imap.session import Command, Session
from connectors.model import Ref, Seen

LONG_AGO = datetime.fromtimestamp(0, UTC)
"""For a row without a date that can be read: a wrong date is better than a lost message."""

_ROW = re.compile(
    rb"\* \d+ FETCH \(UID (\d{1,10}) FLAGS \(([^()]*)\) INTERNALDATE \"([^\"]*)\" RFC822\.SIZE (\d{1,18})"
    rb"(?: EMAILID \(([\w-]+)\)| X-GM-MSGID (\d+))?(?: MODSEQ \((\d{1,19})\))?\)\r\n",
    re.I,
).fullmatch
_CYRUS_ROW = re.compile(
    rb"\* \d+ FETCH \(FLAGS \(([^()]*)\) UID (\d{1,10}) INTERNALDATE \"([^\"]*)\""
    rb"(?: MODSEQ \((\d{1,19})\))? RFC822\.SIZE (\d{1,18})(?: EMAILID \(([\w-]+)\))?\)\r\n",
    re.I,
).fullmatch
_IDENTITIES = (("OBJECTID", b"EMAILID"), ("X-GM-EXT-1", b"X-GM-MSGID"))
_DATE = re.compile(rb" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})").fullmatch
_MONTHS = {b"jan": 1, b"feb": 2, b"mar": 3, b"apr": 4, b"may": 5, b"jun": 6, b"jul": 7, b"aug": 8, b"sep": 9,
           b"oct": 10, b"nov": 11, b"dec": 12}  # fmt: skip
_SYSTEM = {name.lower(): name for name in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")}


@dataclass(slots=True)
class Row:
    """What is known of one message; later rows about it add to that and replace it."""

    flags: bytes | None = None
    date: bytes | None = None
    size: int = 0
    modseq: int = 0
    identity: bytes = b""


@dataclass(slots=True)
class Window:
    """A run of UIDs being listed. Rows may come in any order, more than once, and about messages not asked for."""

    wanted: "array[int]"
    command: Command
    rows: dict[int, Row] = field(default_factory=dict)

    def take(self, parts: Parts) -> None:
        """Any FETCH row without a body."""
        if match := _ROW(parts[0]):
            uid, flags, date, size, emailid, msgid, modseq = match.groups()
            self.rows[int(uid)] = Row(flags, date, int(size), int(modseq or 0), emailid or msgid or b"")
            return
        if match := _CYRUS_ROW(parts[0]):
            flags, uid, date, modseq, size, emailid = match.groups()
            self.rows[int(uid)] = Row(flags, date, int(size), int(modseq or 0), emailid or b"")
            return
        values = tokens.parse(parts)
        items = tokens.pairs(values[3]) if len(values) > 3 else {}
        if uid_number := tokens.number(items.get(b"UID")):  # without one it is about a message unknown here
            _merge(self.rows.setdefault(uid_number, Row()), items)

    def seen(self, selection: Selection) -> list[Seen]:
        """The messages that the server listed, ascending by UID. A row with flags alone is someone else's change."""
        asked = set(self.wanted)
        found = [uid for uid, row in self.rows.items() if uid in asked and row.date is not None]
        return [_seen(selection, uid, self.rows[uid]) for uid in sorted(found)]


def split(wanted: "array[int]", window: int) -> Iterator["array[int]"]:
    """Runs of at most `window` messages, whose sets fit into a command."""
    size = min(window, uids.SET_BYTES // (len(str(wanted[-1])) + 1)) if wanted else window
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]


def ask(session: Session, wanted: "array[int]", *, whole: bool) -> Window:
    """Sends the command that lists these UIDs, ascending. `whole`: they are all there are between first and last.

    In a folder to be wary of, no sizes: for them a server may open each message, and some die of one that it cannot.
    """
    more = identity_item(session.capabilities) + (b" MODSEQ" if session.condstore else b"")
    asked = b"%d:%d" % (wanted[0], wanted[-1]) if whole else uids.write_set(wanted)
    size = b"" if session.selection is not None and session.selection.name in session.wary else b" RFC822.SIZE"
    window = Window(wanted, Command(b"UID FETCH %b (UID FLAGS INTERNALDATE%b%b)" % (asked, size, more)))
    window.command.wants = {b"FETCH": window.take}
    session.send(window.command)
    return window


def identity_item(capabilities: frozenset[str]) -> bytes:
    """The item that gives a message's identity on this server, with a blank before it; empty if none does."""
    return next((b" " + item for capability, item in _IDENTITIES if capability in capabilities), b"")


def settle(session: Session, window: Window) -> None:
    """Waits for the answer. If the server refuses, the halves are asked for, and so on down to what it cannot list.

    That is left out: no row is made up, and the server's own count shows that one is missing.
    """
    session.wait(window.command)
    if window.command.status == "OK":
        return
    error = translate.refused(window.command.text, f"listing the messages of {_place(session)}")
    if not isinstance(error, FolderRefused):
        raise error
    middle = len(window.wanted) // 2
    for half in (window.wanted[:middle], window.wanted[middle:]) if middle else ():
        part = ask(session, half, whole=False)
        settle(session, part)
        window.rows.update(part.rows)
    if not window.rows and len(window.wanted) >= session.window:
        raise error


def _place(session: Session) -> str:
    return "a folder" if session.selection is None else shown(session.selection.name)


def _seen(selection: Selection, uid: int, row: Row) -> Seen:
    selection.note_size(uid, row.size)
    return Seen(
        Ref(selection.name, f"{selection.uidvalidity}:{uid}"),
        str(row.modseq) if row.modseq else "",
        read_flags(row.flags or b""),
        read_date(row.date or b""),
        row.size,
        row.identity.decode("latin-1"),
    )


def _merge(row: Row, items: dict[bytes, tokens.Value]) -> None:
    if b"FLAGS" in items:
        row.flags = b" ".join(tokens.words(items[b"FLAGS"]))
    if isinstance(date := items.get(b"INTERNALDATE"), bytes):
        row.date = date
    row.size = tokens.number(items.get(b"RFC822.SIZE")) or row.size
    row.modseq = tokens.number(items.get(b"MODSEQ")) or row.modseq
    row.identity = next(
        (found for item in (b"EMAILID", b"X-GM-MSGID") if (found := _one(items.get(item)))), row.identity
    )


def _one(value: tokens.Value) -> bytes:
    """An atom, also alone in parentheses."""
    if isinstance(value, list):
        return _one(value[0]) if len(value) == 1 else b""
    return value or b""


@lru_cache(4096)
def read_flags(text: bytes) -> frozenset[str]:
    """Flags and keywords without \\Recent, which belongs to sessions; system flags in the spelling of RFC 3501."""
    names = (_decode(word) for word in text.split())
    return frozenset(_SYSTEM.get(name.lower(), name) for name in names if name.lower() != "\\recent")


@lru_cache(4096)
def read_date(text: bytes) -> datetime:
    """An INTERNALDATE with its offset; LONG_AGO for what is none."""
    match = _DATE(text)
    try:
        if match is None:
            return LONG_AGO
        day, month, year, hour, minute, second, zone = match.groups()
        return datetime(
            int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), int(second), 0, _zone(zone)
        )
    except (KeyError, ValueError):
        return LONG_AGO


@lru_cache(256)
def _zone(text: bytes) -> timezone:
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-offset if text[:1] == b"-" else offset)


def _decode(word: bytes) -> str:
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("latin-1")
