"""Secrets: callables that know where a secret is kept, fetch it when it is asked for, and keep no copy.

They can be pickled for a worker process, and their repr says where the secret comes from, never what it is.
"""

import os
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from connectors.errors import LoginRefused, ReplicationError
from replicator.advice import advice_on
from replicator.privacy import others_have_access

COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    """`{ env = "NAME" }`: read from the environment. Raises `failure` if it is not set or empty."""

    name: str
    failure: type[ReplicationError] = LoginRefused

    def __call__(self) -> str:
        """The secret."""
        value = os.environ.get(self.name, "")
        if not value:
            raise self.failure(f"the environment variable {self.name} is not set", "set it for this run")
        return value


@dataclass(frozen=True, slots=True)
class FileSecret:
    """`{ file = "PATH" }`: the whole file as UTF-8, without its last line break.

    Raises `failure` if it cannot be read, is empty, or can be read by others than its owner.
    """

    path: Path
    failure: type[ReplicationError] = LoginRefused

    def __call__(self) -> str:
        """The secret."""
        try:
            with self.path.open("rb") as file:
                if others_have_access(file.fileno()):
                    raise self.failure(f"others can read the secret file {self.path}", f"chmod 600 {self.path}")
                value = without_line_break(file.read().decode())
        except OSError as error:
            advice = "write it, or correct the path" if isinstance(error, FileNotFoundError) else advice_on(error)
            raise self.failure(f"the secret file {self.path} cannot be read: {error.strerror}", advice) from error
        except UnicodeDecodeError:
            raise self.failure(f"the secret file {self.path} is not UTF-8 text", "write it anew") from None
        if not value:
            raise self.failure(f"the secret file {self.path} is empty", "write the secret into it")
        return value


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """`{ command = ["pass", "show", "alice"] }`: what it prints, without the last line break. No shell is involved.

    Raises `failure` if it cannot be run, ends with an error, prints nothing, or takes more than a minute.
    """

    command: tuple[str, ...]
    failure: type[ReplicationError] = LoginRefused

    def __repr__(self) -> str:
        # An argument may itself be a secret.
        return f"CommandSecret({self.command[0]!r}, …)"

    def __call__(self) -> str:
        """The secret."""
        name = self.command[0]
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command, as a list, from a file that is theirs
                self.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            what = f"the secret command {name} could not be run: {type(error).__name__}"
            raise self.failure(what, "try it by hand") from None
        value = without_line_break(done.stdout.decode(errors="replace"))
        if done.returncode or not value:
            what = f"ended with status {done.returncode}" if done.returncode else "printed nothing"
            raise self.failure(f"the secret command {name} {what}", "try it by hand, as the same user")
        return value


@dataclass(frozen=True, slots=True)
class KeyringSecret:
    """`{ keyring = "SERVICE/USER" }`: from the desktop's or system's keyring, by the Python package `keyring`.

    Raises `failure` if that package is not installed or holds no such entry.
    """

    service: str
    user: str
    failure: type[ReplicationError] = LoginRefused

    def __call__(self) -> str:
        """The secret."""
        try:
            keyring = import_module("keyring")
        except ModuleNotFoundError:
            raise self.failure("the package keyring is not installed", "pip install keyring") from None
        value = keyring.get_password(self.service, self.user)
        if not value:
            raise self.failure(
                f"the keyring has no secret for {self.service}/{self.user}", f"keyring set {self.service} {self.user}"
            )
        return str(value)


def without_line_break(text: str) -> str:
    """The text without the one line break that editors and `echo` put at its end."""
    return text.removesuffix("\n").removesuffix("\r")
