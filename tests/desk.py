"""Where an operator sits: commands typed in this process, over mail servers in memory.

from tests.desk import ALICE, Desk, desk_fixture  # noqa: F401 - gives `desk`
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors import registry
from connectors.errors import LoginRefused, ReplicationError
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.protocols import Secret, Source
from connectors.testing.faulty import Fault, Faults, Faulty
from replicator.cli.running import run
from replicator.engine import opening

CONFIG = """
[mailstore]
path = "mailstore"
key = { file = "mailstore.key" }
[source.corp]
connector = "memory"
[[mailbox]]
id = "alice@corp.example"
primary = { source = "corp", username = "alice" }
[[mailbox]]
id = "bob@corp.example"
primary = { source = "corp", username = "bob" }
"""
ALICE, BOB = "alice@corp.example", "bob@corp.example"


@dataclass(frozen=True, slots=True)
class NoSettings:
    max_connections: int = 4


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    password: Secret | None = None


class Memory:
    """A connector to mailboxes in memory. `scripts` make the sessions of a user faulty, `refusals` refuse them."""

    name = "memory"
    source_settings = NoSettings
    mailbox_settings = Account

    def __init__(self) -> None:
        self.mailboxes: dict[str, MemoryMailbox] = {}
        self.scripts: dict[str, tuple[Fault, ...]] = {}
        self.refusals: dict[str, ReplicationError] = {}
        self.sessions: list[str] = []
        self._faults: dict[str, tuple[tuple[Fault, ...], Faults]] = {}

    def open_source(self, source: NoSettings, mailbox: Account) -> Source:
        self.sessions.append(mailbox.username)
        if refusal := self.refusals.get(mailbox.username):
            raise refusal
        if mailbox.username not in self.mailboxes:
            raise LoginRefused(f"{mailbox.username} may not log in", "look at the password")
        source_ = MemorySource(self.mailboxes[mailbox.username])
        script = self.scripts.get(mailbox.username)
        if script is None:
            return source_
        if self._faults.get(mailbox.username, (None,))[0] is not script:
            self._faults[mailbox.username] = (script, Faults(*script))  # it goes on through reopened sessions
        return Faulty(source_, self._faults[mailbox.username][1])

    def discover(self, source: NoSettings, mailbox: Account) -> Iterator[str]:
        yield from sorted(self.mailboxes)

    def mailbox_name(self, mailbox: Account) -> str:
        return mailbox.username


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Desk:
    """Types commands in a directory with a configuration."""

    def __init__(self, directory: Path, server: Memory, capture: pytest.CaptureFixture[bytes]) -> None:
        self.directory = directory
        self.server = server
        self._capture = capture
        self.configure(CONFIG)

    @property
    def keyring(self) -> Path:
        return self.directory / "mailstore" / "keyring.json"

    @property
    def key(self) -> Path:
        return self.directory / "mailstore.key"

    def plug(self, connector: object) -> None:
        """Puts another connector in the server's place."""
        sys.modules[f"connector_of_{self.directory.name}"].CONNECTOR = connector  # type: ignore[attr-defined]

    def configure(self, text: str) -> None:
        (self.directory / "replicator.toml").write_text(text)

    def type(self, *arguments: str) -> Answer:
        if arguments[0] == "sync":
            arguments = (*arguments, "--jobs", "1")  # a process of its own would not know the server in memory
        self._capture.readouterr()
        code = run(arguments)
        captured = self._capture.readouterr()
        return Answer(code, captured.out, captured.err.decode())

    def fill(self, user: str, *subjects: str) -> MemoryMailbox:
        mailbox = self.server.mailboxes.setdefault(user, MemoryMailbox())
        for subject in subjects:
            mailbox.append(INBOX, f"Subject: {subject}\r\n\r\n{subject}\r\n".encode())
        return mailbox


def plugged(name: str, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The only connector that there is: `memory`, with no mailbox yet. `name` is that of the test's directory."""
    server = Memory()
    module = ModuleType(f"connector_of_{name}")
    module.CONNECTOR = server  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    point = EntryPoint("memory", f"{module.__name__}:CONNECTOR", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    return server


@pytest.fixture(name="desk")
def desk_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Desk:
    """A mailstore that is made and empty, and two mailboxes with three messages each."""
    server = plugged(tmp_path.name, monkeypatch)
    monkeypatch.setattr(opening, "PAUSES", replace(opening.PAUSES, first=0.0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_CONFIG", raising=False)
    made = Desk(tmp_path, server, capfdbinary)
    made.fill("alice", "a1", "a2", "a3")
    made.fill("bob", "b1", "b2", "b3")
    assert made.type("init").code == 0
    return made
