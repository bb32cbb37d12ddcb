"""`replicator quarantine`: what could not be taken, and why."""

import click

from replicator.cli.group import LazyGroup

COMMANDS = ("list", "retry", "accept")


@click.group(
    "quarantine",
    cls=LazyGroup,
    package=__name__,
    names=COMMANDS,
    no_args_is_help=False,
    short_help="Show what could not be taken, and deal with it.",
)
def command() -> None:
    """List what could not be taken, try it again, or accept that it cannot be had."""
