"""The command `replicator`: one command, one file; this is where the process begins and ends."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Runs the command line and ends the process with the exit code that docs/cli.md lists."""
    _fill_standard_files()
    # Imported here, so that importing the package for one of its parts costs nothing.
    from replicator.cli.running import run

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has it ignored, and so it stays
            signal.signal(number, _interrupt)
    sys.exit(run(sys.argv[1:]))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ends the command as Ctrl-C does, so that what it holds is closed."""
    raise KeyboardInterrupt


def _fill_standard_files() -> None:
    """Where stdout is closed, the next file to be opened would get its number, and whatever is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
