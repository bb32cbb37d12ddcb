"""The second stage in earnest: what waits is said, a later run goes on, and nothing that is durable waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.corpus import fill, mixed
from fixtures.installation import Installation, address_of
from fixtures.servers.dovecot import Dovecot
from replicator.mailstore import Mailstore
from replicator.mailstore.keys import FileRoot
from replicator.mailstore.mailbox.fulltext import phrase

USERS = ("alice", "bob")
COUNT = 40


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    with Dovecot(users=USERS) as server:
        for seed, user in enumerate(USERS):
            fill(server, user, mixed(seed, COUNT))
            server.deliver(user, "INBOX", [b"Subject: Zebrafink\r\n\r\nein Vogel\r\n"])
        made = Installation(tmp_path, server, users=USERS)
        made.run("init")
        yield made


def indexed(home: Installation) -> list[dict[str, int]]:
    return [mailbox["indexed"] for mailbox in home.run("status", "--json").json()["mailboxes"]]


def found(home: Installation, text: str) -> list[int]:
    with Mailstore.open(home.mailstore, FileRoot(home.directory / "mailstore.key")) as mailstore:
        return [len(list(mailstore.mailbox(address_of(user)).search_text(phrase(text)))) for user in USERS]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_left_out_waits_and_is_made_up(home: Installation, jobs: str) -> None:
    report = home.run("sync", "--json", "--jobs", jobs, "--index-seconds", "0").json()
    waiting = [mailbox["indexed"]["backlog"] for mailbox in report["mailboxes"]]
    assert [mailbox["stored"] for mailbox in report["mailboxes"]] == waiting
    assert min(waiting) > COUNT // 2
    assert indexed(home) == [{"done": 0, "backlog": each, "failed": 0, "reasons": {}} for each in waiting]
    assert f"{waiting[0]} wait for the next `sync`" in home.run("status").out
    assert found(home, "Zebrafink") == [0, 0]
    answer = home.run("sync", "--jobs", jobs)
    assert f"{waiting[0]} indexed" in answer.out
    assert indexed(home) == [{"done": each, "backlog": 0, "failed": 0, "reasons": {}} for each in waiting]
    assert f"index: {waiting[0]} different messages" in home.run("status").out
    assert found(home, "zebrafink") == [1, 1]
    home.run("verify", "--read-data")
    again = home.run("sync", "--json", "--jobs", jobs).json()
    assert [mailbox["indexed"]["done"] for mailbox in again["mailboxes"]] == [0, 0]
