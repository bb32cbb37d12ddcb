"""`replicator quarantine accept`: what cannot be had is known, and counts in no exit code any more."""

import re
from typing import TYPE_CHECKING

import click

from connectors.errors import ConfigError, Locked
from replicator.cli.display import print_json, print_note
from replicator.cli.invocation import Invocation, chosen
from replicator.cli.options import Command, json_option, wait_option

if TYPE_CHECKING:
    from replicator.mailstore import Mailstore

_ID = re.compile(r"([0-9a-f]{16})\.p(\d{1,18})")


@click.command("accept", cls=Command, short_help="Accept that messages cannot be had.")
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--mailbox", metavar="M", help="All that is in quarantine of this mailbox now.")
@wait_option
@json_option
@click.pass_obj
def command(invocation: Invocation, ids: tuple[str, ...], mailbox: str | None, wait: bool, as_json: bool) -> None:
    """Note that these messages are known not to be had, each by its id as `quarantine list` gives it.

    They count in no exit code any more. They are listed still, and tried again still: one that comes after all is kept.
    Prints a line a message, as `quarantine list`.
    """
    from replicator.mailstore.mailbox.failures import FailureBook
    from replicator.quarantine import accept, entry

    if bool(ids) == (mailbox is not None):
        raise click.UsageError("name messages by their ids, or a mailbox with --mailbox")
    with invocation.open_mailstore(invocation.config()) as mailstore:
        wanted = _by_mailbox(mailstore, ids)
        if mailbox is not None:
            chosen([mailbox], mailstore.names())
            wanted = {mailbox: list(FailureBook(mailstore.mailbox(mailbox).database).placements())}
        for name, placements in wanted.items():
            store = mailstore.mailbox(name)
            try:
                accept(mailstore, store, placements, wait=wait)
            except Locked as error:
                raise Locked(f"{name}: {error.message}", error.advice) from error
            for placement in placements:
                print_json(entry(name, store, placement))
    if mailbox is not None and not wanted[mailbox] and not invocation.quiet:
        print_note(f"nothing of {mailbox} is in quarantine")


def _by_mailbox(mailstore: "Mailstore", ids: tuple[str, ...]) -> dict[str, list[int]]:
    """The placements by the name of their mailbox. Raises ConfigError for all that are not in quarantine, at once."""
    from replicator.mailstore.mailbox.failures import FailureBook

    names = {mailbox_id: name for name, mailbox_id in mailstore.keyring.names().items()}
    held = set(mailstore.names())
    wanted: dict[str, list[int]] = {}
    unknown = []
    for id_ in dict.fromkeys(ids):
        match = _ID.fullmatch(id_)
        name = names.get(match[1], "") if match else ""
        if match and name in held and FailureBook(mailstore.mailbox(name).database).get(int(match[2])):
            wanted.setdefault(name, []).append(int(match[2]))
        else:
            unknown.append(id_)
    if unknown:
        message = "\n".join(f"{id_!r} is not in quarantine" for id_ in unknown)
        raise ConfigError(message, "`replicator quarantine list` gives the ids")
    return wanted
