"""`replicator sync`: one pass over each mailbox."""

import os
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import ConfigError
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_text
from replicator.cli.invocation import Invocation, chosen, refuse_remains
from replicator.cli.leavers import find_leavers
from replicator.cli.options import Command, json_option, mailboxes_argument, wait_option

if TYPE_CHECKING:
    from replicator.engine.report import MailboxReport, RunReport


@click.command("sync", cls=Command, short_help="Bring the copies up to date.")
@mailboxes_argument
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Mailboxes at once; else one a processor.")
@click.option("--full", is_flag=True, help="Compare every folder in full, and try again all that is quarantined.")
@wait_option
@click.option(
    "--index-seconds",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    metavar="N",
    help="How long the index may take after what is durable; the next run goes on with the rest.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    mailboxes: tuple[str, ...],
    jobs: int | None,
    full: bool,
    wait: bool,
    index_seconds: float,
    as_json: bool,
) -> None:
    """Bring the copy of each MAILBOX, or of all, up to date: one pass, then end.

    What was acknowledged is kept: a run that is killed goes on where it stopped. A mailbox that fails does not stop
    the others; the exit code is then 3.
    """
    from replicator.engine import synchronise
    from replicator.engine.options import Options
    from replicator.progress import showing

    invocation: Invocation = ctx.obj
    config = invocation.config(passwords=True)
    if not config.mailboxes:
        raise ConfigError(f"{config.file} names no mailbox", "add a [[mailbox]]: docs/operations.md has an example")
    refuse_remains(config)
    names = chosen(mailboxes, config.mailboxes)
    leavers = find_leavers(config)
    staying = leavers.staying(names, mailboxes, quiet=invocation.quiet)
    options = Options(jobs=jobs or os.cpu_count() or 1, full=full, wait=wait, index=index_seconds)
    with showing(shown=invocation.shows_progress()) as advance:
        report = synchronise(config, staying, options, invocation.clock, advance)
    report.mailboxes += leavers.reports(names)
    if as_json:
        print_json(report.as_json() | _common_error(report))
    else:
        _show(report, quiet=invocation.quiet)
    ctx.exit(report.exit_code)


def _common_error(report: "RunReport") -> dict[str, Any]:
    """The error of a run that no mailbox survived, where errors of other commands stand; nothing for any other run."""
    errors = [mailbox.error for mailbox in report.mailboxes if mailbox.error is not None]
    if len(errors) < len(report.mailboxes) or len({error.code for error in errors}) != 1:
        return {}
    more = f"; and so for all {len(errors)} mailboxes" if len(errors) > 1 else ""
    message = f"{report.mailboxes[0].mailbox}: {errors[0].message}{more}"
    return {"error": {"code": errors[0].code, "message": message, "advice": errors[0].advice}}


def _show(report: "RunReport", *, quiet: bool) -> None:
    for mailbox in report.mailboxes:
        if not quiet and (mailbox.error is None or mailbox.folders):
            print_text(_line(mailbox))
        print_troubles(mailbox)
        if mailbox.unaccepted:
            advice = f"`replicator quarantine list {mailbox.mailbox}` says which and why; they are tried again"
            print_error(f"{mailbox.mailbox}: {counted(mailbox.unaccepted, 'message')} could not be taken", advice)


def print_troubles(mailbox: "MailboxReport") -> None:
    """What stopped the mailbox or a folder of it, on stderr."""
    for trouble in [*([mailbox.error] if mailbox.error else []), *mailbox.folder_errors]:
        print_error(f"{mailbox.mailbox}: {trouble.message}", trouble.advice)


_RARE = (
    *("filtered", "quarantined", "recovered", "removed", "flags_changed", "edited"),
    *("unverified", "reread", "corrected"),
)


def _line(mailbox: "MailboxReport") -> str:
    counts = mailbox.counts
    words = [f"{counts.seen} seen", f"{counts.stored} stored", f"{counts.merged} merged"]
    words += [f"{getattr(counts, name)} {name.replace('_', ' ')}" for name in _RARE if getattr(counts, name)]
    indexed = mailbox.indexed
    stages = {"indexed": indexed.done, "failed to be indexed": indexed.failed, "left to be indexed": indexed.backlog}
    words += [f"{number} {what}" for what, number in stages.items() if number]
    size = f", {human_bytes(counts.bytes)}" if counts.bytes else ""
    waited = f" ({mailbox.throttled_seconds:.0f} s waiting for the server)" if mailbox.throttled_seconds >= 1 else ""
    line = f"{mailbox.mailbox}: {counted(mailbox.folders, 'folder')}: {', '.join(words)}{size}, {mailbox.seconds:.1f} s"
    return line + waited
