"""A check that time grows with the length of the input only, for units that a hostile message repeats."""

from collections.abc import Callable
from time import process_time
from typing import TypeVar

AnyText = TypeVar("AnyText", str, bytes)

SMALL, FACTOR = 50_000, 8


def assert_linear(function: Callable[[AnyText], object], unit: AnyText) -> None:
    """Eight times the input may take eight times as long, and four times that where the machine is busy."""

    def seconds(size: int) -> float:
        data = unit * (size // len(unit))
        started = process_time()
        function(data)
        return process_time() - started

    small = min(seconds(SMALL) for _ in range(3))
    assert seconds(SMALL * FACTOR) < FACTOR * 4 * max(small, 0.002), f"{function!r} of {unit!r} repeated"
