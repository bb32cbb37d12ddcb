"""A crew of worker processes: each steps over one mailbox at a time. The parent deals out mailboxes and connections."""

import logging
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType

from connectors.errors import ReplicationError, StoreError
from replicator.config import Config
from replicator.engine.opening import Jobs, open_mailstore
from replicator.engine.options import Options
from replicator.engine.queue import Queue
from replicator.engine.report import Trouble
from replicator.engine.step import Engine, Progress
from replicator.verbosity import configure_logging, current_level

log = logging.getLogger(__name__)

# Never fork: an open database and a running thread would come along.
_spawn = multiprocessing.get_context("spawn")
_TELL_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class _Task:
    progress: Progress
    seconds: float


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: "Connection[_Task, _Answer]"
    progress: Progress | None = None


_Answer = Progress | ReplicationError | tuple[int, int]
"""The step's end, what concerns the whole run, or messages and bytes since the last word."""


class Crew:
    """Workers for one run. One that dies takes down the mailbox that it worked on, and is replaced."""

    def __init__(
        self, config: Config, run: str, options: Options, tell: Callable[[int, int], None], *, size: int
    ) -> None:
        self._arguments = (config, run, options, current_level())
        self._config, self._run = config, run
        self._slice = options.slice
        self._tell = tell
        self._workers = [self._hire() for _ in range(size)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if error is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join()

    def work(self, queue: Queue) -> None:
        """Until no mailbox is left. Raises what a worker says concerns the whole run."""
        while queue:
            for worker in self._workers:
                if worker.progress is None and (progress := queue.take()) is not None:
                    self._send(worker, progress, queue)
            busy = {worker.pipe: worker for worker in self._workers if worker.progress is not None}
            free = len(busy) < len(self._workers)
            for pipe in wait(list(busy), queue.idle if free else None):
                self._hear(busy[pipe], queue)  # type: ignore[index]

    def _send(self, worker: _Worker, progress: Progress, queue: Queue) -> None:
        worker.progress = progress
        try:
            worker.pipe.send(_Task(progress, self._slice if queue.contended else float("inf")))
        except OSError:  # it died while it had nothing to do
            self._bury(worker, queue)

    def _hear(self, worker: _Worker, queue: Queue) -> None:
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, queue)
            return
        match answer:
            case ReplicationError():
                raise answer
            case Progress():
                worker.progress = None
                queue.give_back(answer)
            case (messages, size):
                self._tell(messages, size)

    def _bury(self, worker: _Worker, queue: Queue) -> None:
        worker.process.join()
        progress = worker.progress
        assert progress is not None
        text = f"its worker process ended unexpectedly (exit code {worker.process.exitcode})"
        progress.report.error = Trouble("WorkerDied", text, "what was acknowledged is kept; run again", 1)
        progress.complete = True
        _record_death(self._config, self._run, progress.report.mailbox, progress.report.error)
        queue.give_back(progress)
        self._workers[self._workers.index(worker)] = self._hire()

    def _hire(self) -> _Worker:
        here, there = _spawn.Pipe()
        process = _spawn.Process(target=_serve, args=(there, *self._arguments), daemon=True)
        # The worker inherits the mask: Ctrl-C reaches the parent only, which ends its workers.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()
        return _Worker(process, here)


def _record_death(config: Config, run: str, mailbox: str, trouble: Trouble) -> None:
    """Keeps for `status` what the dead can no longer write down."""
    try:
        with open_mailstore(config, time.time) as mailstore:  # noqa: TID251 - the clock of this process
            store = mailstore.ensure_mailbox(mailbox)
            with mailstore.lease(store) as epoch:
                store.begin(run, epoch)
                store.troubles.add("", "", trouble.reason(), time.time())  # noqa: TID251
    except StoreError as error:  # the run reports the death all the same
        log.info("the death of a worker cannot be kept: %s", error.code)


def _serve(pipe: "Connection[_Answer, _Task]", config: Config, run: str, options: Options, level: int) -> None:
    """A worker's life: steps, until the parent closes the pipe or dies. `level` is that of its log lines."""
    configure_logging(level)
    _die_with_parent()
    teller = _Teller(pipe)
    jobs = Jobs(config, time.sleep, random.Random())  # noqa: S311 - spreads retries, guards nothing
    try:
        with open_mailstore(config, time.time) as mailstore:  # noqa: TID251 - the clock of this process
            engine = Engine(mailstore, run, time.time, time.monotonic, teller.tell)  # noqa: TID251
            engine.indexing = options.index
            while True:
                task = pipe.recv()
                job = jobs.job(task.progress.report.mailbox, full=options.full, wait=options.wait)
                engine.step(job, task.progress, task.seconds)
                teller.flush()
                pipe.send(task.progress)
    except EOFError:
        return
    except ReplicationError as error:
        pipe.send(error)


def _die_with_parent() -> None:
    """A killed run leaves no one behind who holds its locks."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


class _Teller:
    """Passes progress on, but not for each message."""

    def __init__(self, pipe: "Connection[_Answer, _Task]") -> None:
        self._pipe = pipe
        self._told = time.monotonic()
        self._messages = self._bytes = 0

    def tell(self, messages: int, size: int) -> None:
        self._messages += messages
        self._bytes += size
        if time.monotonic() - self._told >= _TELL_EVERY:
            self.flush()

    def flush(self) -> None:
        if self._messages:
            self._pipe.send((self._messages, self._bytes))
        self._messages = self._bytes = 0
        self._told = time.monotonic()
