"""`replicator quarantine list`: what could not be taken, and why."""

import click

from replicator.cli.display import print_json, print_note
from replicator.cli.invocation import Invocation, chosen, known_mailboxes, note_untouched
from replicator.cli.options import Command, json_option, mailboxes_argument


@click.command("list", cls=Command, short_help="List what could not be taken, and why.")
@mailboxes_argument
@json_option
@click.pass_obj
def command(invocation: Invocation, mailboxes: tuple[str, ...], as_json: bool) -> None:
    """List what is in quarantine of each MAILBOX, or of all: one JSON object a line, with and without --json."""
    from replicator.quarantine import entries

    config = invocation.config()
    with invocation.open_mailstore(config) as mailstore:
        held = mailstore.names()
        names = note_untouched(chosen(mailboxes, known_mailboxes(config, mailstore)), mailstore) if mailboxes else held
        empty = bool(names)
        for name in names:
            for entry in entries(name, mailstore.mailbox(name)):
                print_json(entry)
                empty = False
    if empty and not invocation.quiet:
        print_note("nothing is in quarantine")
