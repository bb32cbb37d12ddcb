"""The line that begins a message: `From SENDER DATE`, as many programs write it in as many ways."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DATE = re.compile(
    rf"\b(?:{'|'.join(DAYS)}) +({'|'.join(MONTHS)}) +(\d{{1,2}}) +(\d{{1,2}}):(\d\d)(?::(\d\d))?"
    r"(?: +(?:([+-]\d{4})|[A-Z]{1,5})(?: +DST)?)? +(\d{4})\b".encode()
)
UNDATED = re.compile(rb"From (?:-|MAILER-DAEMON|[^\s@]+@[^\s@]+)?[ \t]*\r?\n")
HEADER_DATE = re.compile(rb"^Date:[ \t]*([^\r\n]{1,100})", re.MULTILINE | re.IGNORECASE)
LONGEST = 1000
"""Bytes; a longer line is text."""

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""When a message came of which nothing says when."""


def is_dated(line: bytes) -> bool:
    """Whether it has a date, as no line of a text is likely to have: it begins a message wherever it stands."""
    return len(line) <= LONGEST and DATE.search(line) is not None


def is_undated(line: bytes) -> bool:
    """Whether it may begin a message if an empty line is before it: `From `, `From -`, `From ann@example.test`."""
    return len(line) <= LONGEST and UNDATED.fullmatch(line) is not None


def arrival(line: bytes, head: bytes) -> datetime:
    """When it came: as the line says, in UTC if it names no offset; else as the field Date says; else UNKNOWN."""
    if (match := DATE.search(line)) and (found := _read(match)):
        return found
    field = HEADER_DATE.search(head.partition(b"\n\n")[0])
    try:
        sent = parsedate_to_datetime(field[1].decode("latin-1")) if field else UNKNOWN
    except (ValueError, OverflowError):
        return UNKNOWN
    return in_utc(sent if sent.tzinfo else sent.replace(tzinfo=UTC))


def from_line(arrived_at: datetime, sender: str = "MAILER-DAEMON") -> bytes:
    """The line in the form of asctime(3), in UTC. By custom the sender of whom nothing is known has this name."""
    at = in_utc(arrived_at)
    clock = f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}"
    return f"From {sender} {DAYS[at.weekday()]} {MONTHS[at.month - 1]} {at.day:2d} {clock} {at.year:04d}\n".encode()


def in_utc(when: datetime) -> datetime:
    """The same moment; on the first and the last day of the calendar, of which UTC may not be on it, only nearly."""
    try:
        return when.astimezone(UTC)
    except OverflowError:
        return when.replace(tzinfo=UTC)


def _read(match: re.Match[bytes]) -> datetime | None:
    month, day, hour, minute, second, zone, year = match.groups(default=b"0")
    offset = int(zone[:3]) * 60 + int(zone[:1] + zone[3:]) if len(zone) == 5 else 0
    try:
        zoned = timezone(timedelta(minutes=offset))
        number = MONTHS.index(month.decode()) + 1
        return in_utc(datetime(int(year), number, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zoned))
    except ValueError:
        return None
