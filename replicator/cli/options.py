"""What several commands share: their class, and options, each defined once."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class PipeBroken(Exception):
    """A pipe that is not stdout broke. click would take the BrokenPipeError for a reader who has had enough."""


class Command(click.Command):
    """A command. What it prints fails as OutputLost; so no other broken pipe or end of file is to be taken for that."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, EOFError) as error:
            raise PipeBroken from error


class Instant(click.ParamType[float]):
    """A time as ISO 8601; without an offset it is this machine's local time. Gives seconds since the epoch."""

    name = "T"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Fails with the forms that are understood."""
        if isinstance(value, float):
            return value
        try:
            return datetime.fromisoformat(value).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write 2026-03-01T08:30:00+01:00, or 2026-03-01 08:30", param, ctx)


class Percent(click.ParamType[float]):
    """A share in percent, above 0 and up to 100, with or without the sign. Gives the number."""

    name = "PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Fails for what is no share."""
        text = str(value)
        share = float(text.removesuffix("%")) if is_number(text) else 0.0
        if not 0 < share <= 100:
            self.fail(f"{text!r} is no percentage above 0 and up to 100", param, ctx)
        return share


def is_number(text: str) -> bool:
    """Whether this is `5`, `2.5`, `5%` or the like, whatever its size."""
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)%?", text, re.ASCII) is not None


def json_option(command: Decorated) -> Decorated:
    """`--json`: passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def wait_option(command: Decorated) -> Decorated:
    """`--wait`: passed on as `wait`."""
    text = "Wait for another run on the same mailbox instead of failing."
    return click.option("--wait", is_flag=True, help=text)(command)


def boilerplate_option(command: Decorated) -> Decorated:
    """`--boilerplate FILE…`: passed on as `boilerplate`, a tuple of paths."""
    return click.option(
        "--boilerplate",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A text that gateways or lists add here (one text a file); copies that differ by it only are the same.",
    )(command)


def mailboxes_argument(command: Decorated) -> Decorated:
    """`[MAILBOX…]`: passed on as `mailboxes`; none means all."""
    return click.argument("mailboxes", nargs=-1, metavar="[MAILBOX…]")(command)


def side_option(command: Decorated) -> Decorated:
    """`--side`: the primary unless said otherwise."""
    choice = click.Choice(["primary", "standby", "journal"])
    return click.option("--side", type=choice, default="primary", show_default=True, help="Which side.")(command)


def at_option(command: Decorated) -> Decorated:
    """`--at T`: None for now."""
    return click.option("--at", type=Instant(), help="As it was at this time; ISO 8601, local without an offset.")(
        command
    )
