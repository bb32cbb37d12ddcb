"""`replicator key`: which keys open the mailstore."""

import click

from replicator.cli.group import LazyGroup

COMMANDS = ("list", "add", "remove", "rotate")


@click.group(
    "key",
    cls=LazyGroup,
    package=__name__,
    names=COMMANDS,
    no_args_is_help=False,
    short_help="Say which keys open the mailstore.",
)
def command() -> None:
    """List, add, remove and rotate the keys that open the mailstore."""
