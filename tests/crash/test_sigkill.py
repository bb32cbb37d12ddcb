"""The real program against a real server that changes meanwhile, killed by SIGKILL at any instant, again and again."""

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

import pytest

from fixtures.comparison import assert_exact, assert_quiet
from fixtures.installation import Installation, address_of
from fixtures.mutation import load, mutate
from fixtures.postbox import Postbox
from fixtures.servers.courier import Courier
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.mail_server import MailServer

SERVERS: dict[str, Callable[[], AbstractContextManager[MailServer]]] = {
    "Dovecot": lambda: Dovecot(rawlog=True),
    "Cyrus": lambda: CyrusImap(rawlog=True),
    "Courier": lambda: Courier(rawlog=True),
}
LARGE = [pytest.mark.proof, pytest.mark.timeout(7200)]


class Killer:
    """Kills at random moments of a run, wherever this machine's speed puts them; counts those that hit one alive."""

    def __init__(self, seed: int) -> None:
        self.hits = 0
        self._rng = Random(seed)
        self._longest = 0.8

    def kill(self, process: subprocess.Popen[str]) -> None:
        """The leader of the group only, as an out-of-memory killer would."""
        time.sleep(self._rng.uniform(0.1, self._longest))
        alive = process.poll() is None
        process.kill()
        process.communicate()
        self.hits += alive
        self._longest = min(2.0, max(0.2, self._longest * (1.2 if alive else 0.75)))


def change(server: MailServer, rng: Random, turn: int) -> None:
    """What the user does meanwhile."""
    with server.client("alice") as client:
        mutate(Postbox.on(server, client), rng, turn, 4)


def assert_nothing_doubled(home: Installation, user: str) -> None:
    """Equal bytes are one item, and a server id has one live row."""
    rows = home.run("list", address_of(user), "--state", "all", "--json").rows()
    items = {(row["sha256"], row["item"]) for row in rows if row["sha256"]}
    assert len(items) == len({sha256 for sha256, _ in items}) == len({item for _, item in items})
    live = [(row["folder"], row["uid"], row["side"]) for row in rows if row["state"] == "live"]
    assert len(live) == len(set(live))


@pytest.mark.parametrize(
    ("kind", "count", "kills"),
    [
        ("Dovecot", 150, 10),
        ("Cyrus", 100, 6),
        ("Courier", 100, 6),
        *(pytest.param(kind, 1500, kills, marks=LARGE) for kind, kills in zip(SERVERS, (400, 200, 200), strict=True)),
    ],
)
def test_killed_again_and_again_it_loses_and_doubles_nothing(tmp_path: Path, kind: str, count: int, kills: int) -> None:
    rng = Random(count)
    with SERVERS[kind]() as server, ThreadPoolExecutor(1) as user:
        load(server, "alice", 5, count)
        home = Installation(tmp_path, server)
        home.run("init")
        killer = Killer(count)
        for turn in range(kills):
            process = home.start("sync", "--jobs", "1")
            done = user.submit(change, server, rng, turn) if turn % 2 else None
            killer.kill(process)
            if done is not None:
                done.result()
        assert killer.hits >= kills // 3, "too few runs were caught alive to show anything"
        home.sync()
        assert_exact(home, server)
        assert_nothing_doubled(home, "alice")
        assert_quiet(home, server)
        checked = home.run("verify", "--read-data", "--json").json()
        assert (checked["ok"], checked["errors"]) == (True, [])


def test_workers_die_with_their_parent_and_leave_no_lock(tmp_path: Path) -> None:
    """The next run is never told that another one works on the mailbox (11)."""
    with Dovecot(users=("alice", "bob")) as server:
        for number, user in enumerate(("alice", "bob")):
            load(server, user, number, 150)
        home = Installation(tmp_path, server, users=("alice", "bob"))
        home.run("init")
        killer = Killer(1)
        for _ in range(4):
            killer.kill(home.start("sync", "--jobs", "2"))
            home.run("sync", "--jobs", "2", "--wait", "--json")
            home.run("sync", "--jobs", "2", "--json")
        for user in ("alice", "bob"):
            assert_exact(home, server, user)
