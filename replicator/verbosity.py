"""What the program says about its own work: log lines on stderr, in the command's process and in each worker's.

The libraries below us log addresses and folder names, so only what we say ourselves is turned up.
"""

import logging

PACKAGES = ("connectors", "reconcile", "replicator")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def level_of(verbose: int, *, quiet: bool, debug: bool) -> int:
    """The level of `logging` for so many `-v`, for `-q`, or for `--debug`, which needs all."""
    if debug:
        return logging.DEBUG
    return logging.ERROR if quiet else _LEVELS[min(verbose, len(_LEVELS) - 1)]


def configure_logging(level: int) -> None:
    """Makes this process write our log lines from this level up to stderr. Each process calls it once, at its start."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level)


def current_level() -> int:
    """What `configure_logging` was last given in this process: what a worker is to be given too."""
    return logging.getLogger(PACKAGES[-1]).getEffectiveLevel()
