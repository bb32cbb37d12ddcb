"""The command `replicator`: one command, one file; this is where the process begins and ends."""

import sys


def main() -> None:
    """Runs the command line and ends the process with the exit code that docs/cli.md lists."""
    # Imported here, so that importing the package for one of its parts costs nothing.
    from replicator.cli.running import run

    sys.exit(run(sys.argv[1:]))
