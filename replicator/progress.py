"""Progress on stderr: a bar on a terminal, nothing anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], None]
"""Told of messages and bytes that were kept since the last call."""


@contextmanager
def showing(*, shown: bool, total: int | None = None) -> Iterator[Advance]:
    """A bar that advances as it is told, and clears itself at the end; without `shown` it costs nothing."""
    if not shown:
        yield _ignore
        return
    from tqdm import tqdm  # noqa: PLC0415 - for people only

    with tqdm(total=total, unit=" messages", file=sys.stderr, leave=False, dynamic_ncols=True) as bar:
        received = 0

        def advance(messages: int, size: int) -> None:
            nonlocal received
            received += size
            bar.set_postfix_str(f"{received / 1e6:.1f} MB", refresh=False)
            bar.update(messages)

        yield advance


def _ignore(messages: int, size: int) -> None:
    """Nobody watches."""
