"""`replicator key remove`: a key that opens the mailstore no more."""

from pathlib import Path

import click

from replicator.cli.display import print_json, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.key.roots import Named, key_options, open_slots
from replicator.cli.options import Command, json_option


@click.command("remove", cls=Command, short_help="Let a key open the mailstore no more.")
@click.argument("slot")
@key_options
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    slot: str,
    key_file: Path | None,
    passphrase_env: str | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Take SLOT, as `key list` names it, out of the keyring. Never the last.

    The one that the configured key opens goes only if the options name another key that opens the mailstore.
    """
    other = Named(key_file, passphrase_env, passphrase_file).root()
    with open_slots(invocation) as (slots, root):
        slots.remove(slot, other or root)
        left = len(slots.all())
    if as_json:
        print_json({"removed": slot, "slots": left})
    elif not invocation.quiet:
        print_text(f"slot {slot} is gone; slots left: {left}")
