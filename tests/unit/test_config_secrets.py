"""Secrets: fetched when asked for, never shown, and refused where they lie open."""

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from connectors.errors import KeyRefused, LoginRefused, ReplicationError
from replicator.config.secrets import CommandSecret, EnvironmentSecret, FileSecret, KeyringSecret


def python(code: str) -> CommandSecret:
    return CommandSecret((sys.executable, "-c", code))


def test_each_form_gives_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pw"
    file.touch(mode=0o600)
    file.write_text(" s3cret \r\n")
    monkeypatch.setenv("DEMO_SECRET", "s3cret")
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, user: {("mail", "alice"): "s3cret"}.get((service, user))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert EnvironmentSecret("DEMO_SECRET")() == "s3cret"
    assert FileSecret(file)() == " s3cret "
    assert python("print('s3cret')")() == "s3cret"
    assert KeyringSecret("mail", "alice")() == "s3cret"
    with pytest.raises(LoginRefused, match="no secret for mail/bob"):
        KeyringSecret("mail", "bob")()


def test_a_command_reads_nothing_and_knows_no_shell() -> None:
    assert python("import sys; print(repr(sys.stdin.read()))")() == "''"
    assert CommandSecret(("echo", "$HOME; x"))() == "$HOME; x"


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (EnvironmentSecret("DEMO_ABSENT"), "DEMO_ABSENT is not set"),
        (FileSecret(Path("/absent/pw")), "/absent/pw cannot be read"),
        (CommandSecret(("/absent/program",)), "could not be run"),
        (python("raise SystemExit(3)"), "ended with status 3"),
        (python(""), "printed nothing"),
        (KeyringSecret("mail", "alice"), "keyring"),
    ],
)
def test_what_cannot_be_had_says_so(secret: Callable[[], str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMO_ABSENT", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(LoginRefused, match=says) as caught:
        secret()
    assert caught.value.advice


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    """`touch` made it, and the password was never written into it."""
    file = tmp_path / "pw"
    file.touch(mode=0o600)
    for content in ("", "\n"):
        file.write_text(content)
        with pytest.raises(LoginRefused, match="pw is empty"):
            FileSecret(file)()


def test_the_failure_is_the_one_that_was_asked_for() -> None:
    with pytest.raises(KeyRefused):
        FileSecret(Path("/absent/pw"), KeyRefused)()


def test_a_file_opened_to_others_later_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text("s3cret")
    file.chmod(0o640)
    with pytest.raises(ReplicationError, match="others can read"):
        FileSecret(file)()
    file.chmod(0o400)
    assert FileSecret(file)() == "s3cret"


def test_nothing_shows_or_keeps_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SECRET", "hunter2")
    secret = EnvironmentSecret("DEMO_SECRET")
    assert secret() == "hunter2"
    assert b"hunter2" not in pickle.dumps(secret)
    assert "hunter2" not in repr(secret)
    assert "hunter2" not in repr(CommandSecret(("echo", "hunter2")))


def test_a_failing_command_does_not_repeat_what_it_printed() -> None:
    with pytest.raises(LoginRefused) as caught:
        python("import sys; print('hunter2'); print('hunter2', file=sys.stderr); sys.exit(1)")()
    assert "hunter2" not in f"{caught.value.message} {caught.value.advice}"
