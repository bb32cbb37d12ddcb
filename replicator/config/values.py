"""Readers of single values: one a type, and nothing about any connector.

Each takes the value and its place, and gives the value or, having reported the problem, INVALID.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from replicator.config.place import Place
from replicator.config.problems import suggestion
from replicator.privacy import others_have_access

INVALID: Final = object()
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)\s*([smhd])")


def read_choice(choices: tuple[str, ...], value: Any, place: Place) -> Any:
    """One of the choices."""
    if value in choices:
        return value
    near = suggestion(value, choices) if isinstance(value, str) else f" (known: {', '.join(choices)})"
    place.problem(f"{value!r} is not possible here{near}")
    return INVALID


def read_texts(value: Any, place: Place) -> Any:
    """A list of texts, as a tuple."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    place.problem('a list of texts is needed, such as ["a", "b"]')
    return INVALID


def read_text(value: Any, place: Place) -> Any:
    """A text of at least one character, none of them a control character."""
    if isinstance(value, str) and value and value.isprintable():
        return value
    place.problem("a text is needed here, not empty and without control characters")
    return INVALID


def read_path(value: Any, place: Place) -> Any:
    """A path, relative to the file it stands in."""
    text = read_text(value, place)
    return INVALID if text is INVALID else place.resolve(text)


def read_flag(value: Any, place: Place) -> Any:
    """True or false."""
    if isinstance(value, bool):
        return value
    place.problem("true or false is needed here")
    return INVALID


def read_whole(value: Any, place: Place) -> Any:
    """A whole number from 0 up."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    place.problem("a whole number is needed here, 0 or more")
    return INVALID


def read_number(value: Any, place: Place) -> Any:
    """A number from 0 up."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    place.problem("a number is needed here, 0 or more")
    return INVALID


def read_duration(value: Any, place: Place) -> Any:
    """`"90s"`, `"15m"`, `"2h"` or `"1d"`, in seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match and int(match.group(1)) > 0:
        return float(int(match.group(1)) * _UNITS[match.group(2)])
    place.problem('a duration is needed, such as "90s", "15m", "2h" or "1d"')
    return INVALID


def is_loopback(host: Any) -> bool:
    """Whether the host is this machine and no name server is asked."""
    if host == "localhost":
        return True
    try:
        return ip_address(str(host).strip("[]")).is_loopback
    except ValueError:
        return False


def others_can_read(path: Path, place: Place) -> bool:
    """Whether the file exists and others can read it, which is reported. A missing one is noticed when it is needed."""
    try:
        readable = others_have_access(path)
    except OSError:
        return False
    if readable:
        place.problem(f"others can read {path}; chmod 600 {path}")
    return readable
