"""An administrator's first hour with Microsoft 365: configuration, doctor, sync, status, export; and a bad morning."""

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.testing.corpus import plain
from fixtures.graph import GraphServer
from replicator.cli.running import run
from tests.flow.test_graph import ALICE

CONFIG = """
[mailstore]
path = "mailstore"
key = {{ file = "mailstore.key" }}
[source.m365]
connector = "graph"
tenant = "{tenant}"
client_id = "{client_id}"
certificate = {{ file = "{certificate}" }}
base_url = "{base_url}"
authority = "{base_url}"
ca_file = "{ca_file}"
[[mailbox]]
id = "alice@corp.example"
primary = {{ source = "m365", address = "alice@corp.example" }}
"""


class Desk:
    """Types commands in a directory with that configuration."""

    def __init__(self, capture: pytest.CaptureFixture[str], file: Path) -> None:
        self._capture = capture
        self.file = file

    def type(self, *arguments: str) -> tuple[int, Any, str]:
        """The exit code, stdout as JSON, and stderr."""
        self._capture.readouterr()
        code = run((*arguments, "--json"))
        told = self._capture.readouterr()
        return code, json.loads(told.out), told.err

    def type_lines(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        """The same of a command that prints an object a line."""
        self._capture.readouterr()
        code = run((*arguments, "--json"))
        told = self._capture.readouterr()
        return code, [json.loads(line) for line in told.out.splitlines()], told.err


@pytest.fixture
def desk(
    server: GraphServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Desk:
    point = EntryPoint("graph", "connectors.graph:CONNECTOR", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_CONFIG", raising=False)
    told = {"tenant": server.tenant, "client_id": server.client_id, "base_url": server.base_url}
    text = CONFIG.format(**told, certificate=server.certificate_file, ca_file=server.ca_file)
    (tmp_path / "replicator.toml").write_text(text)
    return Desk(capfd, tmp_path / "replicator.toml")


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer(seed=4) as server:
        yield server


def test_a_first_hour(server: GraphServer, desk: Desk, tmp_path: Path) -> None:
    alice = server.mailbox(ALICE)
    for number in range(12):
        alice.deliver("inbox", plain(number))
    alice.make_folder("Holidays", kind="IPF.Appointment")
    assert desk.type("init")[0] == 0
    code, doctor, _ = desk.type("doctor")
    checks = {check["name"]: check for check in doctor["checks"]}
    assert (code, doctor["ok"]) == (0, True), doctor
    assert "made anew" in checks[f"login {ALICE}"]["detail"]
    assert "its certificate ends on" in checks["source m365"]["detail"]
    code, report, _ = desk.type("sync", "--jobs", "1")
    assert (code, report["mailboxes"][0]["stored"]) == (0, 12)
    code, status, _ = desk.type("status")
    (mailbox,) = status["mailboxes"]
    assert {"Holidays", "Recoverable Items", "Online archive, if there is one"} <= set(mailbox["not_covered"])
    assert all(folder["balanced"] for folder in mailbox["folders"])
    assert desk.type("sync", "--jobs", "1")[1]["mailboxes"][0]["seen"] == 0
    assert desk.type("export", "--mailbox", ALICE, "--format", "eml", "--output", str(tmp_path / "out"))[0] == 0
    assert len(list((tmp_path / "out").rglob("*.eml"))) == 12


def test_a_bad_morning(server: GraphServer, desk: Desk) -> None:
    server.mailbox(ALICE)
    assert desk.type("init")[0] == 0
    server.tenant_data.deny(ALICE)
    code, doctor, _ = desk.type("doctor")
    (bad,) = [check for check in doctor["checks"] if not check["ok"]]
    assert (code, bad["name"]) == (14, f"login {ALICE}")
    assert "Access to OData is disabled" in bad["detail"]
    assert "Get-ApplicationAccessPolicy" in bad["advice"]
    code, report, _ = desk.type("sync", "--jobs", "1")
    assert code == 14
    assert report["mailboxes"][0]["error"]["code"] == "LoginRefused"
    server.tenant_data.allow(ALICE)
    assert desk.type("sync", "--jobs", "1")[0] == 0


def test_a_configuration_with_mistakes(desk: Desk, tmp_path: Path) -> None:
    text = (tmp_path / "replicator.toml").read_text()
    wrong = text.replace("base_url = ", 'base_url = "https://graph.microsoft.us"\nbase_uri = ').replace(
        "alice@", "alice "
    )
    (tmp_path / "replicator.toml").write_text(wrong)
    code, told, _ = desk.type("status")
    assert code == 2
    assert "base_uri" in told["error"]["message"]
    assert "address" in told["error"]["message"]
