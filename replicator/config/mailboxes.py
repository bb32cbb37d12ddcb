"""Reads the mailboxes: `[[mailbox]]` tables, and the CSV file that `[mailboxes]` names for thousands of them.

A row of the CSV file becomes the table that one would have written by hand, and both go the same way from there.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeGuard, get_args, get_type_hints

from connectors.abilities import Exacting
from connectors.protocols import Connector, PrivateFile, Secret
from replicator.advice import advice_on
from replicator.config.model import MailboxSettings, SideSettings
from replicator.config.patterns import FolderRules, problem_of
from replicator.config.place import Place
from replicator.config.problems import suggestion
from replicator.config.secretforms import refuse_literals
from replicator.config.settings import read_settings, report_refusals
from replicator.config.values import INVALID, read_duration, read_path, read_text, read_texts

RESERVED = "unclaimed"
SIDES = ("primary", "standby")
_KEYS = ("id", "addresses", "rpo", *SIDES, "folders")
_SECRET_FORMS = ("env", "file", "keyring")


@dataclass(frozen=True, slots=True)
class Described:
    """A source as its table describes it: None and INVALID where that has problems."""

    connector: Connector | None
    settings: Any


Sources = Mapping[str, Described]


def read_mailboxes(table: Mapping[str, Any], place: Place, sources: Sources) -> list[MailboxSettings]:
    """All mailboxes without problems, from both places; ids and addresses are unique over both."""
    found: list[MailboxSettings] = []
    claimed: dict[str, str] = {}
    for mailbox_place, mailbox_table in (*_tables(table, place), *_rows(table, place, sources)):
        values = _values(mailbox_table, mailbox_place, sources)
        alone = _claims(values, mailbox_place, claimed)
        if alone and INVALID not in values.values() and "primary" in values:
            found.append(MailboxSettings(**values))
    return found


def _claims(values: Mapping[str, Any], place: Place, claimed: dict[str, str]) -> bool:
    """Whether the id and the addresses are this mailbox's alone: a copy in a journal has one owner."""
    before = len(place.problems.found)
    addresses = values["addresses"] if values["addresses"] is not INVALID else ()
    keys = {address.casefold(): "addresses" for address in addresses}
    if values["id"] is not INVALID:
        keys[values["id"].casefold()] = "id"
    owner = values["id"] if values["id"] is not INVALID else "without a name"
    for address, key in keys.items():
        if address in claimed:
            place.at(key).problem(f"{address} is claimed twice, first by the mailbox {claimed[address]}")
        claimed.setdefault(address, owner)
    return len(place.problems.found) == before


def _values(table: dict[str, Any], place: Place, sources: Sources) -> dict[str, Any]:
    """What MailboxSettings is made of, INVALID where there is a problem; nothing for a side that is missing."""
    place.refuse_unknown(table, _KEYS)
    for name in ("id", "primary"):
        if name not in table:
            place.problem(f'"{name}" is missing')
    known = {
        "id": _id(table["id"], place.at("id")) if "id" in table else INVALID,
        "addresses": read_texts(table.get("addresses", []), place.at("addresses")),
        "rpo": read_duration(table["rpo"], place.at("rpo")) if "rpo" in table else None,
        "folders": _folders(table.get("folders", {}), place.at("folders")),
        "standby": None,
    }
    for name in SIDES:
        if name in table:
            known[name] = _side(table[name], place.at(name), sources)
    return known


def _id(value: Any, place: Place) -> Any:
    text = read_text(value, place)
    if text is INVALID:
        return INVALID
    if not is_name(text):
        place.problem(f"{text!r} cannot be the name of a mailbox")
        return INVALID
    return text


def is_name(text: str) -> bool:
    """Whether a mailbox can be called that: printable, no option, and not what `list` keeps for itself."""
    return text.isprintable() and text not in ("", RESERVED) and not text.startswith("-")


def _folders(table: Any, place: Place) -> Any:
    if not place.is_table(table):
        return INVALID
    place.refuse_unknown(table, ("exclude", "include"))
    exclude, include = (_patterns(table.get(name, []), place.at(name)) for name in ("exclude", "include"))
    return INVALID if INVALID in (exclude, include) else FolderRules(exclude, include)


def _patterns(value: Any, place: Place) -> Any:
    patterns = read_texts(value, place)
    if patterns is INVALID:
        return INVALID
    wrong = [text for text in map(problem_of, patterns) if text]
    for text in wrong:
        place.problem(text)
    return INVALID if wrong else patterns


def _side(table: Any, place: Place, sources: Sources) -> Any:
    if not place.is_table(table):
        return INVALID
    name = str(table.get("source", ""))
    if "source" not in table:
        place.problem('"source" is missing')
    elif name not in sources:
        place.at("source").problem(f"there is no [source.{name}]{suggestion(name, sources)}")
    described = sources.get(name)
    if described is None or described.connector is None:  # what is wrong with the source was reported there
        refuse_literals(table, place)
        return INVALID
    own = {key: value for key, value in table.items() if key != "source"}
    settings = read_settings(described.connector.mailbox_settings, own, place)
    if INVALID in (settings, described.settings):
        return INVALID
    misfits = described.connector.misfits(described.settings, settings) if _is_exacting(described.connector) else []
    report_refusals(misfits, own, place)
    return INVALID if misfits else SideSettings(name, settings)


def _is_exacting(connector: Connector) -> TypeGuard[Exacting]:
    return isinstance(connector, Exacting)


Entry = tuple[Place, dict[str, Any]]


def _tables(table: Mapping[str, Any], place: Place) -> Iterator[Entry]:
    mailboxes = table.get("mailbox", [])
    if not isinstance(mailboxes, list):
        place.at("mailbox").problem("write [[mailbox]], in double brackets: there can be many")
        return
    for index, value in enumerate(mailboxes):
        where = place.at("mailbox", index)
        if where.is_table(value):
            yield where, value


def _rows(table: Mapping[str, Any], place: Place, sources: Sources) -> Iterator[Entry]:
    """The rows of the CSV file, if one is named, each as the table that it stands for."""
    if "mailboxes" not in table:
        return
    where = place.at("mailboxes")
    settings = table["mailboxes"]
    if not where.is_table(settings):
        return
    where.refuse_unknown(settings, ("file",))
    file = read_path(settings.get("file"), where.at("file"))
    if file is INVALID:
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            head = Place(file, place.problems, lambda _: 1)
            yield from _entries(csv.DictReader(stream, strict=True), head, sources)
    except OSError as error:
        where.at("file").problem(f"{file} cannot be read: {error.strerror}; {advice_on(error)}")
    except (UnicodeDecodeError, csv.Error) as error:
        where.at("file").problem(f"{file} cannot be read: {error}")


def _entries(reader: "csv.DictReader[str]", head: Place, sources: Sources) -> Iterator[Entry]:
    columns = _columns(sources)
    for name, times in Counter(reader.fieldnames or ()).items():
        if name not in columns:
            head.problem(f"unknown column {name!r}{suggestion(name, columns)}")
        elif times > 1:
            head.problem(f"the column {name!r} stands there twice")
    for row in reader:
        line = reader.line_num
        place = Place(head.file, head.problems, lambda _, line=line: line, joint="_")  # type: ignore[misc]
        if None in row or None in row.values():
            place.problem("the row has not as many cells as the first line has columns")
        else:
            yield place, _nested({columns[name]: cell for name, cell in row.items() if cell and name in columns})


def _columns(sources: Sources) -> dict[str, tuple[str, ...]]:
    """Every column that the connectors in use give a meaning, with the key path it stands for."""
    kinds = [source.connector.mailbox_settings for source in sources.values() if source.connector]
    used = {id(kind): kind for kind in kinds}
    columns: dict[str, tuple[str, ...]] = {name: (name,) for name in ("id", "addresses", "rpo")}
    for side in SIDES:
        columns[f"{side}_source"] = (side, "source")
        for settings in used.values():
            hints = get_type_hints(settings)
            for field in fields(settings):
                columns[f"{side}_{field.name}"] = (side, field.name)
                if PrivateFile in (hints[field.name], *get_args(hints[field.name])):
                    columns[f"{side}_{field.name}_file"] = (*columns.pop(f"{side}_{field.name}"), "file")
                if hints[field.name] == Secret or Secret in get_args(hints[field.name]):
                    columns.pop(f"{side}_{field.name}")
                    columns |= {f"{side}_{field.name}_{form}": (side, field.name, form) for form in _SECRET_FORMS}
    return columns


def _nested(cells: Mapping[tuple[str, ...], str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for path, cell in cells.items():
        inner = table
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = cell.replace(";", " ").split() if path == ("addresses",) else cell
    return table
