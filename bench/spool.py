"""Messages in one file, and the clock that times what reads them. Foreign programs' environments run it too, so that it
needs nothing but Python."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GROUP = 4 << 20
"""Bytes of messages that are read, and then timed in one go."""
WARM_UP = 20
"""Messages that are read first and not timed: expressions are compiled, tables are filled."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read mail. `prepare` makes of messages what `call` takes, and is not timed.

    `refusals` are the errors by which it says that it will not read a message; any other ends the measurement.
    """

    call: Callable[[Any], object]
    prepare: Callable[[list[bytes]], list[Any]] = list
    refusals: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True)
class Clocked:
    """What one way took for all messages. `bytes` are those that it was given, `peak_bytes` those of its process."""

    wall: float
    cpu: float
    items: int
    bytes: int
    refused: int
    peak_bytes: int


def write_spool(path: Path, messages: Iterable[bytes]) -> tuple[int, int]:
    """Each with its length before it. Their number and their bytes."""
    count = size = 0
    with path.open("wb") as file:
        for message in messages:
            file.write(len(message).to_bytes(8, "big") + message)
            count, size = count + 1, size + len(message)
    return count, size


def read_spool(path: Path) -> Iterator[list[bytes]]:
    """In groups, so that memory holds little of a large spool."""
    group, held = list[bytes](), 0
    with path.open("rb") as file:
        while prefix := file.read(8):
            group.append(file.read(int.from_bytes(prefix, "big")))
            held += len(group[-1])
            if held >= GROUP:
                yield group
                group, held = [], 0
    yield group


def header_blocks(messages: list[bytes]) -> list[bytes]:
    """Of each message."""
    return [header_block(raw) for raw in messages]


def header_block(raw: bytes) -> bytes:
    """With the empty line after it; the whole message if it has none."""
    found = _EMPTY_LINE.search(raw)
    return raw[: found.end()] if found else raw


_EMPTY_LINE = re.compile(rb"\n\r?\n")


def clock(way: Way, spool: Path) -> Clocked:
    """Calls it once for everything in the spool."""
    wall = cpu = 0.0
    items = size = refused = 0
    _call_all(way, way.prepare(next(read_spool(spool))[:WARM_UP]))
    for group in read_spool(spool):
        prepared = way.prepare(group)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        refused += _call_all(way, prepared)
        wall, cpu = wall + time.perf_counter() - begin, cpu + time.process_time() - begin_cpu
        items += len(prepared)
        size += sum(len(item) for item in prepared if isinstance(item, bytes))
    return Clocked(wall, cpu, items, size, refused, _peak())


def _call_all(way: Way, prepared: list[Any]) -> int:
    """How many were refused."""
    call, refused = way.call, 0
    for item in prepared:
        try:
            call(item)
        except way.refusals:
            refused += 1
    return refused


def _peak() -> int:
    """The largest resident set of this process. getrusage would count in what started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(ways: Mapping[str, Way], facts: Mapping[str, str]) -> None:
    """What a measured process does, on one core: NAME SPOOL, the answer on standard output. `facts` are versions."""
    name, spool = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps({"clocked": asdict(clock(ways[name], Path(spool))), "facts": facts}))
