"""The shell around the commands: exit codes, errors as text and as JSON, and nothing that steers a terminal."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click
import pytest

from connectors import errors
from connectors.errors import ReplicationError
from replicator.cli import running
from replicator.cli.display import human_bytes, json_line, print_table, safe_text
from replicator.cli.group import COMMANDS, LazyGroup
from replicator.cli.options import Command
from replicator.cli.running import run
from replicator.verbosity import PACKAGES, current_level

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Replaces a command by one that raises."""

    def fail_with(error: BaseException) -> None:
        @click.command(cls=Command)
        @click.option("--json", is_flag=True)
        def failing(json: bool) -> None:
            raise error

        monkeypatch.setattr(LazyGroup, "get_command", lambda self, ctx, name: failing)

    return fail_with


def test_help_and_version(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("replicator ")
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert f"replicator {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sinc"],
        ["sync", "--jbos", "2"],
        ["sync", "--jobs", "0"],
        ["list"],
        ["list", "a", "--at", "yesterday"],
        ["list", "a", "--state", "dead"],
        ["export", "--mailbox", "a", "--format", "pst", "--output", "x"],
        ["verify", "--read-data=0"],
        ["-v", "-q", "status"],
    ],
)
def test_usage_errors_are_2(arguments: list[str], capsys: Capture) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("replicator: ")
    assert run([*arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "UsageError"


def test_no_configuration_is_2(capsys: Capture) -> None:
    assert run(["status"]) == 2
    assert "no configuration" in capsys.readouterr().err
    assert run(["status", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "ConfigError"
    assert error["advice"]


def every_error() -> list[type[ReplicationError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ReplicationError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_its_exit_code_text_and_json(
    kind: type[ReplicationError], fail: Callable[[BaseException], None], capsys: Capture
) -> None:
    fail(kind("it broke in \x1b[2Jfolder", "mend it"))
    assert run(["x"]) == kind.exit_code != 0
    captured = capsys.readouterr()
    assert captured.err == "replicator: it broke in \\x1b[2Jfolder\n  mend it\n"
    assert run(["x", "--json"]) == kind.exit_code
    captured = capsys.readouterr()
    assert captured.err == ""
    document = {"error": {"code": kind.__name__, "message": "it broke in \x1b[2Jfolder", "advice": "mend it"}}
    assert json.loads(captured.out) == document


def test_the_exit_codes_of_the_contract() -> None:
    codes = {kind.__name__: kind.exit_code for kind in every_error()}
    expected = {"ConfigError": 2, "NoMailstore": 10, "Locked": 11, "KeyRefused": 12, "Tampered": 13}
    assert codes.items() >= (expected | {"Unreachable": 14, "LoginRefused": 14, "Untrusted": 14}).items()
    assert (running.FAILED, running.USAGE, running.INTERRUPTED) == (1, 2, 130)


def test_a_bug_is_1_and_shows_its_place_only_with_debug(fail: Callable[[BaseException], None], capsys: Capture) -> None:
    fail(ZeroDivisionError("the subject of a letter"))
    assert run(["x"]) == 1
    captured = capsys.readouterr()
    assert "unexpected ZeroDivisionError" in captured.err
    assert "Traceback" not in captured.err
    assert "subject" not in captured.err
    assert run(["--debug", "x"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_is_130(fail: Callable[[BaseException], None], capsys: Capture) -> None:
    fail(KeyboardInterrupt())
    assert run(["x"]) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert run(["x", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "Interrupted"


WAITING = """
import click, sys, threading
from replicator.cli import main
from replicator.cli.group import LazyGroup

@click.command()
@click.option("--json", is_flag=True)
def waiting(json):
    try:
        print("ready", file=sys.stderr, flush=True)
        threading.Event().wait()
    finally:
        print("closed", file=sys.stderr, flush=True)

LazyGroup.get_command = lambda self, ctx, name: waiting
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_a_command_in_order(number: signal.Signals) -> None:
    command = [sys.executable, "-c", WAITING, "x", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.split() == ["closed"]
    assert json.loads(out)["error"]["code"] == "Interrupted"


def test_a_command_says_what_an_interruption_leaves(fail: Callable[[BaseException], None], capsys: Capture) -> None:
    fail(KeyboardInterrupt("remove out and export again"))
    assert run(["fail"]) == 130
    assert capsys.readouterr().err.lstrip() == "replicator: interrupted\n  remove out and export again\n"


def test_json_before_the_command(capsys: Capture) -> None:
    assert run(["--json", "status"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "--json stands after the command"


def test_a_hangup_that_is_ignored_stays_so() -> None:
    command = ["nohup", sys.executable, "-c", WAITING, "x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while process.stderr.readline() != "ready\n":
            pass
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130


def typed(*arguments: str, stdout: int | IO[bytes], shell: str = "") -> tuple[int, str]:
    """Types a command whose stdout is special; its exit code and stderr."""
    code = "import sys; from replicator.cli import main; sys.argv = ['replicator', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", code, *arguments]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["sync", "--help"], ["sinc", "--json"]])
def test_a_reader_that_leaves_is_no_trouble(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    answer = typed(*arguments, stdout=writer)
    os.close(writer)
    assert answer == (128 + signal.SIGPIPE, "")


def test_output_that_cannot_be_written_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        assert typed("sinc", "--json", stdout=full) == (
            1,
            "replicator: stdout cannot be written: No space left on device\n",
        )
        code, err = typed("--version", stdout=full)
    assert (code, "Traceback" in err, "No space left" in err) == (1, False, True)


def test_output_that_is_closed_is_one_line() -> None:
    code, err = typed("sinc", "--json", stdout=subprocess.DEVNULL, shell=">&-")
    assert (code, err) == (1, "replicator: stdout cannot be written: it is closed\n")
    code, err = typed("sinc", stdout=subprocess.DEVNULL, shell=">&-")
    assert (code, "did you mean" in err) == (2, True)


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), EOFError()])
def test_another_pipe_that_breaks_is_no_reader_that_left(
    fail: Callable[[BaseException], None], capsys: Capture, error: Exception
) -> None:
    fail(error)
    assert run(["x"]) == 1
    assert "has ended unexpectedly" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "advice"), [(13, "permissions"), (28, "make room"), (30, "read-only"), (5, "disk"), (999, "mend that")]
)
def test_errors_of_the_system_have_advice(
    fail: Callable[[BaseException], None], capsys: Capture, number: int, advice: str
) -> None:
    fail(OSError(number, "It is so", "/some/where"))
    assert run(["x", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"] == "/some/where: It is so"
    assert advice in error["advice"]


def test_a_command_that_is_nearly_one(capsys: Capture) -> None:
    assert run(["sinc"]) == 2
    assert "there is no command 'sinc'; did you mean \"sync\"?" in capsys.readouterr().err


def test_how_much_is_said() -> None:
    kept = {name: logging.getLogger(name).level for name in PACKAGES}
    try:
        levels = []
        for arguments in (["-q"], [], ["-v"], ["-vv"], ["--debug"]):
            run([*arguments, "status"])
            levels.append(current_level())
        assert levels == [logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG]
        assert logging.getLogger("imapclient").getEffectiveLevel() == logging.WARNING
    finally:
        for name, level in kept.items():
            logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_an_answer_imports_no_more_than_it_needs(option: str) -> None:
    """--help asks each command for its line, and so imports them all: none may bring what only its work needs."""
    code = f"""
import sys
from replicator.cli.running import run
assert run(["{option}"]) == 0
heavy = {{"connectors.registry", "replicator.mailstore", "replicator.engine", "tqdm", "ssl"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — ünïcödé 件名", "plain — ünïcödé 件名"),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
        ("turned \u202egnp.exe", "turned \\u202egnp.exe"),
        ("lone \udcff byte", "lone \\udcff byte"),
        ("two\nlines\r", "two\\x0alines\\x0d"),
    ],
)
def test_text_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_json_is_exact_and_cannot_steer_the_terminal() -> None:
    every = "".join(map(chr, [*range(0x3000), 0xDFFF, 0xD800, 0xFEFF, 0x1F389]))
    line = json_line({"subject": every})
    assert json.loads(line) == {"subject": every}
    assert safe_text(line) == line


def test_columns_are_those_of_the_terminal(capsys: Capture) -> None:
    print_table([("件名", "1"), ("e\u0301te", "22"), ("", "")], right=frozenset({1}))
    assert capsys.readouterr().out.splitlines() == ["件名   1", "e\u0301te   22", ""]
    print_table([])
    assert capsys.readouterr().out == ""


def test_sizes_for_people() -> None:
    assert [human_bytes(size) for size in (0, 999, 1000, 130_362_609, 5 * 10**18)] == [
        "0 B", "999 B", "1.0 kB", "130.4 MB", "5000.0 PB"
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--config", "-v", "-q", "--debug"])
def test_an_option_at_the_wrong_place_is_told_its_own(option: str, capsys: Capture) -> None:
    assert run(["status", option]) == 2
    assert f"{option} stands before the command" in capsys.readouterr().err
