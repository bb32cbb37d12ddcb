"""`replicator list`: what a mailbox holds, a line a placement."""

import click

from replicator.cli.display import print_json
from replicator.cli.invocation import Invocation, chosen, known_mailboxes, note_untouched
from replicator.cli.options import Command, at_option, json_option, side_option

STATES = ["live", "removed", "quarantined", "all"]
UNCLAIMED = "unclaimed"


@click.command("list", cls=Command, short_help="List what a mailbox holds.")
@click.argument("mailbox")
@click.option("--folder", metavar="F", help="Only this folder, by its path as `list` shows it.")
@side_option
@click.option("--state", type=click.Choice(STATES), default="live", show_default=True, help="Which placements.")
@at_option
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    mailbox: str,
    folder: str | None,
    side: str,
    state: str,
    at: float | None,
    as_json: bool,
) -> None:
    """List what MAILBOX holds: one JSON object a line, a line a placement, which is a message in a folder.

    The form is the same with and without --json. `list unclaimed` lists journal copies that belong to no known mailbox.
    """
    from replicator.cli.selection import Selection
    from replicator.listing import listed_fields

    config = invocation.config()
    with invocation.open_mailstore(config) as mailstore:
        chosen([mailbox], [*known_mailboxes(config, mailstore), UNCLAIMED])
        names = [] if mailbox == UNCLAIMED else note_untouched([mailbox], mailstore)
        for store in map(mailstore.mailbox, names):
            for listed in Selection(mailbox, folder, side, at).of(store, state):
                print_json(listed_fields(listed))
