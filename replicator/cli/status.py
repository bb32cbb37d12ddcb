"""`replicator status`: what the mailstore holds, whether the books balance, and what is not covered."""

from dataclasses import asdict
from typing import Any

import click

from replicator.cli.display import counted, human_bytes, print_json, print_table, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes
from replicator.cli.options import json_option, mailboxes_argument

HEADINGS = ("folder", "side", "live", "removed", "quarantined", "filtered", "at source", "")
NUMBERS = frozenset(range(2, 7))
COUNTS = ("live", "removed", "quarantined", "filtered", "source_count")
# A mailbox that is configured and has not been replicated yet.
UNTOUCHED: dict[str, Any] = {
    "state": "replicating",
    "messages": 0,
    "bytes": 0,
    "stored_bytes": 0,
    "last_success": None,
    "not_covered": [],
    "folders": [],
}


@click.command("status", short_help="Show what is held and whether the books balance.")
@mailboxes_argument
@json_option
@click.pass_obj
def command(invocation: Invocation, mailboxes: tuple[str, ...], as_json: bool) -> None:
    """Show what the mailstore holds of each MAILBOX, or of all, and whether the books balance.

    The books of a folder balance when every id that the server lists has a row, and every live row is listed.
    """
    config = invocation.config()
    with invocation.open_mailstore(config) as mailstore:
        held = set(mailstore.names())
        names = chosen(mailboxes, known_mailboxes(config, mailstore))
        found = [
            {"mailbox": name, **(asdict(mailstore.mailbox(name).status()) if name in held else UNTOUCHED)}
            for name in names
        ]
        totals = asdict(mailstore.totals())
    if as_json:
        print_json({"mailboxes": found, "mailstore": totals})
        return
    for mailbox in found:
        _show(mailbox)
    print_text(
        f"mailstore: {counted(totals['messages'], 'message')} ({totals['unique_messages']} different), "
        f"{human_bytes(totals['bytes'])}, on disk {human_bytes(totals['stored_bytes'])}"
    )


def _show(mailbox: dict[str, Any]) -> None:
    size = f"{human_bytes(mailbox['bytes'])}, sealed {human_bytes(mailbox['stored_bytes'])}"
    last = f"last complete pass: {mailbox['last_success'] or 'none yet'}"
    print_text(f"{mailbox['mailbox']}: {counted(mailbox['messages'], 'message')}, {size}; {last}")
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
