"""`replicator show`: one message, for people, for scripts, or as its exact bytes."""

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import ConfigError
from replicator.cli.display import human_bytes, print_bytes, print_json, print_note, print_table, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.options import Command, json_option

if TYPE_CHECKING:
    from replicator.mailstore import Mailstore
    from replicator.mailstore.mailbox.history import Listed
    from replicator.mailstore.mailbox.store import MailboxStore

_ID = re.compile(r"([0-9a-f]{16})\.([pi])([0-9]{1,18})")


@click.command("show", cls=Command, short_help="Show one message.")
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="Write the exact bytes to stdout, and nothing else.")
@click.option("--envelope", is_flag=True, help="Show who it was really sent to, where a journal brought it.")
@json_option
@click.pass_obj
def command(invocation: Invocation, id_: str, raw: bool, envelope: bool, as_json: bool) -> None:
    """Show one message, by the id of a placement or of an item as `list` gives them.

    What the message says is shown so that it cannot steer the terminal; only --raw writes it as it is.
    """
    with invocation.open_mailstore(invocation.config()) as mailstore:
        mailbox, placements = _found(mailstore, id_)
        # A placement that left keeps its bytes; any of those with bytes will do, for an item has one content.
        listed = next((placement for placement in placements if placement.content), placements[0])
        if raw:
            for chunk in mailbox.read(listed):
                print_bytes(chunk)
        elif envelope:
            _show_envelope(as_json=as_json)
        elif as_json:
            print_json(_described(mailbox, listed, placements))
        else:
            _show(_described(mailbox, listed, placements))


def _found(mailstore: "Mailstore", id_: str) -> tuple["MailboxStore", list["Listed"]]:
    """The mailbox, and the placements that the id names: one, or all of an item."""
    match = _ID.fullmatch(id_)
    if match and match[1] in mailstore.keyring.names().values():
        mailbox, number = mailstore.mailbox_by_id(match[1]), int(match[3])
        placement = mailbox.find(number) if match[2] == "p" else None
        placements = [placement] if placement else mailbox.placements_of(number) if match[2] == "i" else []
        if placements:
            return mailbox, placements
    raise ConfigError(f"there is no message {id_!r}", "`replicator list MAILBOX` gives the ids")


def _described(mailbox: "MailboxStore", listed: "Listed", placements: list["Listed"]) -> dict[str, Any]:
    from replicator.cli.mailview import MailView, view
    from replicator.listing import listed_fields

    content = listed.content
    shown = view(mailbox.read(listed), content.size) if content else MailView((), (), _without_bytes(listed))
    return {
        "item": listed.item,
        "size": content.size if content else None,
        "sha256": content.sha256.hex() if content else None,
        "headers": [list(field) for field in shown.headers],
        "parts": [asdict(part) for part in shown.parts],
        "note": shown.note,
        "reason": listed.reason,
        "placements": [listed_fields(placement) for placement in placements],
    }


def _without_bytes(listed: "Listed") -> str:
    return f"no bytes: {listed.state}{f': {listed.reason}' if listed.reason else ''}"


def _show_envelope(*, as_json: bool) -> None:
    """Mailboxes keep no envelope, and no other source exists yet."""
    if as_json:
        print_json({"envelope": None})
    else:
        print_note("this message came from a mailbox, which keeps no envelope; a journal does")


def _show(message: dict[str, Any]) -> None:
    for name, value in message["headers"]:
        print_text(f"{name}: {value}")
    print_text("")
    print_table([_part_row(part) for part in message["parts"]], right=frozenset({2}))
    if message["note"]:
        print_text(f"({message['note']})")
    print_text("")
    print_table([_placement_row(placement) for placement in message["placements"]])
    if message["sha256"]:
        print_text(f"{human_bytes(message['size'])}, SHA-256 {message['sha256']}")


def _part_row(part: dict[str, Any]) -> tuple[str, ...]:
    return (f"part {part['path']}", part["content_type"], human_bytes(part["size"]), part["filename"])


def _placement_row(placement: dict[str, Any]) -> tuple[str, ...]:
    where = f"{placement['side']}: {placement['folder']}"
    state = placement["state"] + (", unverified" if placement["unverified"] else "")
    return (placement["id"], where, state, " ".join(placement["flags"]), placement["internaldate"])
