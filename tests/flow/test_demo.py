"""The demo: what a newcomer runs first, with a real server process and the installed commands."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = ROOT / "fixtures" / "demo"


def running(word: str) -> list[int]:
    """Processes whose command line has the word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has just ended
    return found


def test_it_runs_as_written_and_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "DEMO_MARK": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, DEMO / "run.py"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    commands = re.findall(r"^\$ replicator (\w+)", done.stdout, re.MULTILINE)
    assert commands == ["init", "sync", "status", "sync", "sync", "list", "show", "verify", "export"]
    first, second = done.stdout.split("$ replicator sync\n")[1:]
    assert "ingrid@halden-optics.example: 4 folders: 20 seen, 20 stored, 0 merged" in first
    assert "NOT BALANCED" not in first
    assert second.count(" 0 seen, 0 stored, 0 merged, ") == 3
    assert "1 seen, 1 stored, 0 merged, 1 removed, 1 flags changed" in done.stdout
    assert "\nmailstore: 50 live messages (50 different), 1.2 MB" in done.stdout
    whole = "51 different messages, removed ones included, 1.2 MB, in order, decrypted and hashed"
    assert f"everything is as it was written; {whole}" in done.stdout
    assert "20 live messages, 805.3 kB written to export, a file each" in done.stdout
    assert done.stderr == ""
    assert "all 20 exported files are, byte for byte, what the server was given" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_server_ends_with_its_parent() -> None:
    mark = f"mark-{os.getpid()}"
    code = f"import subprocess,sys; p=subprocess.Popen([sys.executable,{str(DEMO / 'server.py')!r},{mark!r}],"
    code += "stdin=subprocess.PIPE,stdout=subprocess.PIPE); p.stdout.readline(); print('up'); sys.stdout.flush(); "
    code += "import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    deadline = time.monotonic() + 30
    while servers := [pid for pid in running(mark) if pid != os.getpid()]:
        assert time.monotonic() < deadline, servers
        os.sched_yield()


def test_the_mail_is_the_same_each_time() -> None:
    code = "from company import *; print(sorted(letter.raw.hex() for user in PEOPLE for letter in letters(user)))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=DEMO,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop()) > 1000
