"""A server that numbers its messages anew, as after the loss of its indexes or a restore: what that costs in bodies."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fixtures.comparison import assert_exact, assert_quiet
from fixtures.installation import Installation, address_of
from fixtures.servers.courier import Courier
from fixtures.servers.cyrus_imap import CyrusImap
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.mail_server import MailServer

USER = "alice"
DATE = datetime(2025, 3, 30, 0, 30, tzinfo=UTC)
FOLDER = "Work"
SIZE = 20_000


@pytest.fixture(params=["qresync", "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(capability=request.param, rawlog=True) as running:
        yield running


def mail(number: int) -> bytes:
    body = Random(number).randbytes(SIZE // 2).hex()
    lines = "\r\n".join(body[at : at + 76] for at in range(0, len(body), 76))
    return f"Message-ID: <{number}@x>\r\nSubject: message {number}\r\n\r\n{lines}\r\n".encode()


def deliver(server: Dovecot, folder: str, numbers: range) -> None:
    for number in numbers:
        server.deliver(USER, folder, [mail(number)], "S", DATE + timedelta(minutes=number))


@pytest.fixture
def home(server: Dovecot, tmp_path: Path) -> Installation:
    """Two folders, 60 messages of some 20 kB, replicated."""
    deliver(server, "INBOX", range(40))
    deliver(server, FOLDER, range(100, 120))
    home = Installation(tmp_path, server)
    home.run("init")
    assert home.sync()["stored"] == 60
    return home


def restarted(server: Dovecot, home: Installation) -> None:
    server.restart(forget_indexes=True)
    server.forget_commands(USER)
    home.connect(server)


def bodies(server: MailServer) -> list[str]:
    return [line for line in server.commands(USER) if "BODY.PEEK[]" in line]


def test_new_numbers_cost_headers_now_and_bodies_later(server: Dovecot, home: Installation) -> None:
    restarted(server, home)
    deliver(server, "INBOX", range(200, 202))
    report = home.sync()
    assert (report["seen"], report["stored"], report["merged"], report["removed"]) == (62, 2, 60, 60)
    assert (report["unverified"], report["reread"]) == (60, 0)
    assert len(bodies(server)) == 1, "the two new ones, in one command"
    assert server.sent_bytes(USER) < 4 * SIZE + 60 * 1000
    assert_exact(home, server, USER)
    rows = home.run("list", address_of(USER), "--json").rows()
    assert sum(row["unverified"] for row in rows) == 60
    second = home.sync()
    assert (second["seen"], second["reread"], second["corrected"], second["bytes"]) == (0, 60, 0, 0)
    assert_quiet(home, server, USER)
    home.run("verify", "--read-data")


def test_an_older_state_put_back_costs_only_what_had_left(server: Dovecot, home: Installation, tmp_path: Path) -> None:
    """A restored server: some mail is back, some is gone, and the new numbers are those of other messages."""
    backup = tmp_path / "backup"
    server.stop()
    mailbox = server.root / "home" / USER
    shutil.copytree(mailbox, backup)
    server.start()
    home.connect(server)
    for path in sorted((server.maildir(USER, "INBOX") / "cur").iterdir())[:5]:
        path.unlink()
    deliver(server, "INBOX", range(300, 310))
    report = home.sync()
    assert (report["stored"], report["removed"]) == (10, 5)
    server.stop()
    shutil.rmtree(mailbox)
    shutil.copytree(backup, mailbox)
    server._own(*mailbox.rglob("*"), mailbox)
    restarted(server, home)
    report = home.sync()
    assert (report["stored"], report["merged"], report["removed"], report["unverified"]) == (0, 60, 65, 55)
    assert_exact(home, server, USER)
    assert home.sync()["reread"] == 55
    assert_quiet(home, server, USER)


@pytest.mark.parametrize("count", [5, 15])
def test_a_server_set_back_gives_its_numbers_to_other_messages(
    server: Dovecot, home: Installation, tmp_path: Path, count: int
) -> None:
    """UIDVALIDITY stays, and what came since the backup had the UIDs that other mail gets now."""
    server.stop()
    mailbox, backup = server.root / "home" / USER, tmp_path / "backup"
    shutil.copytree(mailbox, backup)
    server.start()
    home.connect(server)
    deliver(server, "INBOX", range(300, 310))
    assert home.sync()["stored"] == 10
    server.stop()
    shutil.rmtree(mailbox)
    shutil.copytree(backup, mailbox)
    server._own(*mailbox.rglob("*"), mailbox)
    server.start()
    home.connect(server)
    deliver(server, "INBOX", range(400, 400 + count))
    home.sync()
    assert_exact(home, server, USER)
    assert_quiet(home, server, USER)


def test_a_message_that_only_looks_the_same_is_found_out(server: Dovecot, home: Installation) -> None:
    path = sorted((server.maildir(USER, "INBOX") / "cur").iterdir())[7]
    raw, times = path.read_bytes(), path.stat()
    path.write_bytes(raw[:-10] + b"########\r\n")
    os.utime(path, (times.st_atime, times.st_mtime))
    restarted(server, home)
    assert home.sync()["unverified"] == 60
    second = home.sync()
    assert (second["reread"], second["corrected"]) == (60, 1)
    assert_exact(home, server, USER)
    home.run("verify", "--read-data")
    assert_quiet(home, server, USER)


def test_a_move_on_a_server_with_identities_costs_no_body(tmp_path: Path) -> None:
    with CyrusImap(rawlog=True) as server:
        with server.client(USER) as client:
            client.create(FOLDER)
            for number in range(12):
                client.append("INBOX", "", None, mail(number))
        home = Installation(tmp_path, server)
        home.run("init")
        assert home.sync()["stored"] == 12
        with server.client(USER) as client:
            client.select("INBOX")
            client.uid("MOVE", "1:5", FOLDER)
            client.uid("COPY", "6", FOLDER)
        server.forget_commands(USER)
        report = home.sync()
        assert (report["seen"], report["merged"], report["removed"], report["unverified"]) == (6, 6, 5, 0)
        assert bodies(server) == []
        assert_exact(home, server, USER)
        assert_quiet(home, server, USER)


def rename(server: MailServer, old: str, new: str) -> None:
    with server.client(USER) as client:
        assert client.rename(server.prefix + old, server.prefix + new)[0] == "OK"


@pytest.mark.parametrize("kind", [Dovecot, CyrusImap, Courier])
def test_a_renamed_folder_costs_no_body(kind: Callable[..., Any], tmp_path: Path) -> None:
    """Where the numbers stay, it costs nothing at all; Courier gives new ones."""
    with kind(rawlog=True) as server:
        name = server.prefix + FOLDER
        with server.client(USER) as client:
            client.create(name)
            for number in range(12):
                client.append(name, "", None, mail(number))
        home = Installation(tmp_path, server)
        home.run("init")
        assert home.sync()["stored"] == 12
        rename(server, FOLDER, "Done")
        server.forget_commands(USER)
        report = home.sync()
        anew = 12 if kind is Courier else 0
        assert (report["seen"], report["merged"], report["removed"], report["unverified"]) == (anew,) * 4
        assert bodies(server) == []
        assert_exact(home, server, USER)
        assert home.sync()["reread"] == anew
        assert_quiet(home, server, USER)
