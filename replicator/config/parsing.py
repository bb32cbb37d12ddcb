"""Reads a configuration file into values. Every problem is reported at once, with its key and line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.amount import read_amount
from connectors.errors import ConfigError, KeyRefused
from connectors.protocols import Connector
from replicator.advice import advice_on
from replicator.config.mailboxes import Described, read_mailboxes
from replicator.config.model import COMPARE, REREAD, Config, KeyFile, MailstoreSettings, Passphrase, SourceSettings
from replicator.config.place import Place
from replicator.config.problems import Lines, Problems, suggestion
from replicator.config.secretforms import read_secret, refuse_literals
from replicator.config.settings import read_settings
from replicator.config.values import INVALID, others_can_read, read_duration, read_path

_POSITION = re.compile(r"\s*\(at line (\d+), column \d+\)$")


def load_config(file: Path, connectors: Mapping[str, Connector], *, passwords: bool = True) -> Config:
    """The configuration in this file. Raises ConfigError, whose message lists all that is wrong.

    Without `passwords` it does not matter who can read the files of the mailboxes' secrets.
    """
    problems = Problems(passwords)
    text = _text(file)
    table = _parsed(file, text, problems)
    place = Place(file, problems, Lines(text).line)
    place.refuse_unknown(table, ("mailstore", "source", "mailbox", "mailboxes"))
    mailstore = _mailstore(table, place.at("mailstore"))
    sources = _sources(table, place.at("source"), connectors)
    mailboxes = read_mailboxes(table, place, {name: _described(*source) for name, source in sources.items()})
    problems.raise_if_any()
    return Config(
        file,
        mailstore,
        {name: settings for name, (_, settings) in sources.items()},
        {mailbox.id: mailbox for mailbox in mailboxes},
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        absent = "name another with --config, or write one: docs/operations.md begins with an example"
        advice = absent if isinstance(error, FileNotFoundError) else advice_on(error)
        raise ConfigError(f"the configuration {file} cannot be read: {error.strerror}", advice) from error
    except UnicodeDecodeError as error:
        what = f"the configuration {file} is not UTF-8 text (byte {error.start})"
        raise ConfigError(what, "save it as UTF-8") from None


def _parsed(file: Path, text: str, problems: Problems) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _POSITION.search(str(error))
        problems.add(file, int(place.group(1)) if place else 0, f"not TOML: {_POSITION.sub('', str(error))}")
        problems.raise_if_any()
        raise


def _mailstore(table: Mapping[str, Any], place: Place) -> Any:
    if "mailstore" not in table:
        place.problem('the table [mailstore] is missing; it has "path" and "key"')
        return INVALID
    mailstore = table["mailstore"]
    if not place.is_table(mailstore):
        return INVALID
    place.refuse_unknown(mailstore, ("path", "key", "reread", "compare"))
    for name in ("path", "key"):
        if name not in mailstore:
            place.problem(f'"{name}" is missing')
    path: Any = read_path(mailstore["path"], place.at("path")) if "path" in mailstore else INVALID
    key: Any = _key(mailstore["key"], place.at("key")) if "key" in mailstore else INVALID
    reread: Any = _amount(mailstore["reread"], place.at("reread")) if "reread" in mailstore else REREAD
    compare: Any = read_duration(mailstore["compare"], place.at("compare")) if "compare" in mailstore else COMPARE
    settings = (path, key, reread, compare)
    return INVALID if INVALID in settings else MailstoreSettings(*settings)


def _amount(value: Any, place: Place) -> Any:
    """Bytes, as a text that says in what."""
    try:
        return read_amount(value)
    except (ValueError, AttributeError):
        place.problem('an amount of bytes is needed here, such as "64 MB"')
        return INVALID


def _key(value: Any, place: Place) -> Any:
    match value:
        case {"file": file, **rest} if not rest:
            path = read_path(file, place.at("file"))
            return INVALID if path is INVALID or others_can_read(path, place.at("file")) else KeyFile(path)
        case {"passphrase": secret, **rest} if not rest:
            found = read_secret(secret, place.at("passphrase"), KeyRefused)
            return INVALID if found is INVALID else Passphrase(found)
        case dict() if set(value) - {"file", "passphrase"}:
            place.refuse_unknown(value, ("file", "passphrase"))
        case _:
            place.problem("a key is { file = } or { passphrase = { env = } }, never written here")
    return INVALID


def _sources(
    table: Mapping[str, Any], place: Place, connectors: Mapping[str, Connector]
) -> dict[str, tuple[Connector | None, Any]]:
    """Each connector and settings: where the settings have problems, mailboxes can still be checked."""
    found: dict[str, tuple[Connector | None, Any]] = {}
    tables = table.get("source", {})
    for name, source in tables.items() if place.is_table(tables) else ():
        where = place.at(name)
        connector = _connector(source, where, connectors) if where.is_table(source) else None
        if connector is None:
            refuse_literals(source, where)
        settings = INVALID if connector is None else _settings(name, source, where, connector)
        found[name] = (connector, settings)
    return found


def _described(connector: Connector | None, source: Any) -> Described:
    return Described(connector, INVALID if source is INVALID else source.settings)


def _connector(table: dict[str, Any], place: Place, connectors: Mapping[str, Connector]) -> Connector | None:
    name = table.get("connector", "")
    if isinstance(name, str) and name in connectors:
        return connectors[name]
    if name == "":
        place.problem(f'"connector" is missing{suggestion("", connectors)}')
    else:
        place.at("connector").problem(f"there is no connector {name!r}{suggestion(str(name), connectors)}")
    return None


def _settings(name: str, table: dict[str, Any], place: Place, connector: Connector) -> Any:
    own = {key: value for key, value in table.items() if key != "connector"}
    settings = read_settings(connector.source_settings, own, place)
    return INVALID if settings is INVALID else SourceSettings(name, table["connector"], settings)
