"""A planted marker is found in no file, file name, WAL, temporary file or log, in whatever form."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from fixtures.installation import Answer, Installation, address_of
from fixtures.markers import Leak, forms, make_marker, search, search_tree
from fixtures.servers.dovecot import Dovecot
from fixtures.ugly.making import lines

PLACES = ("body", "attachment", "attachment name", "subject", "address", "display name", "message id", "boundary")
NAMES = ("folder", "plain folder", "keyword", "user", "password")
# Words of every message, which a compressed but open text would show too.
MARKS = {"header": "Message-ID: <", "type": "Content-Type: text"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A server full of markers, and an installation that replicates it."""

    server: Dovecot
    home: Installation
    markers: dict[str, str]

    def leaks(self, *answers: Answer, allowed: frozenset[str] = frozenset()) -> list[Leak]:
        """In all files but the configuration and the secret, and in what commands said on stderr."""
        own = (self.home.config, self.home.directory / "imap.password")
        found = list(search_tree(self.markers, self.home.directory, skip=own))
        for answer in answers:
            found += [leak for leak in search(self.markers, answer.err.encode(), "stderr") if leak.place not in allowed]
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    rng = Random(f"leaks {os.getpid()} {tmp_path}")
    planted = {
        place: make_marker(rng, ascii_only=place not in ("folder", "display name")) for place in (*PLACES, *NAMES)
    }
    with Dovecot(users=(planted["user"],), password=planted["password"]) as server:
        _plant(server, planted, rng, count=60)
        home = Installation(tmp_path, server, users=(planted["user"],))
        home.run("init")
        yield Scene(server, home, {**planted, **MARKS})


def _plant(server: Dovecot, planted: dict[str, str], rng: Random, count: int) -> None:
    user = planted["user"]
    for folder in ("INBOX", f"Box {planted['folder']}/in {planted['plain folder']}"):
        server.deliver(user, folder, (_letter(planted, rng) for _ in range(count)))
    with server.client(user) as client:
        client.select("INBOX")
        status, answer = client.store("1:*", "+FLAGS", f"(\\Flagged {planted['keyword']})")
        assert status == "OK", answer


def _letter(planted: dict[str, str], rng: Random) -> bytes:
    secret = (planted["attachment"] + "\n").encode() * 300
    return b"".join(
        line.encode() + b"\r\n" if isinstance(line, str) else line
        for line in (
            f"From: {planted['display name']} <{planted['address']}@example.org>",
            f"Message-ID: <{rng.getrandbits(64):x}.{planted['message id']}@example.org>",
            f"Subject: about {planted['subject']}",
            f'Content-Type: multipart/mixed; boundary="{planted["boundary"]}"',
            f"\r\n--{planted['boundary']}\r\nContent-Type: text/plain\r\n",
            f"hello {planted['body']} {rng.getrandbits(64):x}",
            f"--{planted['boundary']}\r\nContent-Type: text/csv; name={planted['attachment name']}.csv",
            "Content-Transfer-Encoding: base64\r\n",
            lines(secret + rng.randbytes(60_000), 76),
            f"--{planted['boundary']}--",
        )
    )


def test_nothing_shows_after_success(scene: Scene) -> None:
    home, address = scene.home, address_of(scene.markers["user"])
    answers = [
        home.run(*command)
        for command in (
            ("-v", "sync"),
            ("-v", "sync", "--full"),
            ("-v", "list", address),
            ("-v", "status"),
            ("-v", "verify", "--read-data"),
            ("--debug", "-v", "sync"),
        )
    ]
    assert scene.markers["subject"] in answers[2].out, "the markers were never taken"
    assert scene.leaks(*answers) == []


def test_nothing_shows_after_a_kill(scene: Scene) -> None:
    """Killed early, in the middle and late, with everything open: WAL, segments, temporary files."""
    for size in (1, 300_000, 3_000_000):
        _kill_at(scene.home, size)
        assert scene.leaks() == []
    assert scene.leaks(scene.home.run("-v", "sync")) == []


def _kill_at(home: Installation, size: int) -> None:
    """SIGKILL to the whole group once the mailstore has grown by so many bytes, or at the end."""
    start = _size(home.mailstore)
    with home.start("-v", "sync") as process:
        while process.poll() is None and _size(home.mailstore) - start < size:
            time.sleep(0.001)  # a size has no event to wait for
        os.killpg(process.pid, signal.SIGKILL)
        _, err = process.communicate()
    assert "Traceback" not in err


def _size(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a temporary file that has been renamed meanwhile
            continue
    return total


def test_nothing_but_names_shows_after_errors(scene: Scene) -> None:
    """An error may name the mailbox and the folder; never content, addresses, subjects or secrets."""
    home, address = scene.home, address_of(scene.markers["user"])
    home.run("sync")
    broken = max(home.mailstore.rglob("*.seg"), key=lambda path: path.stat().st_size)
    content = bytearray(broken.read_bytes())
    content[len(content) // 2] ^= 1
    broken.write_bytes(content)
    (home.directory / "imap.password").write_text(f"{scene.markers['password']} no more")
    answers = [
        home.run("-v", "--debug", "sync", expect=14),
        home.run("-v", "--debug", "verify", "--read-data", expect=13),
        home.run("-v", "export", "--mailbox", address, "--format", "eml", "--output", "/proc/nowhere", expect=None),
    ]
    assert scene.leaks(*answers, allowed=frozenset({"user", "folder", "plain folder"})) == []


@pytest.mark.parametrize("form", sorted(forms("x" * 16)))
def test_a_leak_in_any_form_would_be_found(tmp_path: Path, form: str) -> None:
    """The search itself: each form inside a file, and the plain one in a name."""
    marker = make_marker(Random(form), ascii_only="utf-7" not in form)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.db-wal").write_bytes(bytes(5000) + forms(marker)[form] + bytes(5000))
    assert form in {leak.form for leak in search_tree({"body": marker}, tmp_path)}
    (tmp_path / f"a{marker}b").mkdir()
    assert any("the name of" in leak.found_in for leak in search_tree({"body": marker}, tmp_path))


def test_base64_of_a_marker_is_found_wherever_it_begins(tmp_path: Path) -> None:
    marker = make_marker(Random(1), ascii_only=False)
    for before in range(9):
        (tmp_path / "file").write_bytes(lines(b"\xff" * before + marker.encode() + b"\xff" * 5, 76))
        assert list(search_tree({"body": marker}, tmp_path)) != []
