"""docs/operations.md, as it stands: the units are units, and what they and the crontab run does what the page says."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```(?:ini|crontab)\n# (/\S+)\n(.*?)^```$", PAGE, re.M | re.S))
SERVICE = BLOCKS["/etc/systemd/system/replicator.service"]
TIMER = BLOCKS["/etc/systemd/system/replicator.timer"]
CREDENTIALS = BLOCKS["/etc/systemd/system/replicator.service.d/credentials.conf"]
CRONTAB = BLOCKS["/etc/cron.d/replicator"]
(INSTALL,) = re.findall(r"^    (install -d .*)$", PAGE, re.M)
(INIT,) = re.findall(r"^    sudo -u (.* init)$", PAGE, re.M)
PLACES = ("/opt/replicator", "/etc/replicator", "/var/lib/replicator")
SCHEDULE = re.compile(r"(?:[\d*/,-]+\s+){5}(\S+)\s+(.*)")


def parsed(unit: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(unit)
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The directories that the page names, below another root, with a Maildir of two messages to replicate."""
    assert run(tmp_path, moved(tmp_path, INSTALL.replace("-o replicator ", ""))).returncode == 0
    (tmp_path / "opt" / "replicator").mkdir(parents=True)
    program = tmp_path / "opt" / "replicator" / "bin" / "replicator"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from replicator.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    maildir = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number in range(2):
        (maildir / "cur" / f"{number}:2,S").write_bytes(b"Subject: %d\n\n" % number)
    (tmp_path / "etc" / "replicator" / "replicator.toml").write_text(f"""
        [mailstore]
        path = "{tmp_path}/var/lib/replicator/mailstore"
        key = {{ file = "mailstore.key" }}
        [source.files]
        connector = "maildir"
        [[mailbox]]
        id = "alice@corp.example"
        primary = {{ source = "files", path = "{maildir}" }}
    """)
    user, init = INIT.split(" ", 1)
    assert user == parsed(SERVICE)["Service"]["User"]
    assert run(tmp_path, moved(tmp_path, init)).returncode == 0
    return tmp_path


def program_line() -> str:
    """The service's command without what it is told to do."""
    return parsed(SERVICE)["Service"]["ExecStart"].removesuffix(" --quiet sync")


def moved(machine: Path, line: str) -> list[str]:
    """The words of a command, with the places that it names below another root."""
    return [f"{machine}{word}" if word.startswith(PLACES) else word for word in shlex.split(line)]


def run(machine: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={"PATH": "/usr/bin:/bin"})


def held(machine: Path) -> int:
    return len(run(machine, [*moved(machine, program_line()), "list", "alice@corp.example"]).stdout.splitlines())


def test_the_service_runs_what_it_says(machine: Path) -> None:
    service = parsed(SERVICE)["Service"]
    command = moved(machine, service["ExecStart"])
    first = run(machine, command)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert held(machine) == 2
    assert run(machine, command).returncode == 0
    # What the sandbox allows is what it needs: all that it wrote lies below its StateDirectory.
    assert service["StateDirectory"] == "replicator"
    written = {path for path in machine.rglob("*") if path.is_file() and "Maildir" not in path.parts}
    below = machine / "var" / "lib" / "replicator"
    assert {path.name for path in written if not path.is_relative_to(below)} == {
        "replicator", "replicator.toml", "mailstore.key"
    }  # fmt: skip


def test_a_broken_mailbox_is_no_failure_of_the_service_and_a_lost_mailstore_is_one(machine: Path) -> None:
    service = parsed(SERVICE)["Service"]
    config = machine / "etc" / "replicator" / "replicator.toml"
    good = config.read_text()
    config.write_text(
        f'{good}\n[[mailbox]]\nid = "bob@corp.example"\nprimary = {{ source = "files", path = "{machine}/none" }}\n'
    )
    partly = run(machine, moved(machine, service["ExecStart"]))
    assert str(partly.returncode) == service["SuccessExitStatus"]
    assert "bob@corp.example" in partly.stderr
    config.write_text(good)
    shutil.rmtree(machine / "var" / "lib" / "replicator" / "mailstore")
    assert run(machine, moved(machine, service["ExecStart"])).returncode == 12 - 2


def test_the_crontab_line_runs_and_never_twice_at_once(machine: Path) -> None:
    (line,) = CRONTAB.splitlines()
    match = SCHEDULE.fullmatch(line)
    assert match is not None
    assert match[1] == parsed(SERVICE)["Service"]["User"]
    assert "%" not in match[2]  # cron would take it for a line break
    command = ["/bin/sh", "-c", shlex.join(moved(machine, match[2]))]
    first = run(machine, command)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert held(machine) == 2
    lock = machine / "var" / "lib" / "replicator" / "cron.lock"
    second = run(machine, ["flock", str(lock), *command])
    assert (second.returncode, second.stdout, second.stderr) == (1, "", "")


def test_the_timer_starts_the_service() -> None:
    timer = parsed(TIMER)
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert timer["Timer"].keys() >= {"OnBootSec", "OnUnitInactiveSec"}
    assert parsed(SERVICE)["Service"]["Type"] == "oneshot"  # so that a run is never started beside another


def verified(units: Path, service: str, machine: Path) -> list[str]:
    """What `systemd-analyze verify` has to say of our units."""
    shutil.rmtree(units, ignore_errors=True)
    (units / "replicator.service.d").mkdir(parents=True)
    service = service.replace("/opt/replicator", f"{machine}/opt/replicator")
    service = service.replace("User=replicator", "User=root")  # who is there on every machine
    (units / "replicator.service").write_text(service)
    (units / "replicator.timer").write_text(TIMER)
    (units / "replicator.service.d" / "credentials.conf").write_text(CREDENTIALS)
    command = [
        "systemd-analyze",
        "verify",
        "--man=no",
        *(str(units / f"replicator.{kind}") for kind in ("service", "timer")),
    ]
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "SYSTEMD_UNIT_PATH": f"{units}:"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return [line for line in done.stderr.splitlines() if "replicator" in line]


def test_systemd_understands_the_units(machine: Path, tmp_path: Path) -> None:
    """Verified where systemd is installed, which it need not be; elsewhere the tests above have read them."""
    if shutil.which("systemd-analyze") is None:
        return
    assert verified(tmp_path / "units", SERVICE, machine) == []
    assert verified(tmp_path / "units", SERVICE.replace("ProtectClock", "ProtectClok"), machine) != []


def test_every_path_of_the_page_is_one_that_the_service_has() -> None:
    assert all(place in PAGE for place in PLACES)
    assert "LoadCredentialEncrypted" in parsed(CREDENTIALS)["Service"]
