"""`replicator init`: makes the mailstore and, if need be, its key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from connectors.errors import ConfigError, KeyRefused
from replicator.cli.display import print_json, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.options import json_option

if TYPE_CHECKING:
    from replicator.config import Config
    from replicator.mailstore import Mailstore


@click.command("init", short_help="Make the mailstore and its key.")
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
        return
    print_text(f"{'made' if created else 'nothing to do: there is'} the mailstore {path}, key {key_id}")
    if created:
        print_text("keep a copy of the key in another place: without it the mailstore cannot be read, by anyone")


def _make(config: "Config", clock: Callable[[], float]) -> tuple["Mailstore", bool]:
    """The open mailstore, and whether it was made just now."""
    from replicator.config import KeyFile
    from replicator.engine.opening import root_of
    from replicator.mailstore import Mailstore
    from replicator.mailstore.keys import FileRoot

    key, path = config.mailstore.key, config.mailstore.path
    if Mailstore.exists(path):
        if isinstance(key, KeyFile) and not key.path.exists():
            raise KeyRefused(f"the mailstore {path} exists, but its key file {key.path} does not", "put the key back")
        return Mailstore.open(path, root_of(config), clock), False
    if isinstance(key, KeyFile) and not key.path.exists():
        try:
            FileRoot.create(key.path)
        except OSError as error:
            raise ConfigError(
                f"the key file {key.path} cannot be made: {error.strerror}", "make its directory"
            ) from error
    return Mailstore.create(path, root_of(config), clock), True
