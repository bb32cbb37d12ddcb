"""`list` and `export` equal what Dovecot, Cyrus and Courier serve: mail of every ugly kind, and while it changes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

import pytest

from fixtures.comparison import assert_exact, assert_exported, assert_quiet
from fixtures.installation import Installation
from fixtures.mutation import load, mutate
from fixtures.postbox import Postbox
from fixtures.servers.courier import Courier
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.mail_server import MailServer

USER = "alice"


COMMON: dict[str, Callable[[], AbstractContextManager[MailServer]]] = {
    "Dovecot with QRESYNC": lambda: Dovecot(rawlog=True),
    "Dovecot with CONDSTORE": lambda: Dovecot(capability="condstore", rawlog=True),
    "Dovecot with neither": lambda: Dovecot(capability="plain", rawlog=True),
    "Cyrus with QRESYNC": lambda: CyrusImap(rawlog=True),
    "Courier": lambda: Courier(rawlog=True),
}
RARE: dict[str, Callable[[], AbstractContextManager[MailServer]]] = {
    "Cyrus with QRESYNC and no memory": lambda: CyrusImap(purge=True, separator=".", rawlog=True),
    "Cyrus with CONDSTORE, all below INBOX": lambda: CyrusImap(capability="condstore", below_inbox=True, rawlog=True),
    "Cyrus with neither": lambda: CyrusImap(capability="plain", rawlog=True),
}


@pytest.fixture(params=[*COMMON, *(pytest.param(name, marks=pytest.mark.proof) for name in RARE)])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")  # the server shows its dates in its own zone: +05:45
    with (COMMON | RARE)[request.param]() as running:
        yield running


@pytest.mark.parametrize(
    ("count", "rounds"), [(160, 2), pytest.param(6000, 40, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
)
def test_what_is_kept_is_what_is_served_and_stays_so(
    server: MailServer, tmp_path: Path, count: int, rounds: int
) -> None:
    """First pass, a quiet pass, then rounds of random changes with a pass after each, and an export."""
    total = load(server, USER, 1, count)
    home = Installation(tmp_path, server)
    home.run("init")
    report = home.sync()
    assert (report["seen"], report["quarantined"], report["filtered"]) == (total, 0, 0)
    truth = assert_exact(home, server)
    assert_quiet(home, server)
    rng = Random(f"changes {count}")
    for turn in range(rounds):
        with server.client(USER) as client:
            mutate(Postbox.on(server, client), rng, turn + 2, 12)
        home.sync()
        truth = assert_exact(home, server)
    assert_exported(home, truth, tmp_path / "export")
    assert_quiet(home, server)
    assert home.run("verify", "--read-data", "--json").json()["errors"] == []


def test_names_with_the_other_separator_are_kept(tmp_path: Path) -> None:
    """With "." between levels a name may hold "/", or begin with "~"."""
    with Dovecot(separator=".", plugins="listescape") as server:
        load(server, USER, 3, 80)
        home = Installation(tmp_path, server)
        home.run("init")
        home.sync()
        assert any("%2F" in one.folder for one in assert_exact(home, server))


def test_mailboxes_side_by_side_keep_apart(tmp_path: Path) -> None:
    """Two mailboxes with much in common, by two workers: each has its own, attachments are stored once."""
    users = ("alice", "bob")
    with Dovecot(users=users) as server:
        for user in users:
            load(server, user, 4, 60)
        home = Installation(tmp_path, server, users=users)
        home.run("init")
        home.run("sync", "--jobs", "2", "--json")
        assert [one.sha256 for one in assert_exact(home, server, "alice")] != []
        assert_exact(home, server, "bob")
        status = home.run("status", "--json").json()
        apart = sum(mailbox["stored_bytes"] for mailbox in status["mailboxes"])
        assert sum(path.stat().st_size for path in home.mailstore.rglob("*.seg")) < apart


@pytest.mark.parametrize("mode", ["implicit", "starttls"])
def test_under_tls_with_a_private_authority(tmp_path: Path, mode: str) -> None:
    """The same over TLS; without the authority's certificate nothing is sent (14)."""
    with Dovecot(tls=True, plaintext=False) as server:
        server.deliver(USER, "INBOX", [b"Subject: one\r\n\r\nover TLS\r\n", b"Subject: two\r\n\r\n"])
        home = Installation(tmp_path, server, source=f'tls = "{mode}"\nca_file = "{server.ca_file}"')
        home.run("init")
        assert home.sync()["seen"] == 2
        home.connect(server, f'tls = "{mode}"')
        home.run("sync", "--json", expect=14)
        assert [line for line in server.log().splitlines() if "Login:" in line and "TLS" not in line] == []


def test_the_comparison_sees_each_kind_of_difference(tmp_path: Path) -> None:
    """What was not synchronised is missed: the checks above can fail."""
    with Dovecot() as server:
        server.deliver(USER, "INBOX", [b"Subject: one\r\n\r\n", b"Subject: two\r\n\r\n"])
        home = Installation(tmp_path, server)
        home.run("init")
        home.sync()
        assert_exact(home, server)
        with server.client(USER) as client:
            box = Postbox(client)
            box.do("select", "INBOX")
            for change in (("+FLAGS", "(\\Flagged)"), ("-FLAGS", "(\\Flagged)"), ("+FLAGS", "(\\Deleted)")):
                box.do("uid", "STORE", "1", *change)
                if "-" in change[0]:
                    assert_exact(home, server)
                else:
                    with pytest.raises(AssertionError):
                        assert_exact(home, server)
            box.do("expunge")
        with pytest.raises(AssertionError):
            assert_exact(home, server)
