"""Who is next: in turn, within connections, and not at a dead source; and what a run's exit code says."""

from types import SimpleNamespace

import pytest

from connectors.errors import Locked, LoginRefused, Tampered, Unreachable
from replicator.engine.queue import Queue
from replicator.engine.report import MailboxReport, RunReport, Trouble


class Jobs:
    """Mailboxes named "source/number"; two connections for each source."""

    def sources(self, name: str) -> tuple[str, ...]:
        return (name.partition("/")[0],)

    def max_connections(self, source: str) -> int:
        return 2


def queue(*names: str) -> Queue:
    return Queue(names, Jobs())  # type: ignore[arg-type]


def test_no_source_gets_more_connections_than_it_allows() -> None:
    waiting = queue("a/1", "a/2", "a/3", "b/1")
    taken = [waiting.take() for _ in range(4)]
    assert [progress and progress.report.mailbox for progress in taken] == ["a/1", "a/2", "b/1", None]
    assert waiting
    first = taken[0]
    assert first is not None
    first.complete = True
    waiting.give_back(first)
    third = waiting.take()
    assert third is not None
    assert third.report.mailbox == "a/3"


def test_who_is_not_complete_goes_to_the_end_of_the_line() -> None:
    waiting = queue("a/1", "a/2")
    first = waiting.take()
    assert first is not None
    waiting.give_back(first)
    second = waiting.take()
    assert second is not None
    assert second.report.mailbox == "a/2"
    assert waiting.contended


def test_a_dead_source_is_made_known_to_who_comes_next() -> None:
    waiting = queue("a/1", "a/2", "b/1")
    first = waiting.take()
    assert first is not None
    first.complete, first.dead = True, {"a": Unreachable("no route")}
    waiting.give_back(first)
    second = waiting.take()
    assert second is not None
    assert list(second.dead) == ["a"]


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([None, None], 0),
        ([Unreachable("x"), LoginRefused("y")], 14),
        ([Unreachable("x"), None], 3),
        ([Locked("x"), Locked("x")], 11),
        ([Tampered("x")], 13),
        ([Tampered("x"), Unreachable("y")], 3),
        ([], 0),
    ],
)
def test_exit_codes(errors: list[Exception | None], code: int) -> None:
    reports = [MailboxReport(str(n), error=error and Trouble.of(error)) for n, error in enumerate(errors)]  # type: ignore[arg-type]
    assert RunReport("run", 1.0, reports).exit_code == code


def test_folders_and_messages_that_failed_give_3() -> None:
    broken = MailboxReport("a", folder_errors=[Trouble("FolderRefused", "x", "", 1)])
    assert RunReport("run", 1.0, [broken]).exit_code == 3
    quarantine = MailboxReport("a", unaccepted=1)
    assert RunReport("run", 1.0, [quarantine, MailboxReport("b")]).exit_code == 3
    assert quarantine.as_json()["ok"] is False
    assert SimpleNamespace(**broken.as_json()).error is None
