"""`replicator mailbox`: mailboxes as they come, are renamed, and leave."""

import click

from replicator.cli.group import LazyGroup

COMMANDS = ("discover", "rename", "retire")


@click.group(
    "mailbox",
    cls=LazyGroup,
    package=__name__,
    names=COMMANDS,
    no_args_is_help=False,
    short_help="Find, rename and retire mailboxes.",
)
def command() -> None:
    """Find mailboxes that are not covered, rename one in the mailstore, retire that of a leaver."""
