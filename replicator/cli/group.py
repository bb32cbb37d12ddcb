"""The group of commands and the options before them. A command's file is imported when it is called, not before."""

import importlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from replicator.cli.invocation import Invocation
from replicator.verbosity import configure_logging, level_of

COMMANDS = (
    "init",
    "doctor",
    "sync",
    "status",
    "list",
    "show",
    "verify",
    "export",
    "quarantine",
    "key",
    "mailbox",
    "reconcile",
)


class LazyGroup(click.Group):
    """Finds `PACKAGE.NAME.command`; so `--version`, and each command, imports only what it needs.

    `names` are the commands, in the order in which one would use them.
    """

    def __init__(self, *args: Any, package: str, names: Sequence[str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._package, self._names = package, tuple(names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is none of that name."""
        if cmd_name not in self._names:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but an unknown command is answered with the one that may be meant."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from replicator.config.problems import suggestion

            raise click.UsageError(f"there is no command {args[0]!r}{suggestion(args[0], self._names)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    package="replicator.cli",
    names=COMMANDS,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="mailbox-replicator", prog_name="replicator", message="%(prog)s %(version)s")
@click.option(
    "--config", "config_file", metavar="FILE", help="Configuration; else $REPLICATOR_CONFIG, ./replicator.toml."
)
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for everything.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
@click.option("--debug", is_flag=True, help="Show where in the program an error arose.")
@click.pass_context
def replicator(ctx: click.Context, config_file: str | None, verbose: int, quiet: bool, debug: bool) -> None:
    """Replicates mailboxes into an encrypted store, proves the copy complete, and gives it back.

    Commands write data to stdout and messages to stderr. Exit codes are listed in docs/cli.md.
    """
    if verbose and quiet:
        raise click.UsageError("-v and -q exclude each other")
    configure_logging(level_of(verbose, quiet=quiet, debug=debug))
    ctx.obj = Invocation(
        config_file=config_file,
        environment=os.environ,
        directory=Path.cwd(),
        quiet=quiet,
        clock=time.time,  # noqa: TID251 - the process's one clock is taken here and passed on
    )
