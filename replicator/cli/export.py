"""`replicator export`: gives mail back as files that hold the exact bytes, with a manifest that proves it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connectors.errors import ConfigError, StoreError
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes
from replicator.cli.options import Command, at_option, json_option, side_option

if TYPE_CHECKING:
    from replicator.export import ExportReport


@click.command("export", cls=Command, short_help="Give mail back as files.")
@click.option("--mailbox", required=True, metavar="M", help="What to export.")
@click.option("--folder", metavar="F", help="Only this folder of it, by its path as `list` shows it.")
@side_option
@at_option
@click.option(
    "--format", "format_", type=click.Choice(["eml"]), required=True, help="One file a message, as it was sent."
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
    """Write every live message of a mailbox to DIR: exact bytes, one file a placement, a directory a folder.

    manifest.jsonl lists each file with its SHA-256 and what `list` tells of it. What cannot be exported is named as an
    exception: the exit code is then 3, or 13 if stored bytes are damaged.
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
            raise StoreError(f"nothing is held of {mailbox} yet", "run `replicator sync`")
        placements = Selection(mailbox, folder, side, at).of(store, "all")
        with showing(shown=invocation.shows_progress()) as advance:
            report = export_messages(store, output, placements, advance)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report, output, quiet=invocation.quiet)
    ctx.exit(report.exit_code)


def _refuse_inside(output: Path, mailstore: Path) -> None:
    """Mail in clear has no place among what is encrypted, and the mailstore's directory is its own."""
    if output.resolve().is_relative_to(mailstore.resolve()):
        raise ConfigError(f"{output} lies within the mailstore {mailstore}", "name a directory outside of it")


def _show(report: "ExportReport", output: Path, *, quiet: bool) -> None:
    if not quiet:
        count = counted(report.messages, "live message")
        print_text(f"{count}, {human_bytes(report.bytes)} written to {output}, a file each")
        print_text(f"manifest.jsonl: SHA-256 {report.manifest_sha256}")
    for exception in report.exceptions:
        advice = f"`replicator show {exception['id']}` tells more"
        print_error(f"not exported: {exception['id']}: {exception['reason']}", advice)
