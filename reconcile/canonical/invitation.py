"""What a calendar part says (RFC 5545, 5546). Exchange writes it anew from its properties, so no text is compared.

`identity` tells which event and which edition of it: UID, RECURRENCE-ID, SEQUENCE, METHOD. `detail` is what people act
on: when, where, what. Times are instants where their zone is known.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from reconcile.canonical.prose import prose, spaced

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"^([A-Za-z-]{1,40})((?:;[^:\"\n]*(?:\"[^\"\n]*\"[^:\"\n]*)*)?):(.*)$", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")
_ANSWER = re.compile(r";PARTSTAT=\"?([A-Za-z-]{1,40})", re.IGNORECASE)
_LOCAL = re.compile(r"[0-9]{8}T[0-9]{6}")
_ZONE = re.compile(r";TZID=\"?([^\";:]{1,80})", re.IGNORECASE)
_IDENTITY = ("UID", "RECURRENCE-ID", "SEQUENCE")
_TIMES = ("RECURRENCE-ID", "DTSTART", "DTEND", "DUE", "EXDATE", "RDATE")
_DETAIL = (
    "DTSTART",
    "DTEND",
    "DURATION",
    "DUE",
    "RRULE",
    "EXDATE",
    "RDATE",
    "SUMMARY",
    "LOCATION",
    "STATUS",
    "ATTENDEE",
)
_COUNTED = frozenset({*_IDENTITY, *_DETAIL})
_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM"})


@dataclass(frozen=True, slots=True)
class Invitation:
    """SHA-256 digests, to be compared."""

    identity: bytes
    detail: bytes


def read_invitation(text: str, method: str) -> Invitation:
    """Of the decoded part; `method` is what its Content-Type says."""
    events: list[tuple[str, str]] = []
    identity: list[str] = []
    detail: list[str] = []
    around = inside = ""
    for label, parameters, text_value in _properties(text):
        name, value = label.upper(), text_value.strip()
        if name == "BEGIN" and value.upper() in _COMPONENTS:
            around, inside = inside, value.upper()
            if inside != "VALARM" and (identity or detail):
                events.append(_event(identity, detail))
                identity, detail = [], []
        elif name == "END" and value and value.upper() in (inside, around):  # an alarm may be left open
            around, inside = "", around if value.upper() == inside else ""
        elif name == "METHOD":
            method = value.upper()
        elif inside and inside != "VALARM" and name in _COUNTED:  # an alarm is the reader's own
            entry = f"{name}:{_value(name, parameters, value)}"
            if name in _IDENTITY and entry != "SEQUENCE:0":  # which is what its absence means
                identity.append(entry)
            if name in _DETAIL:
                detail.append(entry)
    # What has no event is no calendar, whatever it says it is.
    events.append(_event(identity, detail) if events or identity or detail else (spaced(text), ""))
    events.sort()
    return Invitation(
        _digest([f"METHOD:{method}", *(one for one, _ in events if one)]), _digest([each for _, each in events])
    )


def _properties(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, parameters and value of each line."""
    for line in _LINE.finditer(_FOLD.sub("", text.replace("\r\n", "\n"))):
        yield line[1], line[2], line[3]


def _event(identity: list[str], detail: list[str]) -> tuple[str, str]:
    return "\n".join(sorted(identity)), "\n".join(sorted(detail))


def _value(name: str, parameters: str, value: str) -> str:
    if name in _TIMES:
        zone = _ZONE.search(parameters)
        return ",".join(_instant(time.strip(), zone[1] if zone else "") for time in value.split(","))
    if name == "ATTENDEE":
        answer = _ANSWER.search(parameters)
        return f"{value.lower()} {answer[1].upper() if answer else 'NEEDS-ACTION'}"
    if name == "DURATION":
        return value.upper()
    if name == "RRULE":
        return ";".join(sorted(value.upper().split(";")))
    # Escapes are optional for some writers; white space is folded.
    return spaced(prose(_ESCAPE.sub(lambda pair: " " if pair[1] in "nN" else pair[1], value))).replace(" ", "")


def _instant(time: str, zone: str) -> str:
    """In UTC where that can be known; else as it stands, with its zone."""
    if not zone or time[-1:] in "Zz" or "T" not in time:  # a date has no zone
        return time.upper()
    name = _zones().get(zone)
    try:
        if name and _LOCAL.fullmatch(time):
            local = datetime.fromisoformat(time).replace(tzinfo=ZoneInfo(name))
            return f"{local.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    except (ValueError, OverflowError):  # no such day, or one before the year 1
        pass
    return f"{time.upper()} {zone}"


@cache
def _zones() -> dict[str, str]:
    """The IANA name for each name of a zone: for that itself, and for the one that Windows has for it."""
    from tzlocal.windows_tz import win_tz  # noqa: PLC0415 - two hundred names that few messages need

    known = available_timezones()
    return {**{name: name for name in known}, **{windows: name for windows, name in win_tz.items() if name in known}}


def _digest(entries: Iterable[str]) -> bytes:
    sha256 = hashlib.sha256()
    for entry in entries:
        sha256.update(f"{len(entry)} {entry}\n".encode("utf-8", "surrogatepass"))
    return sha256.digest()
