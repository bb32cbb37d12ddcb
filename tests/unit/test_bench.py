"""What the measurements are turned into."""

import json
from pathlib import Path

from bench.profile import render as render_profile
from bench.results import render, write_results
from bench.scenarios import SCENARIOS, Measured, weigh
from fixtures.footprint import Footprint


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
