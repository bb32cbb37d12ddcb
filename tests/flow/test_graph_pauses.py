"""A run of several workers over Microsoft 365: who was told to wait is asked by none of them before it is over."""

import json
from pathlib import Path
from threading import Event, Thread

import pytest

from connectors.testing.corpus import plain
from fixtures.graph import Answer, GraphServer, Slow
from replicator.cli.running import run
from replicator.engine import queue
from tests.flow.test_graph import ALICE
from tests.flow.test_graph_commands import CONFIG

BOB = "bob@corp.example"
MORE = '[[mailbox]]\nid = "bob@corp.example"\nprimary = { source = "m365", address = "bob@corp.example" }\n'
TRIES = 4
"""How often a worker asks within one turn (`PAUSES`), a second apart here."""


def test_a_mailbox_that_has_to_wait_gets_another_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """While the other one is still at work: after its pause, by whichever worker, and then it is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLICATOR_CONFIG", raising=False)
    monkeypatch.setattr(queue, "LEAST", 2.0)
    with GraphServer(seed=4) as server:
        for address in (ALICE, BOB):
            server.mailbox(address).deliver("inbox", plain(1))
        told = {"tenant": server.tenant, "client_id": server.client_id, "base_url": server.base_url}
        files = {"certificate": server.certificate_file, "ca_file": server.ca_file}
        (tmp_path / "replicator.toml").write_text(CONFIG.format(**told, **files) + MORE)
        assert run(("init", "--json")) == 0
        gate = Event()
        server.faults.add(Slow(gate, timeout=120), mailbox=BOB, path=r"\$value")
        server.faults.add(Answer(429, retry_after=1), mailbox=ALICE, path="mailFolders/inbox", times=TRIES)
        asked = Thread(target=lambda: (server.log.wait_for(1, 100, mailbox=ALICE, path="/$value"), gate.set()))
        asked.start()
        capfd.readouterr()
        code = run(("sync", "--jobs", "2", "--json"))
        asked.join()
        report = json.loads(capfd.readouterr().out)
        assert (code, report["ok"]) == (0, True), report
        assert [each["stored"] for each in report["mailboxes"]] == [1, 1]
        assert server.log.early() == []
        refused = [each for each in server.log.entries(mailbox=ALICE, status=429) if not each.inner]
        assert len(refused) == TRIES
        after = next(each for each in server.log.entries(mailbox=ALICE, status=200))
        assert after.started - refused[-1].started >= queue.LEAST
