"""Options that several commands share, each defined once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


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
        share = percent(str(value))
        if share is None:
            self.fail(f"{value!r} is no percentage between 0 and 100", param, ctx)
        return share


def percent(text: str) -> float | None:
    """`5`, `2.5` or `5%` as a number; None for anything else."""
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        return None
    return share if 0 < share <= 100 else None


def json_option(command: Command) -> Command:
    """`--json`: passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def mailboxes_argument(command: Command) -> Command:
    """`[MAILBOX…]`: passed on as `mailboxes`; none means all."""
    return click.argument("mailboxes", nargs=-1, metavar="[MAILBOX…]")(command)


def side_option(command: Command) -> Command:
    """`--side`: the primary unless said otherwise."""
    choice = click.Choice(["primary", "standby", "journal"])
    return click.option("--side", type=choice, default="primary", show_default=True, help="Which side.")(command)


def at_option(command: Command) -> Command:
    """`--at T`: None for now."""
    return click.option("--at", type=Instant(), help="As it was at this time; ISO 8601, local without an offset.")(
        command
    )
