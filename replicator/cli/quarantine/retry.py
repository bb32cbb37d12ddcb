"""`replicator quarantine retry`: asks for what could not be taken, at once."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from connectors.errors import Locked
from replicator.cli.display import print_json, print_note
from replicator.cli.invocation import Invocation, chosen, refuse_remains
from replicator.cli.leavers import find_leavers
from replicator.cli.options import Command, json_option, mailboxes_argument, wait_option
from replicator.cli.sync import print_troubles

if TYPE_CHECKING:
    from replicator.config import Config


@click.command("retry", cls=Command, short_help="Try now to take what could not be taken.")
@mailboxes_argument
@wait_option
@json_option
@click.pass_context
def command(ctx: click.Context, mailboxes: tuple[str, ...], wait: bool, as_json: bool) -> None:
    """Try all that is in quarantine of each MAILBOX, or of all, without waiting for its time: by a pass as of `sync`.

    Prints a line a message that was tried, as `quarantine list`; its `state` is `live` if it was taken. Mailboxes with
    nothing in quarantine are left alone. The exit code is as of `sync`.
    """
    from replicator.engine import synchronise
    from replicator.engine.options import Options
    from replicator.progress import showing

    invocation: Invocation = ctx.obj
    config = invocation.config(passwords=True)
    refuse_remains(config)
    names = chosen(mailboxes, config.mailboxes)
    leavers = find_leavers(config)
    staying = leavers.staying(names, mailboxes, quiet=invocation.quiet)
    tried = _hastened(invocation, config, staying, wait=wait)
    if not tried and not invocation.quiet:
        print_note("nothing is in quarantine")
    options = Options(jobs=os.cpu_count() or 1, wait=wait)
    with showing(shown=invocation.shows_progress()) as advance:
        report = synchronise(config, list(tried), options, invocation.clock, advance)
    report.mailboxes += leavers.reports(names)
    _print(invocation, config, tried)
    for mailbox in report.mailboxes:
        print_troubles(mailbox)
    ctx.exit(report.exit_code)


def _hastened(invocation: Invocation, config: "Config", names: list[str], *, wait: bool) -> dict[str, list[int]]:
    """What is in quarantine of each mailbox, made due now."""
    from replicator.mailstore.mailbox.failures import FailureBook
    from replicator.quarantine import hasten

    tried: dict[str, list[int]] = {}
    with invocation.open_mailstore(config) as mailstore:
        held = set(mailstore.names())
        for name in names:
            store = mailstore.mailbox(name) if name in held else None
            placements = list(FailureBook(store.database).placements()) if store else []
            if store and placements:
                with suppress(Locked):  # which the pass will meet too, and report
                    hasten(mailstore, store, invocation.clock(), wait=wait)
                tried[name] = placements
    return tried


def _print(invocation: Invocation, config: "Config", tried: dict[str, list[int]]) -> None:
    from replicator.quarantine import entry

    with invocation.open_mailstore(config) as mailstore:
        for name, placements in tried.items():
            store = mailstore.mailbox(name)
            for placement in placements:
                print_json(entry(name, store, placement))
