"""`replicator status`: what the mailstore holds, whether the books balance, and what is not covered."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import StoreError
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_table, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes
from replicator.cli.options import Command, json_option, mailboxes_argument

if TYPE_CHECKING:
    from replicator.mailstore import Mailstore

HEADINGS = ("folder", "side", "live", "removed", "quarantined", "filtered", "at source", "")
NUMBERS = frozenset(range(2, 7))
COUNTS = ("live", "removed", "quarantined", "filtered", "source_count")
# A mailbox that is configured and has not been replicated yet, or that cannot be opened.
UNTOUCHED: dict[str, Any] = {
    "state": "replicating",
    "messages": 0,
    "bytes": 0,
    "stored_bytes": 0,
    "last_success": None,
    "not_covered": [],
    "folders": [],
    "error": None,
}


@click.command("status", cls=Command, short_help="Show what is held and whether the books balance.")
@mailboxes_argument
@json_option
@click.pass_context
def command(ctx: click.Context, mailboxes: tuple[str, ...], as_json: bool) -> None:
    """Show what the mailstore holds of each MAILBOX, or of all, and whether the books balance.

    The books of a folder balance when every id that the server lists has a row, and every live row is listed.
    """
    invocation: Invocation = ctx.obj
    config = invocation.config()
    errors: list[StoreError] = []
    with invocation.open_mailstore(config) as mailstore:
        names = chosen(mailboxes, known_mailboxes(config, mailstore))
        held = set(mailstore.names())
        found = [
            {"mailbox": name, **(_books(mailstore, name, errors) if name in held else UNTOUCHED)} for name in names
        ]
        totals = asdict(mailstore.totals())
    if as_json:
        print_json({"mailboxes": found, "mailstore": totals})
    else:
        for mailbox in found:
            _show(mailbox)
        print_text(
            f"mailstore: {counted(totals['messages'], 'live message')} ({totals['unique_messages']} different), "
            f"{human_bytes(totals['bytes'])}, on disk {human_bytes(totals['stored_bytes'])}"
        )
    ctx.exit(max((error.exit_code for error in errors), default=0))


def _books(mailstore: "Mailstore", name: str, errors: list[StoreError]) -> dict[str, Any]:
    """What is held of one mailbox. If it cannot be read, its error stands there, and is added to `errors`."""
    try:
        return {"mailbox": name, **asdict(mailstore.mailbox(name).status()), "error": None}
    except StoreError as error:
        errors.append(error)
        shown = {"code": error.code, "message": error.message, "advice": error.advice}
        return {"mailbox": name, **UNTOUCHED, "error": shown}


def _show(mailbox: dict[str, Any]) -> None:
    if error := mailbox["error"]:
        print_error(f"{mailbox['mailbox']}: {error['message']}", error["advice"])
        return
    size = f"{human_bytes(mailbox['bytes'])}, sealed {human_bytes(mailbox['stored_bytes'])}"
    last = f"last complete pass: {mailbox['last_success'] or 'none yet'}"
    print_text(f"{mailbox['mailbox']}: {counted(mailbox['messages'], 'live message')}, {size}; {last}")
    if mailbox["folders"]:
        print_table([HEADINGS, *(_row(folder) for folder in mailbox["folders"])], right=NUMBERS)
    for path in mailbox["not_covered"]:
        print_text(f"not covered: {path}")
    print_text("")


def _row(folder: dict[str, Any]) -> tuple[str, ...]:
    words = "balanced" if folder["balanced"] else "NOT BALANCED"
    if folder["unlisted"]:
        words += f", {folder['unlisted']} counted but not listed by the server"
    return (folder["path"], folder["side"], *(str(folder[name]) for name in COUNTS), words)
