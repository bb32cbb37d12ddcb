"""A crew of worker processes, some of which die: the run loses what they worked on, and the books nothing."""

import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from connectors.registry import connectors
from replicator.config import Config, load_config
from replicator.engine.opening import Jobs, open_mailstore
from replicator.engine.options import Options
from replicator.engine.queue import Queue
from replicator.engine.running import synchronise
from replicator.engine.workers import Crew
from replicator.mailstore import Mailstore
from replicator.mailstore.keys import FileRoot

NAMES = [f"user{number}@corp.example" for number in range(5)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Five Maildirs, a message each."""
    lines = ['[mailstore]\npath = "mailstore"\nkey = { file = "key" }\n[source.disk]\nconnector = "maildir"\n']
    for number, name in enumerate(NAMES):
        new = tmp_path / f"mail{number}" / "new"
        for part in ("cur", "new", "tmp"):
            (new.parent / part).mkdir(parents=True)
        (new / "1700000000.1.host").write_bytes(f"Subject: {number}\r\n\r\n".encode())
        lines.append(f'[[mailbox]]\nid = "{name}"\nprimary = {{ source = "disk", path = "mail{number}" }}\n')
    file = tmp_path / "replicator.toml"
    file.write_text("".join(lines))
    Mailstore.create(tmp_path / "mailstore", FileRoot.create(tmp_path / "key")).close()
    return load_config(file, connectors())


def silent(messages: int, size: int) -> None:
    """Progress that no one looks at."""


def test_all_mailboxes_by_two_workers(config: Config) -> None:
    report = synchronise(config, NAMES, Options(jobs=2), time.time, silent)
    assert (report.exit_code, [one.counts.seen for one in report.mailboxes]) == (0, [1] * 5)
    assert [one.mailbox for one in report.mailboxes] == NAMES


def test_a_worker_that_died_idle_is_replaced(config: Config) -> None:
    queue = Queue(NAMES, Jobs(config, time.sleep, Random(1)))
    with Crew(config, "run", Options(jobs=2), silent, size=2) as crew:
        victim = crew._workers[0].process
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        crew.work(queue)
    failed = [report for report in queue.reports.values() if report.error]
    assert [report.error.code for report in failed if report.error] in ([], ["WorkerDied"])
    assert sum(report.counts.seen for report in queue.reports.values()) == 5 - len(failed)
    with open_mailstore(config, time.time) as mailstore:
        assert not [problem for problem in mailstore.verify(mailstore.names(), 100) if hasattr(problem, "what")]


def test_what_concerns_the_whole_run_is_raised_by_the_parent(config: Config) -> None:
    """A worker that cannot open the mailstore says so, and the run ends with that."""
    queue = Queue(NAMES, Jobs(config, time.sleep, Random(1)))
    (config.mailstore.path / "format.json").unlink()
    with (
        pytest.raises(Exception, match="no mailstore"),
        Crew(config, "run", Options(jobs=2), silent, size=1) as crew,
    ):
        crew.work(queue)


def test_the_mailbox_that_a_worker_died_over_is_told_until_it_succeeds(config: Config) -> None:
    queue = Queue(NAMES, Jobs(config, time.sleep, Random(1)))
    with Crew(config, "run", Options(jobs=2), silent, size=2) as crew:
        worker = crew._workers[0]
        worker.progress = queue.take()
        os.kill(worker.process.pid or 0, signal.SIGKILL)
        crew.work(queue)
    assert [report.error and report.error.code for report in queue.reports.values()] == ["WorkerDied", *[None] * 4]
    assert troubles(config) == [("WorkerDied", None, None)]
    assert synchronise(config, NAMES, Options(jobs=2), time.time, silent).exit_code == 0
    assert troubles(config) == []


def troubles(config: Config) -> list[tuple[str, str | None, str | None]]:
    with open_mailstore(config, time.time) as mailstore:
        found = [each for name in mailstore.names() for each in mailstore.mailbox(name).troubles.all()]
    return [(each.code, each.side, each.folder) for each in found]
