"""`replicator mailbox retire`: a leaver, whose mail is kept and not replicated any more."""

from datetime import UTC, datetime

import click

from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.mailbox.holding import holding
from replicator.cli.options import Command, json_option, wait_option


@click.command("retire", cls=Command, short_help="Keep a mailbox and replicate it no more.")
@click.argument("mailbox")
@click.option("--undo", is_flag=True, help="Replicate it again.")
@wait_option
@json_option
@click.pass_obj
def command(invocation: Invocation, mailbox: str, undo: bool, wait: bool, as_json: bool) -> None:
    """Keep what is held of MAILBOX as it is, readable and searchable, and replicate it no more.

    So it may go from the configuration and from the mail system, and `status` says `retired`. Nothing is deleted.
    """
    from replicator.mailstore.keys.naming import retire

    with holding(invocation, mailbox, wait=wait) as (config, mailstore):
        retire(mailstore.keyring, mailbox, None if undo else invocation.clock())
        at = mailstore.keyring.about(mailbox).retired
    if as_json:
        since = None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        print_json({"mailbox": mailbox, "retired": since})
    elif not invocation.quiet:
        print_text(f"{mailbox} is {'replicated again' if undo else 'retired: kept, and not replicated any more'}")
    if undo and mailbox not in config.mailboxes and not invocation.quiet:
        print_note(f"{config.file} does not name it: add it there")
