"""`replicator mailbox rename`: another name for a mailbox that the mailstore holds."""

import click

from connectors.errors import ConfigError
from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.mailbox.holding import holding
from replicator.cli.options import Command, json_option, wait_option


@click.command("rename", cls=Command, short_help="Give a mailbox another name in the mailstore.")
@click.argument("old")
@click.argument("new")
@wait_option
@json_option
@click.pass_obj
def command(invocation: Invocation, old: str, new: str, wait: bool, as_json: bool) -> None:
    """Call the mailbox OLD NEW from now on. Its mail, its history and all ids stay; nothing is fetched again.

    The configuration is yours to change: its id has to become NEW too, before or after. Until then `sync` refuses OLD.
    """
    from replicator.config.mailboxes import is_name
    from replicator.mailstore.keys.naming import rename

    if not is_name(new):
        raise ConfigError(f"{new!r} cannot be the name of a mailbox", "use its address")
    with holding(invocation, old, wait=wait) as (config, mailstore):
        rename(mailstore.keyring, old, new, mailstore.is_held)
    if as_json:
        print_json({"mailbox": new, "was": old})
    elif not invocation.quiet:
        print_text(f"{old} is {new} in the mailstore now")
    if invocation.quiet:
        return
    if old in config.mailboxes:
        print_note(f"change its id in {config.file} to {new} now: `sync` refuses {old}")
    elif new not in config.mailboxes:
        print_note(f"{config.file} names neither {old} nor {new}: it is kept, and not replicated")
