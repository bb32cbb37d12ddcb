"""What the measurements are turned into."""

import json
import sys
from pathlib import Path

import pytest

from bench.corpus import mixed
from bench.fingerprints import FOREIGN, OWN, Run, measure, plan
from bench.fingerprints import SCENARIOS as READ
from bench.profile import render as render_profile
from bench.readers import HEADER_WAYS, MESSAGE_WAYS, PAIR_WAYS
from bench.readings import Reading, write_readings
from bench.results import render, write_results
from bench.scenarios import SCENARIOS, Measured, weigh
from bench.spool import GROUP, Clocked, Way, clock, read_spool, write_spool
from fixtures.footprint import Footprint

WAYS = MESSAGE_WAYS | HEADER_WAYS | PAIR_WAYS


def runs() -> list[Measured]:
    return [
        Measured(scenario, peer, turn, wall + turn, 1.0, 50_000_000, 2_000_000, 3_000_000)
        for scenario in SCENARIOS
        for peer, wall in (("replicator", 1.0), ("mbsync", 7.0))
        for turn in (0, 1, 2)
    ]


def test_ratios_are_of_medians() -> None:
    rows = [line for line in render("s", {"seed": 1}, runs()).splitlines() if line.startswith(("| mbsync", "| repl"))]
    assert rows[:2] == [
        "| replicator | 2.00 | 1.00 | 1.00 | 50 | 2.0 | 3.0 | 1.00 |",
        "| mbsync | 8.00 | 7.00 | 1.00 | 50 | 2.0 | 3.0 | 4.00 |",
    ]
    assert len(rows) == 2 * len(SCENARIOS)


def test_results_are_written_for_programs_too(tmp_path: Path) -> None:
    text = write_results(tmp_path / "new", "s-10", {"seed": 1}, runs())
    assert (tmp_path / "new" / "s-10.md").read_text() == text
    document = json.loads((tmp_path / "new" / "s-10.json").read_text())
    assert (document["seed"], len(document["runs"])) == (1, 18)


def test_a_profile_lays_time_at_our_own_doors() -> None:
    found = Footprint(0, 2.0, 1.5, 0.25, 1, 1, "")
    stacks = [
        (1_000_000_000, "7/MainThread", ("replicator.cli:main:3", "connectors.imap.wire:read:9", "socket:recv:1")),
        (500_000_000, "7/reader", ("threading:run:1", "hmac:digest:2")),
    ]
    text = render_profile("initial", found, stacks)
    assert "1.000 s  connectors.imap.wire:read" in text
    assert "1.000 s  replicator.cli:main" in text
    assert "0.500 s  (elsewhere: start-up, imports)" in text
    assert "0.500 s  7/reader" in text


def test_weight_is_of_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(bytes(5000))
    kept, disk = weigh(tmp_path)
    assert kept == 5000
    assert disk >= 0


def test_a_spool_gives_back_what_was_written(tmp_path: Path) -> None:
    messages = [b"", b"a\r\n", bytes(GROUP), b"last"]
    assert write_spool(tmp_path / "spool", messages) == (4, GROUP + 7)
    groups = list(read_spool(tmp_path / "spool"))
    assert [len(group) for group in groups] == [3, 1]
    assert [message for group in groups for message in group] == messages


def test_the_clock_counts_what_is_read_and_what_is_refused(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def call(raw: bytes) -> None:
        seen.append(raw)
        if raw == b"bad":
            raise LookupError

    write_spool(tmp_path / "spool", [b"good", b"bad", b"good"])
    found = clock(Way(call, refusals=(LookupError,)), tmp_path / "spool")
    assert (found.items, found.refused, found.bytes) == (3, 1, 11)
    assert len(seen) == 6  # once to warm up
    with pytest.raises(LookupError):
        clock(Way(call), tmp_path / "spool")


@pytest.mark.parametrize("name", WAYS)
def test_every_way_reads_everyday_mail(name: str, tmp_path: Path) -> None:
    write_spool(tmp_path / "spool", (mail.raw for mail in mixed(7, 25)))
    found = clock(WAYS[name], tmp_path / "spool")
    assert found.items == (49 if name in PAIR_WAYS else 25)
    assert found.refused == 0
    assert found.wall > 0
    assert found.peak_bytes > 1_000_000


def test_one_round_has_every_reader_and_foreign_ones_by_their_own_python(tmp_path: Path) -> None:
    assert {name for readers in READ.values() for name, module in readers.items() if module == OWN} == set(WAYS)
    spools = {"mixed": tmp_path, "tiny": tmp_path}
    whole = list(plan(spools, Path("/elsewhere/python")))
    assert len(whole) == 2 * sum(map(len, READ.values()))
    assert {run.module == FOREIGN for run in whole if run.python == Path("/elsewhere/python")} == {True}
    own = list(plan(spools, None))
    assert {run.module for run in own} == {OWN}
    assert all(run.python == Path(sys.executable) for run in own)


def test_readings_are_taken_in_processes_and_written(tmp_path: Path) -> None:
    write_spool(tmp_path / "spool", (mail.raw for mail in mixed(7, 3)))
    python, facts = Path(sys.executable), dict[str, object]()
    runs = [Run("messages", name, "mixed", python, OWN, tmp_path / "spool") for name in ("ours", "floor")]
    readings = list(measure(runs, 2, facts))
    assert [(each.turn, each.reader) for each in readings] == [(0, "ours"), (0, "floor"), (1, "floor"), (1, "ours")]
    assert "mail-parser" in facts
    text = write_readings(tmp_path / "new", "fingerprints-s-3", facts, readings)
    assert (tmp_path / "new" / "fingerprints-s-3.md").read_text() == text
    document = json.loads((tmp_path / "new" / "fingerprints-s-3.json").read_text())
    assert [run["items"] for run in document["runs"]] == [3, 3, 3, 3]
    with pytest.raises(SystemExit, match="failed"):
        list(measure([Run("messages", "no such way", "mixed", python, OWN, tmp_path / "spool")], 1, {}))


def test_readings_are_compared_by_the_median_for_one_message(tmp_path: Path) -> None:
    readings = [
        Reading("mixed", "messages", reader, turn, Clocked(wall * (turn + 1), wall, 1000, 2_000_000, 4, 50_000_000))
        for turn in (0, 1, 2)
        for reader, wall in (("ours", 0.1), ("peer", 0.5))
    ]
    rows = [line for line in write_readings(tmp_path, "x", {}, readings).splitlines() if line.startswith("|")][2:]
    assert rows == [
        "| ours | 5,000 | 200.0 | 100.0 | 100.0 | 10 | 50 | 4 | 1.00 |",
        "| peer | 1,000 | 1000.0 | 500.0 | 500.0 | 2 | 50 | 4 | 5.00 |",
    ]
