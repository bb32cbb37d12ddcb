"""The group of commands and the options before them. A command's file is imported when it is called, not before."""

import importlib
import logging
import os
import time
from pathlib import Path

import click

from replicator.cli.invocation import Invocation

COMMANDS = ("init", "sync", "status", "list", "show", "verify", "export")
# The libraries below us log addresses and folder names; -v turns up only what we say ourselves.
PACKAGES = ("connectors", "reconcile", "replicator")
LEVELS = {0: logging.WARNING, 1: logging.INFO}


class LazyGroup(click.Group):
    """Finds `replicator.cli.NAME.command`; so `--version`, and each command, imports only what it needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which one would use them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"replicator.cli.{cmd_name}").command
        return command


@click.group(cls=LazyGroup, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
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
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.ERROR if quiet else LEVELS.get(verbose, logging.DEBUG))
    ctx.obj = Invocation(
        config_file=config_file,
        environment=os.environ,
        directory=Path.cwd(),
        quiet=quiet,
        clock=time.time,  # noqa: TID251 - the process's one clock is taken here and passed on
    )
