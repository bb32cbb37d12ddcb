"""What a run costs where there is much of everything: it grows with what changed, not with what there is.

Rows are what the server lists of messages, bodies what it sends of them; both are counted in the server's own log.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.corpus import fill, tiny
from fixtures.footprint import measure
from fixtures.installation import Installation, address_of
from fixtures.servers.cutting import Cutting
from fixtures.servers.dovecot import Dovecot

USER = "alice"
MEMORY = 150_000_000
SESSION = 8
"""Commands that open a session and look at all folders."""

large = [pytest.mark.proof, pytest.mark.timeout(3000)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the last run made the server do."""

    commands: list[str]
    rows: int
    bodies: int

    @property
    def opened(self) -> list[str]:
        """The folders that were opened, one for each time."""
        return [line.split('"')[1] for line in self.commands if line.upper().startswith(("SELECT", "EXAMINE"))]


@pytest.fixture(params=["qresync", "condstore", "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(users=(USER,), capability=request.param, rawlog=True) as running:
        yield running


def cost_of_sync(server: Dovecot, home: Installation) -> Cost:
    server.forget_commands(USER)
    found = measure(lambda: home.start("sync", "--jobs", "1"))
    assert found.code == 0, found.err
    assert found.peak_bytes < MEMORY, f"{found.peak_bytes:,} bytes at the peak"
    said = b"".join(path.read_bytes() for path in server.root.glob(f"rawlog/{USER}/*.out"))
    return Cost(server.commands(USER), len(re.findall(rb"\* \d+ FETCH \(", said)), said.count(b" BODY[] {"))


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=large)])
def test_many_folders(server: Dovecot, tmp_path: Path, count: int) -> None:
    """With LIST-STATUS a quiet run takes as many commands for two thousand folders as for one."""
    for number in range(count):
        server.deliver(USER, f"Area {number % 40}/Folder {number}", [b"Subject: %d\r\n\r\nin it\r\n" % number])
    home = Installation(tmp_path, server)
    home.run("init")
    cost_of_sync(server, home)
    has_status = "LIST-STATUS" in server_says(server)
    quiet = cost_of_sync(server, home)
    assert (quiet.rows, quiet.bodies) == (0, 0) if has_status else quiet.bodies == 0
    assert len(quiet.commands) <= (SESSION if has_status else SESSION + 6 * (count + 41))
    server.deliver(USER, "Area 1/Folder 1", [b"Subject: new\r\n\r\none more\r\n"])
    changed = cost_of_sync(server, home)
    assert changed.bodies == 1
    if has_status:
        assert set(changed.opened) == {"Area 1/Folder 1"}
        assert len(changed.commands) <= SESSION + 6


@pytest.mark.parametrize("count", [1500, pytest.param(100_000, marks=large)])
def test_one_large_folder(server: Dovecot, tmp_path: Path, count: int) -> None:
    """Ten new ones, ten flagged and ten removed, whatever else there is."""
    server.deliver(USER, "INBOX", (mail.raw for mail in tiny(1, count)))
    home = Installation(tmp_path, server)
    home.run("init")
    cost_of_sync(server, home)
    server.deliver(USER, "INBOX", (mail.raw for mail in tiny(2, 10)))
    with server.client(USER) as client:
        client.select("INBOX")
        assert client.store("11:20", "+FLAGS", "(\\Flagged)")[0] == "OK"
        assert client.store("1:10", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert client.expunge()[0] == "OK"
    changed = cost_of_sync(server, home)
    assert changed.bodies == 10
    # Without CONDSTORE flags can only be compared by listing them all, once; removals are a set of numbers.
    everything = 0 if "CONDSTORE" in server_says(server) else count
    assert changed.rows <= 2 * (10 + 20) + everything, changed.commands
    assert len(changed.commands) <= SESSION + 8 + everything // 1000, changed.commands
    listed = home.run("status", "--json").json()["mailboxes"][0]["folders"]
    assert [(one["live"], one["balanced"]) for one in listed if one["path"] == "INBOX"] == [(count, True)]
    assert [one["removed"] for one in listed if one["path"] == "INBOX"] == [10]


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=large)])
def test_a_folder_emptied_and_refilled(server: Dovecot, tmp_path: Path, count: int) -> None:
    """Each message of the refill is read once, since only its bytes tell what it is; none of them is stored again."""
    raws = [mail.raw for mail in tiny(1, count)]
    server.deliver(USER, "INBOX", raws)
    home = Installation(tmp_path, server)
    home.run("init")
    cost_of_sync(server, home)
    with server.client(USER) as client:
        client.select("INBOX")
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()
    emptied = home.sync()
    assert (emptied["removed"], emptied["seen"]) == (count, 0)
    server.deliver(USER, "INBOX", raws)
    before = sealed(home)
    refilled = home.sync()
    assert (refilled["seen"], refilled["merged"], refilled["stored"]) == (count, count, 0)
    assert sealed(home) == before
    assert cost_of_sync(server, home).bodies == 0


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=large)])
def test_many_mailboxes(tmp_path: Path, count: int) -> None:
    """At once as many as were asked for, and no more connections than the source allows."""
    users = [f"user{number}" for number in range(count)]
    with Dovecot(users=users) as server:
        for number, user in enumerate(users):
            fill(server, user, tiny(number, 20))
        with Cutting(server.port, []) as proxy:
            home = Installation(tmp_path, server, users=users, source='tls = "off"\nmax_connections = 3')
            home.config.write_text(re.sub(r"port = \d+", f"port = {proxy.port}", home.config.read_text()))
            home.run("init")
            found = measure(lambda: home.start("sync", "--jobs", "6"))
            assert found.code == 0, found.err
            assert proxy.most == 3
            # The parent and six workers, as many as one mailbox alone would take.
            assert found.peak_bytes < 6 * MEMORY
        report = home.run("status", "--json").json()
        assert sum(one["messages"] for one in report["mailboxes"]) == 20 * count


def server_says(server: Dovecot) -> str:
    with server.client(USER) as client:
        return " ".join(client.capabilities) + " ".join(str(client.capability()[1]))


def sealed(home: Installation) -> dict[str, int]:
    """Every segment with its size."""
    return {path.name: path.stat().st_size for path in home.mailstore.glob("seg/*.seg")}


def test_of_the_tests_that_bodies_are_counted(tmp_path: Path) -> None:
    with Dovecot(users=(USER,), rawlog=True) as server:
        server.deliver(USER, "INBOX", [b"Subject: one\r\n\r\nx\r\n", b"Subject: two\r\n\r\ny\r\n"])
        home = Installation(tmp_path, server)
        home.run("init")
        first = cost_of_sync(server, home)
        assert first.bodies == 2
        assert first.rows >= 2
        assert home.run("list", address_of(USER)).rows()
