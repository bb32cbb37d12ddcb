"""One run over many mailboxes: in this process, or by a crew of workers."""

import random
import secrets
import time
from collections.abc import Callable, Sequence

from replicator.config import Config
from replicator.engine.opening import Jobs, open_mailstore
from replicator.engine.options import Options
from replicator.engine.queue import Queue
from replicator.engine.report import RunReport
from replicator.engine.step import Engine
from replicator.engine.workers import Crew

Tell = Callable[[int, int], None]
"""Told of progress: messages and bytes since the last call."""


def synchronise(
    config: Config, names: Sequence[str], options: Options, clock: Callable[[], float], tell: Tell
) -> RunReport:
    """Brings the mailboxes up to date. Raises what concerns them all: NoMailstore, KeyRefused, StorageFull."""
    started, run = time.monotonic(), secrets.token_hex(8)
    queue = Queue(names, Jobs(config, time.sleep, random.Random()))  # noqa: S311 - spreads retries, guards nothing
    if options.jobs == 1 or len(names) == 1:
        _work_alone(config, queue, run, options, clock, tell)
    else:
        # Whatever is wrong with the mailstore is said once, and not by each worker.
        with open_mailstore(config, clock) as mailstore:
            mailstore.ensure_mailboxes(names)
        with Crew(config, run, options, tell, size=min(options.jobs, len(names))) as crew:
            crew.work(queue)
    return RunReport(run, time.monotonic() - started, [queue.reports[name] for name in names])


def _work_alone(
    config: Config, queue: Queue, run: str, options: Options, clock: Callable[[], float], tell: Tell
) -> None:
    jobs = Jobs(config, time.sleep, random.Random())  # noqa: S311 - as above
    with open_mailstore(config, clock) as mailstore:
        mailstore.ensure_mailboxes(list(queue.reports))
        engine = Engine(mailstore, run, clock, time.monotonic, tell)
        engine.indexing = options.index
        while (progress := queue.take()) is not None:
            seconds = options.slice if queue.contended else float("inf")
            engine.step(jobs.job(progress.report.mailbox, full=options.full, wait=options.wait), progress, seconds)
            queue.give_back(progress)
