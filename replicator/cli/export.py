"""`replicator export`: gives mail back as files that hold the exact bytes, with a manifest that proves it."""

from pathlib import Path

import click

from replicator.cli.display import counted, human_bytes, print_error, print_json, print_text
from replicator.cli.invocation import Invocation, chosen
from replicator.cli.options import at_option, json_option, side_option


@click.command("export", short_help="Give mail back as files.")
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
    from replicator.export import export_messages
    from replicator.progress import showing

    invocation: Invocation = ctx.obj
    with invocation.open_mailstore(invocation.config()) as mailstore:
        chosen([mailbox], mailstore.names())
        store = mailstore.mailbox(mailbox)
        with showing(shown=invocation.shows_progress()) as advance:
            report = export_messages(store, output, store.listing(folder, side, "all", at), advance)
    if as_json:
        print_json(report.as_json())
    else:
        print_text(f"{counted(report.messages, 'message')}, {human_bytes(report.bytes)} written to {output}")
        print_text(f"manifest.jsonl: SHA-256 {report.manifest_sha256}")
        for exception in report.exceptions:
            print_error(f"not exported: {exception['id']}: {exception['reason']}")
    ctx.exit(report.exit_code)
