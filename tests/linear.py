"""A check that time grows with the length of the input only, for units that a hostile message repeats.

A quadratic reader takes 64 times as long for eight times the input, at every try; a busy machine, or the garbage of
the tests that ran before in the process, does not come back at every try.
"""

import gc
from collections.abc import Callable
from time import process_time
from typing import TypeVar

AnyText = TypeVar("AnyText", str, bytes)

SMALL, FACTOR = 50_000, 8
TRIES = 4


def cpu_seconds(call: Callable[[], object]) -> float:
    """The CPU time of one call, which is not asked to collect what others left."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        started = process_time()
        call()
        return process_time() - started
    finally:
        if collecting:
            gc.enable()


def assert_cheap(call: Callable[[], object], most: float, what: str = "") -> None:
    """One of a few calls takes less than so many seconds of CPU time."""
    taken = []
    while len(taken) < TRIES:
        taken.append(cpu_seconds(call))
        if taken[-1] < most:
            return
    raise AssertionError(f"{what} took {min(taken):.3f} s at least, in {TRIES} calls, instead of {most:.3f} s")


def assert_in_proportion(
    small: Callable[[], object], large: Callable[[], object], times: float, least: float = 0.002, what: str = ""
) -> None:
    """The large call takes less than so many times as long as the small one, or as ``least`` seconds."""
    base = max(least, min(cpu_seconds(small) for _ in range(3)))
    assert_cheap(large, times * base, what)


def assert_linear(function: Callable[[AnyText], object], unit: AnyText) -> None:
    """Eight times the input may take eight times as long, and four times that where the machine is busy."""
    few, many = (unit * (size // len(unit)) for size in (SMALL, SMALL * FACTOR))
    assert_in_proportion(
        lambda: function(few), lambda: function(many), FACTOR * 4, what=f"{function!r} of {unit!r} repeated"
    )
