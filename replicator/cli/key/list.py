"""`replicator key list`: the slots of the keyring."""

import click

from replicator.cli.display import print_json, print_table
from replicator.cli.invocation import Invocation
from replicator.cli.key.roots import open_slots
from replicator.cli.options import Command, json_option


@click.command("list", cls=Command, short_help="List what opens the mailstore.")
@json_option
@click.pass_obj
def command(invocation: Invocation, as_json: bool) -> None:
    """List the slots of the keyring: each holds the mailstore's master key, wrapped under one key file or passphrase.

    `in use` is the slot that the configured key opens. Which file or passphrase opens another is not recorded.
    """
    with open_slots(invocation, alone=False) as (slots, root):
        used = slots.opened_by(root)
        found = [{"slot": slot.id, "kind": slot.kind, "in_use": slot == used} for slot in slots.all()]
        key_id = slots.key_id
    if as_json:
        print_json({"key_id": key_id, "slots": found})
    else:
        rows = [(str(slot["slot"]), str(slot["kind"]), "in use" if slot["in_use"] else "") for slot in found]
        print_table([("slot", "kind", ""), *rows])
