"""`replicator reconcile`: compares copies of mail, and says what is to be done about them."""

import click

from replicator.cli.group import LazyGroup

COMMANDS = ("compare",)


@click.group(
    "reconcile",
    cls=LazyGroup,
    package=__name__,
    names=COMMANDS,
    no_args_is_help=False,
    short_help="Compare copies of mail, and merge them.",
)
def command() -> None:
    """Compare copies of mail, and merge what two sides hold."""
