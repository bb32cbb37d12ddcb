"""Reads a connector's settings from a table: the dataclass's fields are the keys, their types what is checked."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from connectors.errors import ReplicationError
from connectors.protocols import PrivateFile, Secret
from replicator.config import values
from replicator.config.place import Place
from replicator.config.secretforms import read_private_file, read_secret
from replicator.config.values import INVALID, is_loopback


def read_settings(kind: type, table: Mapping[str, Any], place: Place) -> Any:
    """An instance of the dataclass `kind` from a table, every problem reported; INVALID if there is one."""
    before = len(place.problems.found)
    hints = get_type_hints(kind)
    own = {field.name: field for field in fields(kind) if field.init}
    place.refuse_unknown(table, own)
    faulty = {word for name in table if name not in own for word in (name, *difflib.get_close_matches(name, own, n=1))}
    given = {name: read(hints[name], table[name], place.at(name)) for name in own if name in table}
    for name, field in own.items():
        if name not in table and _is_required(field):
            place.problem(f'"{name}" is missing')
            faulty.add(name)
    if given.get("tls") == "off" and "host" in given and not is_loopback(given["host"]):
        place.at("tls").problem('"off" is for loopback addresses only: all would cross the network in clear')
        faulty.add("tls")
    faulty |= {name for name, value in given.items() if value is INVALID}
    if any(_is_required(own[name]) for name in faulty if name in own):
        return INVALID
    settings = _built(kind, given, faulty, place)
    return settings if len(place.problems.found) == before else INVALID


def _built(kind: type, given: Mapping[str, Any], faulty: set[str], place: Place) -> Any:
    """The settings; what their own constructor refuses, a line each (ValueError, ConfigError), is a problem too.

    A line that begins with the name of a setting is said of that setting. Where some are `faulty` already, what
    follows from the others is found all the same; a line that names a faulty one may follow from its fault.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not INVALID})
    except (ValueError, ReplicationError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        words = {word.casefold() for word in faulty}
        fresh = [line for line in lines if words.isdisjoint(re.findall(r"\w+", line.casefold()))]
        report_refusals(fresh, given, place)
        return INVALID


def report_refusals(lines: Iterable[str], given: Mapping[str, Any], place: Place) -> None:
    """What a connector says of its settings, a problem a line; one that begins with a setting is said of that one."""
    for line in lines:
        name, _, rest = line.partition(" ")
        if name in given:
            place.at(name).problem(rest.removeprefix("= "))
        else:
            place.problem(line)


def _is_required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def read(hint: Any, value: Any, place: Place) -> Any:
    """The value as the type `hint`, or INVALID."""
    if hint == Secret:
        return read_secret(value, place)
    if get_origin(hint) in (Union, UnionType):
        return read(next(part for part in get_args(hint) if part is not NoneType), value, place)
    if get_origin(hint) is Literal:
        return values.read_choice(get_args(hint), value, place)
    if get_origin(hint) is tuple:
        return values.read_texts(value, place)
    if isinstance(hint, type) and issubclass(hint, Enum):
        found = values.read_choice(tuple(member.value for member in hint), value, place)
        return found if found is INVALID else hint(found)
    return _SIMPLE[hint](value, place)


_SIMPLE: dict[Any, Callable[[Any, Place], Any]] = {
    str: values.read_text,
    Path: values.read_path,
    PrivateFile: read_private_file,
    bool: values.read_flag,
    int: values.read_whole,
    float: values.read_number,
}
