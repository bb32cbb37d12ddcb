"""Runs one command line and gives its exit code: the one place where errors become text or JSON."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from connectors.errors import ReplicationError
from replicator.cli.display import print_error, print_json
from replicator.cli.group import replicator

FAILED, USAGE, INTERRUPTED = 1, 2, 130
BROKEN_PIPE = 128 + signal.SIGPIPE


def run(arguments: Sequence[str]) -> int:
    """The exit code of this command line."""
    try:
        code = replicator.main(list(arguments), prog_name="replicator", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (BrokenPipeError, SystemExit):  # SystemExit is what click makes of a broken pipe, and of nothing else here
        # Whoever read our output has had enough; the interpreter must not flush into the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what was acknowledged is kept, run the command again to go on", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - nothing stands above this to catch it
        return report(error, arguments)


def report(error: Exception, arguments: Sequence[str]) -> int:
    """Says what happened and what to do next, in the form that was asked for; gives the exit code."""
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--debug" in flags:
        traceback.print_exception(error)
    code, message, advice, exit_code = described(error)
    if "--json" in flags:
        print_json({"error": {"code": code, "message": message, "advice": advice}})
    else:
        print_error(f"replicator: {message}", advice)
    return exit_code


def described(error: Exception) -> tuple[str, str, str, int]:
    """The error's code, message, advice and exit code."""
    match error:
        case ReplicationError():
            return error.code, error.message, error.advice, error.exit_code
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "replicator"
            return "UsageError", error.format_message(), f"{command} --help", USAGE
        case click.ClickException():
            return "UsageError", error.format_message(), "", USAGE
        case OSError():
            return type(error).__name__, str(error), "", FAILED
        case _:
            # The text of an error that nobody foresaw may quote a message; logs and syslog shall not have it.
            return type(error).__name__, f"unexpected {type(error).__name__}", "a bug: --debug shows where", FAILED
