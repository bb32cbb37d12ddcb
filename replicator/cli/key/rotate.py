"""`replicator key rotate`: a new key in the place of the one in use."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.key.roots import Named, key_options, open_slots
from replicator.cli.options import Command, json_option

if TYPE_CHECKING:
    from replicator.mailstore.keys import Root, Slots


@click.command("rotate", cls=Command, short_help="Exchange the key that opens the mailstore.")
@key_options
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    key_file: Path | None,
    passphrase_env: str | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Exchange the key in use: the old one opens the mailstore no more. Nothing but the keyring is written anew.

    Without options the configured key file gets a new content, and a mailstore that the old one opened too would be
    lost. With them the new key is the one they name (a key file that does not exist is made), and the configuration has
    to name it from then on. Safe while `sync` runs; what was broken off is completed by running it again. Other slots
    stay: see `key list`.
    """
    named = Named(key_file, passphrase_env, passphrase_file)
    new = named.root()
    with open_slots(invocation) as (slots, root):
        if new is None:
            new = _in_place(slots, root)
            where = "its file holds the new key"
        else:
            named.make()
            slots.exchange(root, new)
            where = "name the new key in the configuration now: the old one opens nothing any more"
        slot = slots.opened_by(new)
        others = len(slots.all()) - 1
    assert slot is not None
    if as_json:
        print_json({"slot": slot.id, "kind": slot.kind, "others": others})
    elif not invocation.quiet:
        print_text(f"the key was exchanged: slot {slot.id} ({slot.kind}); {where}")
        if others:
            print_note(f"other keys that open the mailstore still: {others}; `replicator key list` shows them")
        print_note("keep a copy of the new key in another place, and destroy the copies of the old one")


def _in_place(slots: "Slots", root: "Root") -> "Root":
    from replicator.mailstore.keys import FileRoot
    from replicator.mailstore.keys.rotation import rotate_file

    if not isinstance(root, FileRoot):
        raise click.UsageError("name the new key: --passphrase-env, --passphrase-file or --key-file")
    rotate_file(slots, root.path)
    return root
