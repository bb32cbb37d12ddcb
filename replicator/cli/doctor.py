"""`replicator doctor`: looks at everything that a run needs."""

import time
from typing import TYPE_CHECKING

import click

from connectors.errors import ReplicationError
from replicator.cli.display import print_json, print_text
from replicator.cli.invocation import Invocation, chosen
from replicator.cli.leavers import Leavers, find_leavers
from replicator.cli.options import Command, json_option, mailboxes_argument

if TYPE_CHECKING:
    from replicator.config import Config


@click.command("doctor", cls=Command, short_help="Look at everything that a run needs.")
@mailboxes_argument
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the mail systems may take, all together.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, mailboxes: tuple[str, ...], timeout: float, as_json: bool) -> None:
    """Check configuration, key, permissions, disk, clock, libraries, each mail system, and the login of each MAILBOX or
    of all. Nothing is changed.

    A check that fails hides none of the others. A warning is no failure.
    """
    from replicator.doctor import examine
    from replicator.doctor.examination import exit_code

    invocation: Invocation = ctx.obj
    checks = []
    for check in examine(
        lambda passwords: invocation.config(passwords=passwords),
        lambda config: _wanted(config, mailboxes),
        invocation.clock,
        time.monotonic,
        timeout,
    ):
        checks.append(check)
        if not as_json and (not invocation.quiet or not check.ok):
            word = "warning" if check.warns else "ok" if check.ok else "FAILED"
            first, *more = check.detail.splitlines() or [""]
            print_text(f"{word:<8} {check.name}: {first}")
            for line in [*more, *([f"→ {check.advice}"] if check.advice else [])]:
                print_text(f"         {line}")
    code = exit_code(checks)
    if as_json:
        print_json({"ok": code == 0, "checks": [check.as_json() for check in checks]})
    ctx.exit(code)


def _wanted(config: "Config", mailboxes: tuple[str, ...]) -> list[str]:
    """The mailboxes whose logins are tried: those that were asked for, or all that `sync` would replicate."""
    try:
        leavers = find_leavers(config)
    except (ReplicationError, OSError):  # a check of its own says so
        leavers = Leavers()
    names = chosen(mailboxes, config.mailboxes)
    return [name for name in names if name in mailboxes or name not in leavers.retired]
