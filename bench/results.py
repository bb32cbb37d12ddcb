"""Writes what was measured, as JSON for programs and Markdown for people: medians, and ratios to ours."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.scenarios import SCENARIOS, Measured

OURS = "replicator"


def write_results(place: Path, name: str, facts: Mapping[str, object], runs: Sequence[Measured]) -> str:
    """Both files; the Markdown text."""
    place.mkdir(parents=True, exist_ok=True)
    text = render(name, facts, runs)
    document = {**facts, "machine": machine(), "runs": [asdict(run) for run in runs]}
    (place / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (place / f"{name}.md").write_text(text)
    return text


def render(name: str, facts: Mapping[str, object], runs: Sequence[Measured]) -> str:
    """One table a scenario. The ratio says how many times our wall time the peer's is."""
    lines = [f"# {name}", "", *(f"- {key}: {value}" for key, value in {**facts, **machine()}.items()), ""]
    for scenario in SCENARIOS:
        lines += [f"## {scenario}", "", "| peer | wall s | min s | CPU s | peak MB | kept MB | disk MB | wall / ours |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [_row(runs, scenario, peer) for peer in dict.fromkeys(run.peer for run in runs)]
        lines += [""]
    return "\n".join(lines)


def _row(runs: Sequence[Measured], scenario: str, peer: str) -> str:
    ours = [run.wall for run in runs if (run.scenario, run.peer) == (scenario, OURS)]
    mine = [run for run in runs if (run.scenario, run.peer) == (scenario, peer)]
    wall = statistics.median(run.wall for run in mine)
    cells = (
        f"{wall:.2f}",
        f"{min(run.wall for run in mine):.2f}",
        f"{statistics.median(run.cpu for run in mine):.2f}",
        f"{max(run.peak_bytes for run in mine) / 1e6:.0f}",
        f"{mine[-1].kept_bytes / 1e6:.1f}",
        f"{mine[-1].disk_bytes / 1e6:.1f}",
        f"{wall / statistics.median(ours):.2f}" if ours else "",
    )
    return f"| {peer} | {' | '.join(cells)} |"


def machine() -> dict[str, object]:
    """What the numbers were made on."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "linux": platform.release().split("-")[0],
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
