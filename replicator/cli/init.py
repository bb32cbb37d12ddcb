"""`replicator init`: makes the mailstore and, if need be, its key."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors.errors import ConfigError
from replicator.advice import advice_on
from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation, is_missing, refuse_remains
from replicator.cli.options import Command, json_option

if TYPE_CHECKING:
    from replicator.config import Config
    from replicator.mailstore import Mailstore

# What a directory for a new mailstore may hold: a broken-off attempt, and what a new file system comes with.
ALLOWED = frozenset({"seg", "mailbox", "lock", "lost+found"})
ALLOWED_BEGINNINGS = ("keyring.json", "catalog.", "format.json.")


@click.command("init", cls=Command, short_help="Make the mailstore and its key.")
@json_option
@click.pass_obj
def command(invocation: Invocation, as_json: bool) -> None:
    """Make the mailstore and, where the configuration names a key file that does not exist, the key.

    Run again, it changes nothing. It never makes a key for a mailstore that exists.
    """
    config = invocation.config()
    mailstore, created = _make(config, invocation.clock)
    path, key_id = str(config.mailstore.path), mailstore.key_id
    mailstore.close()
    if as_json:
        print_json({"mailstore": path, "key_id": key_id, "created": created})
    elif not invocation.quiet:
        print_text(f"{'made' if created else 'nothing to do: there is'} the mailstore {path}, key {key_id}")
    if created and not invocation.quiet:
        print_note("keep a copy of the key in another place: without it the mailstore cannot be read, by anyone")


def _make(config: "Config", clock: Callable[[], float]) -> tuple["Mailstore", bool]:
    """The open mailstore, and whether it was made just now."""
    from replicator.config import KeyFile
    from replicator.engine.opening import root_of
    from replicator.mailstore import Mailstore
    from replicator.mailstore.keys import FileRoot

    key, path = config.mailstore.key, config.mailstore.path
    refuse_remains(config)
    if Mailstore.exists(path):
        return Mailstore.open(path, root_of(config), clock), False
    _refuse_foreign(path, key.path if isinstance(key, KeyFile) else None)
    if isinstance(key, KeyFile) and is_missing(key.path):
        try:
            FileRoot.create(key.path)
        except OSError as error:
            advice = "make its directory" if isinstance(error, FileNotFoundError) else advice_on(error)
            raise ConfigError(f"the key file {key.path} cannot be made: {error.strerror}", advice) from error
    return Mailstore.create(path, root_of(config), clock), True


def _refuse_foreign(path: Path, key: Path | None) -> None:
    """Raises ConfigError if the directory is there and holds what is none of a mailstore's."""
    try:
        found = [entry.name for entry in path.iterdir() if entry != key]
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{path} cannot be used: {error.strerror}", advice_on(error)) from error
    if foreign := sorted(name for name in found if name not in ALLOWED and not name.startswith(ALLOWED_BEGINNINGS)):
        names = ", ".join(foreign[:3]) + (", …" if len(foreign) > 3 else "")
        text = f"{path} is not empty and no mailstore: it holds {names}"
        raise ConfigError(text, "name a new or an empty directory as mailstore.path")
