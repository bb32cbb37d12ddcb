"""Runs one command line and gives its exit code: the one place where errors become text or JSON."""

import signal
import traceback
from collections.abc import Sequence

import click

from connectors.errors import ReplicationError
from replicator.advice import advice_on
from replicator.advice import described as described_by_system
from replicator.cli.display import OutputLost, abandon_output, flush_output, print_error, print_json
from replicator.cli.group import replicator
from replicator.cli.options import PipeBroken

FAILED, USAGE, INTERRUPTED = 1, 2, 130
BEFORE = frozenset({"--config", "-v", "--verbose", "-q", "--quiet", "--debug", "--version"})
BROKEN_PIPE = 128 + signal.SIGPIPE


class Interrupted(Exception):
    """Someone pressed Ctrl-C, or sent SIGTERM or SIGHUP."""


def run(arguments: Sequence[str]) -> int:
    """The exit code of this command line."""
    try:
        code = _answer(arguments)
        flush_output()
        return code
    except OutputLost as error:
        abandon_output()
        if error.reader_left:  # whoever read it has had enough
            return BROKEN_PIPE
        print_error(f"replicator: stdout cannot be written: {error}")
        return FAILED


def _answer(arguments: Sequence[str]) -> int:
    try:
        code = replicator.main(list(arguments), prog_name="replicator", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except OutputLost:
        raise
    except SystemExit:  # what click makes of a broken pipe under its own output, and of nothing else here
        raise OutputLost(BrokenPipeError()) from None
    except (KeyboardInterrupt, click.Abort) as error:
        interrupted = Interrupted()
        interrupted.__cause__ = error
        return report(interrupted, arguments)
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
        case Interrupted():
            return "Interrupted", "interrupted", _after(error), INTERRUPTED
        case click.ClickException():
            return "UsageError", *_usage(error), USAGE
        case PipeBroken():
            return "BrokenPipeError", "a part of this program has ended unexpectedly", "run it again", FAILED
        case OSError():
            return type(error).__name__, described_by_system(error), advice_on(error), FAILED
        case _:
            # The text of an error that nobody foresaw may quote a message; logs and syslog shall not have it.
            return type(error).__name__, f"unexpected {type(error).__name__}", "a bug: --debug shows where", FAILED


def _after(error: BaseException | None) -> str:
    """What to do after an interruption: what the command says by a KeyboardInterrupt with a text, or the usual."""
    while error is not None and not (isinstance(error, KeyboardInterrupt) and str(error)):
        error = error.__cause__
    return str(error) if error is not None else "what was acknowledged is kept: run it again to go on"


def _usage(error: click.ClickException) -> tuple[str, str]:
    """What was typed wrong, and how it is typed."""
    if isinstance(error, click.NoSuchOption) and error.option_name in BEFORE:
        return f"{error.option_name} stands before the command", f"replicator {error.option_name} … COMMAND"
    if isinstance(error, click.NoSuchOption) and error.option_name == "--json":  # every command has it
        return "--json stands after the command", "replicator COMMAND … --json"
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return " ".join(error.format_message().split()), f"{ctx.command_path if ctx else 'replicator'} --help"
