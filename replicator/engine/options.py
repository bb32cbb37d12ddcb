"""How a run goes about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Mailboxes at once, every folder in full, waiting for other runs.

    `slice` is how many seconds a mailbox may take while others wait, before it goes to the end of the line.
    """

    jobs: int = 1
    full: bool = False
    wait: bool = False
    slice: float = 60.0
