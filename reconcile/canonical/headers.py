"""What the header fields say, each in its canonical form: ids, instant, addresses, subject (RFC 5322)."""

import calendar
import hashlib
import re
from datetime import date
from email.utils import parsedate_tz
from typing import NamedTuple

from reconcile.canonical.prose import joined, prose, spaced

_ID = re.compile(r"<([^<>]{1,998})>")
_COMMENT = re.compile(r"\([^()]*\)")


def message_ids(value: str) -> list[str]:
    """The ids in a field, without brackets and white space, what follows the `@` in lower case.

    A field without brackets is one id as it stands.
    """
    found = _ID.findall(value) or [_COMMENT.sub("", value)[:998]]
    return [canonical for canonical in map(_canonical_id, found) if canonical]


def _canonical_id(text: str) -> str:
    left, at, right = "".join(text.split()).rpartition("@")
    return f"{left}{at}{right.lower()}" if at else right


_DATE = re.compile(
    r"\s*+(?:[A-Za-z]{3},\s*+)?(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d\d):(\d\d)(?::(\d\d))?\s+([+-])(\d\d)(\d\d)\b"
)
_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


def instant(value: str) -> int | None:
    """Seconds since the epoch, whatever the zone it is written in; None for what is no date (RFC 5322, 3.3, 4.3)."""
    match = _DATE.match(value)
    if match:
        day, name, year, hour, minute, second, sign, hours, minutes = match.groups()
    if match and (month := _MONTHS.get(name) or _MONTHS.get(name.title())):
        clock = (int(year), month, int(day), int(hour), int(minute), int(second or 0))
        return _seconds(clock, (int(hours) * 60 + int(minutes)) * (-60 if sign == "-" else 60))
    try:
        found = parsedate_tz(value[:200])
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return _seconds(found[:6], found[9] or 0) if found else None


def _seconds(clock: tuple[int, ...], offset: int) -> int | None:
    year, month, day, hour, minute, second = clock
    if not (1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 61 and abs(offset) < 26 * 3600):
        return None
    days = date(year, month, 1).toordinal() - _EPOCH + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second - offset


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_ANGLE = re.compile(r"<([^<>]*)>")
_ADDRESS = re.compile(
    r"(?<![^\s<>,;:()\[\]\"])(?:[^\s<>,;:()\[\]\"]+|\"[^\"]*\")@(?:\[[^\s\[\]]*\]|[^\s<>,;:()\[\]\"]+)"
)


def addresses(value: str) -> list[str]:
    """The addr-specs in their order, in lower case, without names, comments and groups."""
    text = _QUOTED.sub(_without_specials, value) if '"' in value else value
    found = []
    for item in text.replace(";", ",").split(","):
        angle = _ANGLE.search(item)
        spec = _ADDRESS.search(angle[1] if angle else _COMMENT.sub("", item) if "(" in item else item)
        if spec:
            found.append(spec[0].lower())
        elif angle and angle[1].strip():
            found.append("".join(angle[1].split()).lower())
    return found


def _without_specials(quoted: re.Match[str]) -> str:
    """A quoted local part without its quotes, which relays add; a display name may not look like an address."""
    is_local_part = quoted.string[quoted.end() : quoted.end() + 1] == "@"
    return _SPECIALS.sub("", quoted[0]) if is_local_part else " "


_SPECIALS = re.compile(r'[\s<>,;:()\[\]"\\]')


_REPLY = re.compile(
    r"(?:re|aw|sv|vs|antw|fwd?|wg|tr|rv|r|i|odp)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:\uff1a]", re.IGNORECASE
)
_TAG = re.compile(
    r"\[[^\[\]]{1,80}\]|\{[^{}]{1,80}\}|\*{2,}[^*]{1,80}\*{2,}|bug#\d{1,9}:|"
    r"[(<|]\s?(?:ext|external|external sender|external email)\s?[)>|]|"
    r"(?:ext|external|external email|external sender|spam|possible spam|suspected spam|junk)\s?:",
    re.IGNORECASE,
)
_EDITION = re.compile(
    r"\d\s*/\s*\d|\bv\s?\d|\bre-?(?:send|sent)|updat|correct|revis|amend|final|draft|cancel|recall|replac|new\b|\d{3}|copy",
    re.IGNORECASE,
)
"""What a person writes into a tag to tell one message from another. Such a tag is part of the subject."""


SUBJECT_MAX = 4000
"""Characters that are read; a longer subject is told apart by its digest."""


class Subject(NamedTuple):
    """`text` is the whole, `base` what is left without the `tags` of lists and gateways. Nothing has white space."""

    text: str
    base: str
    tags: frozenset[str]


def read_subject(value: str) -> Subject:
    """Of the decoded value. Reply markers stay: a reply is another message."""
    text = spaced(prose(value[:SUBJECT_MAX]))
    base, tags = _untagged(text)
    more = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest() if len(value) > SUBJECT_MAX else ""
    if not base:  # a subject that is nothing but a tag
        base, tags = text, []
    whole = joined(text) + more
    return Subject(whole, whole if base == text else joined(base) + more, frozenset(map(joined, tags)))


def _untagged(text: str) -> tuple[str, list[str]]:
    """Without tags before the subject proper, also between reply markers, and in brackets at its end; and the tags."""
    markers, rest, tags = "", text, []
    while True:
        rest = rest.lstrip()
        reply = _REPLY.match(rest)
        tag = _TAG.match(rest)
        if reply:
            markers += f"{reply[0].lower()} "
            rest = rest[reply.end() :]
        elif tag and not (tag[0][0] in "[{*" and _EDITION.search(tag[0])):
            tags.append(tag[0])
            rest = rest[tag.end() :]
        else:
            break
    tail = _TAIL.search(rest)
    if tail and tail.start() and not _EDITION.search(tail[0]):
        tags.append(tail[0])
        rest = rest[: tail.start()]
    return markers + rest, tags


_TAIL = re.compile(r"\s\[[^\[\]]{1,80}\]\s*$")
