"""Reads a connector's settings from a table: the dataclass's fields are the keys, their types what is checked."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from connectors.errors import ReplicationError
from connectors.protocols import Secret
from replicator.config import values
from replicator.config.place import Place
from replicator.config.secretforms import read_secret
from replicator.config.values import INVALID, is_loopback


def read_settings(kind: type, table: Mapping[str, Any], place: Place) -> Any:
    """An instance of the dataclass `kind` from a table, every problem reported; INVALID if there is one."""
    before = len(place.problems.found)
    hints = get_type_hints(kind)
    own = {field.name: field for field in fields(kind)}
    place.refuse_unknown(table, own)
    given = {name: read(hints[name], table[name], place.at(name)) for name in own if name in table}
    for name, field in own.items():
        if name not in table and _is_required(field):
            place.problem(f'"{name}" is missing')
    if given.get("tls") == "off" and "host" in given and not is_loopback(given["host"]):
        place.at("tls").problem('"off" is for loopback addresses only: all would cross the network in clear')
    return _built(kind, given, place) if len(place.problems.found) == before else INVALID


def _built(kind: type, given: Mapping[str, Any], place: Place) -> Any:
    """The settings; what their own constructor refuses, a line each (ValueError, ConfigError), is a problem too.

    A line that begins with the name of a setting is said of that setting.
    """
    try:
        return kind(**given)
    except (ValueError, ReplicationError) as error:
        for line in str(error).splitlines() or [type(error).__name__]:
            name, _, rest = line.partition(" ")
            if name in given:
                place.at(name).problem(rest.removeprefix("= "))
            else:
                place.problem(line)
        return INVALID


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
    bool: values.read_flag,
    int: values.read_whole,
    float: values.read_number,
}
