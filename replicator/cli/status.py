"""`replicator status`: what the mailstore holds, whether the books balance, and what is not covered."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import ConfigError, ReplicationError, StoreError
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_table, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes
from replicator.cli.leavers import renamed_only_here
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
    "indexed": {"done": 0, "backlog": 0, "failed": 0, "reasons": {}},
    "errors": [],
    "error": None,
}


@click.command("status", cls=Command, short_help="Show what is held and whether the books balance.")
@mailboxes_argument
@json_option
@click.pass_context
def command(ctx: click.Context, mailboxes: tuple[str, ...], as_json: bool) -> None:
    """Show what the mailstore holds of each MAILBOX, or of all, whether the books balance, and what fails.

    The books of a folder balance when every id that the server lists has a row, and every live row is listed.
    """
    invocation: Invocation = ctx.obj
    config = invocation.config()
    errors: list[ReplicationError] = []
    with invocation.open_mailstore(config) as mailstore:
        names = chosen(mailboxes, known_mailboxes(config, mailstore))
        found = [{"mailbox": name, **_described(mailstore, name, errors)} for name in names]
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


def _described(mailstore: "Mailstore", name: str, errors: list[ReplicationError]) -> dict[str, Any]:
    """What is held of one mailbox. If that cannot be said, the error stands there, and is added to `errors`."""
    try:
        if name in mailstore.names():
            return _books(mailstore, name)
        if (new := mailstore.keyring.former().get(name)) is None:
            return UNTOUCHED
        raise renamed_only_here(new)
    except (StoreError, ConfigError) as error:
        errors.append(error)
        return {**UNTOUCHED, "error": {"code": error.code, "message": error.message, "advice": error.advice}}


def _books(mailstore: "Mailstore", name: str) -> dict[str, Any]:
    store = mailstore.mailbox(name)
    books = {**asdict(store.status()), "indexed": asdict(store.index.counts()), "error": None}
    if mailstore.keyring.about(name).retired is not None:
        return {**books, "state": "retired", "errors": []}
    return {**books, "errors": [asdict(each) for each in store.troubles.all()]}


def _show(mailbox: dict[str, Any]) -> None:
    if error := mailbox["error"]:
        print_error(f"{mailbox['mailbox']}: {error['message']}", error["advice"])
        return
    size = f"{human_bytes(mailbox['bytes'])}, sealed {human_bytes(mailbox['stored_bytes'])}"
    last = f"last complete pass: {mailbox['last_success'] or 'none yet'}"
    retired = "retired, " if mailbox["state"] == "retired" else ""
    print_text(f"{mailbox['mailbox']}: {retired}{counted(mailbox['messages'], 'live message')}, {size}; {last}")
    if mailbox["folders"]:
        print_table([HEADINGS, *(_row(folder) for folder in mailbox["folders"])], right=NUMBERS)
    for path in mailbox["not_covered"]:
        print_text(f"not covered: {path}")
    print_text(_indexed(**mailbox["indexed"]))
    for trouble in mailbox["errors"]:
        print_text(_failing(trouble))
        if trouble["advice"]:
            print_text(f"  {trouble['advice']}")
    print_text("")


def _failing(trouble: dict[str, Any]) -> str:
    """What stands in the way of a complete pass, and since when. Where no side is named it is the primary."""
    side = None if trouble["side"] == "primary" else trouble["side"]
    folder = None if f"{trouble['folder']}: " in trouble["message"] else trouble["folder"]
    where = "".join(f"{name}: " for name in (side, folder) if name)
    return f"FAILING since {trouble['since']}: {where}{trouble['message']}"


def _indexed(done: int, backlog: int, failed: int, reasons: dict[str, int]) -> str:
    """How far the index is. Messages are counted once, however many folders they are in, and removed ones too."""
    words = [f"index: {done} different messages"]
    words += [f"{backlog} wait for the next `sync`"] if backlog else []
    words += [f"{number} failed ({reason})" for reason, number in reasons.items()] if failed else []
    return ", ".join(words)


def _row(folder: dict[str, Any]) -> tuple[str, ...]:
    words = "balanced" if folder["balanced"] else "NOT BALANCED"
    if folder["unlisted"]:
        words += f", {folder['unlisted']} counted but not listed by the server"
    if folder["unverified"]:
        words += f", {folder['unverified']} unverified"
    return (folder["path"], folder["side"], *(str(folder[name]) for name in COUNTS), words)
