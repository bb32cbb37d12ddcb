"""`replicator export`: gives mail back as files that hold the exact bytes, with a manifest that proves it."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors.errors import ConfigError, StoreError
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes, untouched
from replicator.cli.options import Command, at_option, json_option, side_option

if TYPE_CHECKING:
    from replicator.export import ExportReport

KINDS = {"eml": "a file each", "mbox": "a file a folder", "maildir": "a Maildir++"}


@click.command("export", cls=Command, short_help="Give mail back as files.")
@click.option("--mailbox", required=True, metavar="M", help="What to export.")
@click.option("--folder", metavar="F", help="Only this folder of it, by its path as `list` shows it.")
@side_option
@at_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(KINDS)),
    required=True,
    help="A file a message, as it was sent; mboxrd, a file a folder; or a Maildir++.",
)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new or empty directory."
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    mailbox: str,
    folder: str | None,
    side: str,
    at: float | None,
    format_: str,
    output: Path,
    as_json: bool,
) -> None:
    """Write every live message of a mailbox to DIR: exact bytes, one file a placement or, with mbox, a folder.

    manifest.jsonl lists each message with its file, its SHA-256 and what `list` tells of it. What cannot be exported is
    named as an exception: the exit code is then 3, or 13 if stored bytes are damaged.
    """
    from replicator.cli.selection import Selection
    from replicator.export import export_messages
    from replicator.progress import showing

    invocation: Invocation = ctx.obj
    config = invocation.config()
    _refuse_inside(output, config.mailstore.path)
    with invocation.open_mailstore(config) as mailstore:
        chosen([mailbox], known_mailboxes(config, mailstore))
        store = mailstore.mailbox(mailbox) if mailbox in mailstore.names() else None
        if store is None or store.database.began() is None:
            raise StoreError(*untouched(mailbox, mailstore))
        placements = Selection(mailbox, folder, side, at).of(store, "all")
        with showing(shown=invocation.shows_progress()) as advance:
            try:
                report = export_messages(store, output, placements, advance, format_)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"the export is not complete: remove {output} and export again") from None
    if as_json:
        print_json(report.as_json())
    else:
        _show(report, f"{output}, {KINDS[format_]}", quiet=invocation.quiet)
    ctx.exit(report.exit_code)


def _refuse_inside(output: Path, mailstore: Path) -> None:
    """Mail in clear has no place among what is encrypted, and the mailstore's directory is its own."""
    if output.resolve().is_relative_to(mailstore.resolve()):
        raise ConfigError(f"{output} lies within the mailstore {mailstore}", "name a directory outside of it")


def _show(report: "ExportReport", where: str, *, quiet: bool) -> None:
    if not quiet:
        count = counted(report.messages, "live message")
        print_text(f"{count}, {human_bytes(report.bytes)} written to {where}")
        print_text(f"manifest.jsonl: SHA-256 {report.manifest_sha256}")
        for reason, number in Counter(remark["reason"] for remark in report.remarks).items():
            print_text(f"{counted(number, 'message')}: {reason}")
    for exception in report.missing:
        advice = f"`replicator show {exception['id']}` tells more"
        print_error(f"not exported: {exception['id']}: {exception['reason']}", advice)
