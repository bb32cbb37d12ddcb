"""Python loads this by itself when its directory is on PYTHONPATH: samples every thread of the process to its end.

A sample's weight is the CPU time that its thread took since the last one (Linux schedstat), so waiting weighs nothing.
At the end the stacks go to BENCH_SAMPLES as JSON, one file a process, spawned workers included.
"""

import atexit
import json
import os
import sys
import threading
from collections import Counter
from multiprocessing.util import Finalize
from pathlib import Path
from types import FrameType

INTERVAL = 0.002


class Sampler(threading.Thread):
    """Counts nanoseconds by (thread name, stack)."""

    def __init__(self, place: Path) -> None:
        super().__init__(name="sampler", daemon=True)
        self._place, self._ended = place, threading.Event()
        self._found: Counter[tuple[str, ...]] = Counter()
        self._used: dict[int, int] = {}

    def run(self) -> None:
        """Until `finish`. The interpreter lock must change hands more often than samples are taken, or a sample comes
        only when a call gives the lock up, and all the time before it is laid at that call's door."""
        sys.setswitchinterval(INTERVAL / 5)
        while not self._ended.wait(INTERVAL):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread is not self and thread.ident in frames:
                    self._found[thread.name, *_stack(frames[thread.ident])] += self._spent(thread)

    def _spent(self, thread: threading.Thread) -> int:
        try:
            used = int(Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[0])
        except (OSError, IndexError):
            return 0
        number = thread.native_id or 0
        spent = used - self._used.get(number, used)
        self._used[number] = used
        return spent

    def finish(self) -> None:
        """Writes once."""
        if not self._ended.is_set():
            self._ended.set()
            self.join()
            rows = [[spent, *stack] for stack, spent in self._found.items() if spent]
            (self._place / f"{os.getpid()}.json").write_text(json.dumps(rows))


def _stack(frame: FrameType | None) -> list[str]:
    """From the outermost call in; each as module:function:line."""
    found = []
    while frame is not None:
        found.append(f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return found[::-1]


if place := os.environ.get("BENCH_SAMPLES"):
    sampler = Sampler(Path(place))
    sampler.start()
    atexit.register(sampler.finish)
    Finalize(None, sampler.finish, exitpriority=100)  # worker processes of multiprocessing run no atexit
