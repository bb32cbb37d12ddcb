"""Keys change while `sync` runs in processes of its own: who works is not thrown out, and the old key opens nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

REPLICATOR = [sys.executable, "-c", "from replicator.cli import main; main()"]
MAILBOXES, MESSAGES, ROTATIONS = 12, 40, 5


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A configuration of Maildirs, and a mailstore with nothing in it."""
    parts = [
        '[mailstore]\npath = "mailstore"\nkey = { file = "mailstore.key" }\n[source.files]\nconnector = "maildir"\n'
    ]
    for number in range(MAILBOXES):
        maildir = tmp_path / f"m{number}"
        for name in ("cur", "new", "tmp"):
            (maildir / name).mkdir(parents=True)
        for message in range(MESSAGES):
            (maildir / "cur" / f"{message}:2,S").write_bytes(b"Subject: %d %d\n\n" % (number, message))
        parts.append(f'[[mailbox]]\nid = "{number}@x"\nprimary = {{ source = "files", path = "m{number}" }}\n')
    (tmp_path / "replicator.toml").write_text("".join(parts))
    assert typed(tmp_path, "init").returncode == 0
    return tmp_path


def typed(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*REPLICATOR, *arguments], cwd=place, capture_output=True, text=True, check=False)


def test_rotations_during_a_run(place: Path) -> None:
    old = (place / "mailstore.key").read_bytes()
    running = subprocess.Popen(
        [*REPLICATOR, "sync", "--jobs", "2"], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(ROTATIONS):
        done = typed(place, "key", "rotate")
        assert (done.returncode, done.stderr.count("keep a copy")) == (0, 1), done.stderr
    out, err = running.communicate(timeout=120)
    assert (running.returncode, err) == (0, ""), err
    assert out.count(f"{MESSAGES} stored") == MAILBOXES
    assert len(typed(place, "key", "list").stdout.splitlines()) == 2
    assert typed(place, "verify", "--read-data").returncode == 0
    kept = (place / "mailstore.key").read_bytes()
    (place / "mailstore.key").write_bytes(old)
    assert typed(place, "status").returncode == 12
    (place / "mailstore.key").write_bytes(kept)
    again = typed(place, "sync", "--jobs", "2")
    assert (again.returncode, again.stdout.count(" 0 seen")) == (0, MAILBOXES)
