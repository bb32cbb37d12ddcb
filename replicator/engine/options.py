"""How a run goes about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Mailboxes at once, every folder in full, waiting for other runs.

    `slice` is how many seconds a mailbox may take while others wait, before it goes to the end of the line. `index` is
    how many seconds each worker may spend on the index, after what is durable: a run that lasts delays the next one.
    """

    jobs: int = 1
    full: bool = False
    wait: bool = False
    slice: float = 60.0
    index: float = 300.0
