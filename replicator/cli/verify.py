"""`replicator verify`: whether what is stored is what was written."""

from typing import TYPE_CHECKING

import click

from connectors.errors import Tampered
from replicator.cli.display import counted, human_bytes, print_error, print_json, print_text
from replicator.cli.invocation import Invocation, chosen, known_mailboxes, note_untouched, refuse_remains
from replicator.cli.options import Command, Percent, is_number, json_option, mailboxes_argument

if TYPE_CHECKING:
    from replicator.cli.comparing import Comparison
    from replicator.mailstore import Mailstore
    from replicator.mailstore.problem import Problem
    from replicator.progress import Advance


SHARES = ("--read-data", "--source")


class ShareCommand(Command):
    """Lets SHARES stand alone: the word after one is its PERCENT only if it is a number, else a mailbox."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Gives the option its value where it was left out."""
        whole = [
            f"{word}=100" if word in SHARES and not is_number(follower) else word
            for word, follower in zip(args, [*args[1:], ""], strict=False)
        ]
        return super().parse_args(ctx, whole)


@click.command("verify", short_help="Check that what is stored is what was written.", cls=ShareCommand)
@mailboxes_argument
@click.option(
    "--read-data",
    type=Percent(),
    metavar="[PERCENT]",
    help="Also decrypt and hash again: every message, or a share of them drawn by chance.",
)
@click.option(
    "--source",
    type=Percent(),
    metavar="[PERCENT]",
    help="Also read again at the source and compare: every live message, or a share of them drawn by chance.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context, mailboxes: tuple[str, ...], read_data: float | None, source: float | None, as_json: bool
) -> None:
    """Check the mailstore, and each MAILBOX or all of them: databases, rows, records, and that each has its place.

    Ends with exit code 13 if anything is not as it was written, or not as its source has it. Nothing is changed. What
    has left the source, or came there since the last pass, is counted and is no error.
    """
    from replicator.engine.opening import root_of
    from replicator.mailstore import Mailstore
    from replicator.progress import showing

    invocation: Invocation = ctx.obj
    comparison: Comparison | None = None
    config = invocation.config(passwords=source is not None)
    refuse_remains(config)
    with Mailstore.open(config.mailstore.path, root_of(config), invocation.clock, damaged=True) as mailstore:
        held = mailstore.names()
        names = note_untouched(chosen(mailboxes, known_mailboxes(config, mailstore)), mailstore) if mailboxes else held
        with showing(shown=invocation.shows_progress()) as advance:
            problems, messages, size = _checked(mailstore, names, read_data, advance)
            if source is not None:
                from replicator.cli.comparing import comparable, compare

                names = comparable(config, mailstore, names, quiet=invocation.quiet)
                comparison = compare(config, mailstore, names, source, invocation.clock, advance)
    code = Tampered.exit_code if problems else comparison.exit_code if comparison else 0
    if as_json:
        differences = comparison.errors() if comparison else []
        errors = [{"where": problem.where, "what": problem.what} for problem in [*problems, *differences]]
        compared = {"source": comparison.as_json()} if comparison else {}
        print_json({"ok": code == 0, "messages": messages, "bytes": size, "errors": errors, **compared})
    else:
        _show(problems, messages, size, read_data, quiet=invocation.quiet)
        if comparison:
            comparison.show(quiet=invocation.quiet)
    ctx.exit(code)


def _checked(
    mailstore: "Mailstore", names: list[str], read_data: float | None, advance: "Advance"
) -> tuple[list["Problem"], int, int]:
    """What is wrong, and how many messages, of how many bytes, are right."""
    from replicator.mailstore.problem import Problem

    problems, messages, size = [], 0, 0
    for found in mailstore.verify(names, read_data):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            messages, size = messages + 1, size + found.size
            advance(1, found.size)
    return problems, messages, size


def _show(problems: "list[Problem]", messages: int, size: int, read_data: float | None, *, quiet: bool) -> None:
    for problem in problems:
        print_error(f"{problem.where}: {problem.what}")
    if quiet:
        return
    decrypted = {None: "", 100.0: ", decrypted and hashed"}.get(read_data, f", {read_data} % decrypted and hashed")
    found = counted(len(problems), "problem") if problems else "everything is as it was written"
    held = f"{counted(messages, 'different message')}, removed ones included, {human_bytes(size)}"
    print_text(f"{found}; {held}, in order{decrypted}")
