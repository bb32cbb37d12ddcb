"""Reads a secret in one of its four forms. A literal one is refused, and never repeated in the message."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from connectors.errors import KeyRefused, LoginRefused, ReplicationError
from connectors.protocols import PrivateFile
from replicator.config.place import Place
from replicator.config.problems import suggestion
from replicator.config.secrets import CommandSecret, EnvironmentSecret, FileSecret, KeyringSecret
from replicator.config.values import INVALID, others_can_read, read_path, read_text, read_texts

_USUAL = ("password", "proxy_password", "token", "secret", "client_secret", "passphrase")


def read_secret(value: Any, place: Place, failure: type[ReplicationError] = LoginRefused) -> Any:
    """The secret; it raises `failure` when it is asked for and cannot be had."""
    if not isinstance(value, dict):
        place.problem("a secret is never written here: use { env = }, { file = }, { command = [] } or { keyring = }")
        return INVALID
    if len(value) != 1 or next(iter(value)) not in _SECRETS:
        known = " or ".join(_SECRETS)
        unknown = [suggestion(key, _SECRETS) for key in value if key not in _SECRETS]
        place.problem(f"a secret has exactly one key, {known}{unknown[0] if unknown else ''}")
        return INVALID
    form, content = next(iter(value.items()))
    return _SECRETS[form](content, place.at(form), failure)


def read_private_file(value: Any, place: Place) -> Any:
    """`{ file = "PATH" }`, as a PrivateFile, refused if others than its owner can read it."""
    if not isinstance(value, dict) or set(value) != {"file"}:
        place.problem("a file with a private key is given as { file = }")
        return INVALID
    path = read_path(value["file"], place.at("file"))
    if path is INVALID or (place.problems.passwords and others_can_read(path, place.at("file"))):
        return INVALID
    return PrivateFile(path)


def refuse_literals(table: Any, place: Place) -> None:
    """Reports literal secrets in a table of which no connector says which of its settings are secrets."""
    for name in table if isinstance(table, dict) else ():
        if name in _USUAL and not isinstance(table[name], dict):
            read_secret(table[name], place.at(name))


def _environment_secret(value: Any, place: Place, failure: type[ReplicationError]) -> Any:
    name = read_text(value, place)
    return INVALID if name is INVALID else EnvironmentSecret(name, failure)


def _file_secret(value: Any, place: Place, failure: type[ReplicationError]) -> Any:
    path = read_path(value, place)
    needed = failure is KeyRefused or place.problems.passwords  # every command needs the key
    return INVALID if path is INVALID or (needed and others_can_read(path, place)) else FileSecret(path, failure)


def _command_secret(value: Any, place: Place, failure: type[ReplicationError]) -> Any:
    command = read_texts(value, place)
    if command is INVALID:
        return INVALID
    if not command or not command[0]:
        place.problem("a command has at least a name")
        return INVALID
    # A bare name is looked up in PATH; one with a slash is a path, and relative to the file as any other.
    name = str(place.resolve(command[0])) if "/" in command[0] else command[0]
    return CommandSecret((name, *command[1:]), failure)


def _keyring_secret(value: Any, place: Place, failure: type[ReplicationError]) -> Any:
    service, _, user = value.rpartition("/") if isinstance(value, str) else ("", "", "")
    if not service or not user:
        place.problem('a keyring entry is named "SERVICE/USER"')
        return INVALID
    if find_spec("keyring") is None:
        place.problem("the package keyring is not installed: pip install keyring")
        return INVALID
    return KeyringSecret(service, user, failure)


_SECRETS: dict[str, Callable[[Any, Place, type[ReplicationError]], Any]] = {
    "env": _environment_secret,
    "file": _file_secret,
    "command": _command_secret,
    "keyring": _keyring_secret,
}
