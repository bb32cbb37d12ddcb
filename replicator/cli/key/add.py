"""`replicator key add`: one more key that opens the mailstore."""

from pathlib import Path

import click

from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.key.roots import Named, key_options, open_slots
from replicator.cli.options import Command, json_option


@click.command("add", cls=Command, short_help="Let another key open the mailstore too.")
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
    """Let one more key file or passphrase open the mailstore. A key file that does not exist is made.

    The key that the configuration names has to open it, and goes on doing so.
    """
    named = Named(key_file, passphrase_env, passphrase_file)
    root = named.root()
    if root is None:
        raise click.UsageError("name the new key with --key-file, --passphrase-env or --passphrase-file")
    with open_slots(invocation) as (slots, _):
        made = named.make()
        slot = slots.add(root)
    if as_json:
        print_json({"slot": slot.id, "kind": slot.kind, "made": str(key_file) if made else None})
    elif not invocation.quiet:
        print_text(f"slot {slot.id} ({slot.kind}) opens the mailstore too")
        if made:
            print_note(f"made the key file {key_file}")
