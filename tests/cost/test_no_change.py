"""What a run over an unchanged source may cost: commands to the server, and pages written to the mailstore."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.corpus import fill, mixed, tiny
from fixtures.installation import Installation, address_of
from fixtures.servers.dovecot import Dovecot

USER = "alice"
PAGE = 8192
SESSION = 8
"""Commands that open a session and look at all folders: CAPABILITY, LOGIN, ENABLE, ID, NAMESPACE, LIST, LOGOUT."""


@pytest.fixture(params=["qresync", "condstore", "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(users=(USER,), capability=request.param, rawlog=True) as running:
        yield running


def test_an_unchanged_mailbox_is_asked_once(server: Dovecot, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With LIST-STATUS no folder is opened, however many there are; without, each takes a few commands."""
    fill(server, USER, mixed(1, 60))
    home = replicated(tmp_path, server)
    server.forget_commands(USER)
    home.sync()
    verbs = Counter(line.split()[0].upper() for line in server.commands(USER))
    if "plain" in request.node.name:
        folders = len(books(home)["folders"])
        assert verbs["SELECT"] + verbs["EXAMINE"] <= 3 * folders, verbs
        assert verbs.total() <= SESSION + 6 * folders, verbs
    else:
        assert verbs["LIST"] >= 1
        assert verbs["SELECT"] + verbs["EXAMINE"] + verbs["STATUS"] + verbs["UID"] == 0, verbs
        assert verbs.total() <= SESSION, verbs


def test_one_new_message_opens_one_folder(tmp_path: Path) -> None:
    with Dovecot(users=(USER,), rawlog=True) as server:
        fill(server, USER, mixed(1, 60))
        home = replicated(tmp_path, server)
        server.deliver(USER, "Sent", [b"Subject: one more\r\n\r\nnew\r\n"])
        server.forget_commands(USER)
        assert home.sync()["seen"] == 1
        commands = server.commands(USER)
        opened = {line.split()[1] for line in commands if line.upper().startswith(("SELECT", "EXAMINE"))}
        assert opened == {'"Sent"'}
        assert len(commands) <= SESSION + 6, commands


@pytest.mark.parametrize("count", [150, 1500])
def test_an_unchanged_mailbox_writes_a_few_pages(tmp_path: Path, count: int) -> None:
    """Times and the log are written: as many pages for many messages as for few, and no segment, item or cursor."""
    with Dovecot(users=(USER,)) as server:
        fill(server, USER, tiny(1, count))
        home = replicated(tmp_path, server)
        before, listed = pages(home.mailstore), home.run("list", address_of(USER), "--state", "all").out
        home.sync()
        after = pages(home.mailstore)
        assert (after - before).total() <= 24
        assert [name for name, _, _ in after - before if name.endswith(".seg")] == []
        assert home.run("list", address_of(USER), "--state", "all").out == listed


def replicated(directory: Path, server: Dovecot) -> Installation:
    """After a first run, and a second that may still settle what the first could not know."""
    home = Installation(directory, server, users=(USER,))
    home.run("init")
    home.sync()
    home.sync()
    return home


def books(home: Installation) -> dict[str, Any]:
    first: dict[str, Any] = home.run("status", "--json").json()["mailboxes"][0]
    return first


def pages(root: Path) -> Counter[tuple[str, int, bytes]]:
    """Every page of every file by its digest: a page that was written again has another, as it is sealed afresh."""
    found: Counter[tuple[str, int, bytes]] = Counter()
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for at in range(0, len(content), PAGE):
                found[str(path.relative_to(root)), at, hashlib.sha256(content[at : at + PAGE]).digest()] += 1
    return found
