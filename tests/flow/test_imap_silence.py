"""A server that accepts and never greets: waited for once, for all of its mailboxes."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.installation import Installation
from fixtures.servers.dovecot import Dovecot


class Silent:
    """Accepts, says nothing, and counts."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="silent")

    def __enter__(self) -> "Silent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (*self.taken, self._listener):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                self.taken.append(self._listener.accept()[0])
            except OSError:
                return


@pytest.fixture
def silent() -> Iterator[Silent]:
    with Silent() as silent:
        yield silent


def connected(silent: Silent, tls: str, directory: Path) -> Installation:
    home = Installation(directory, Dovecot(directory / "not started"), ("alice", "bob", "carol", "dave"))
    text = home.config.read_text().replace("port = 0", f"port = {silent.port}").replace('"off"', f'"{tls}"')
    home.config.write_text(text.replace("[[mailbox]]", "connect_timeout = 0.5\n[[mailbox]]", 1))
    home.run("init")
    return home


@pytest.mark.parametrize("tls", ["off", "implicit", "starttls"])
def test_one_connection_is_the_verdict_on_all_mailboxes(silent: Silent, tls: str, tmp_path: Path) -> None:
    report = connected(silent, tls, tmp_path).run("sync", "--json", "--jobs", "1", expect=14).json()
    assert {each["error"]["code"] for each in report["mailboxes"]} == {"Unanswered"}
    assert report["error"]["advice"]
    assert len(silent.taken) == 1


def test_no_worker_waits_twice(silent: Silent, tmp_path: Path) -> None:
    report = connected(silent, "off", tmp_path).run("sync", "--json", "--jobs", "2", expect=14).json()
    assert [each["error"]["code"] for each in report["mailboxes"]] == ["Unanswered"] * 4
    assert 1 <= len(silent.taken) <= 2
