"""The real program against a real server that changes meanwhile, killed by SIGKILL at any instant, again and again."""

import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from fixtures.comparison import assert_exact, assert_quiet
from fixtures.installation import Installation, address_of
from fixtures.mutation import load, mutate
from fixtures.postbox import Postbox
from fixtures.servers.dovecot import Dovecot


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


def assert_nothing_doubled(home: Installation, user: str) -> None:
    """Equal bytes are one item, and a server id has one live row."""
    rows = home.run("list", address_of(user), "--state", "all", "--json").rows()
    items = {(row["sha256"], row["item"]) for row in rows if row["sha256"]}
    assert len(items) == len({sha256 for sha256, _ in items}) == len({item for _, item in items})
    live = [(row["folder"], row["uid"], row["side"]) for row in rows if row["state"] == "live"]
    assert len(live) == len(set(live))


@pytest.mark.parametrize(
    ("count", "kills"), [(150, 10), pytest.param(1500, 400, marks=[pytest.mark.proof, pytest.mark.timeout(7200)])]
)
def test_killed_again_and_again_it_loses_and_doubles_nothing(tmp_path: Path, count: int, kills: int) -> None:
    rng = Random(count)
    with Dovecot(rawlog=True) as server:
        load(server, "alice", 5, count)
        home = Installation(tmp_path, server)
        home.run("init")
        killer = Killer(count)
        for turn in range(kills):
            process = home.start("sync", "--jobs", "1")
            if turn % 2:
                with server.client("alice") as client:
                    mutate(Postbox(client, server.separator), rng, turn, 4)
            killer.kill(process)
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
