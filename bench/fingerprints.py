"""How many messages a second and core are fingerprinted, beside other programs that read mail."""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Mail, mixed, tiny
from bench.readings import Reading, write_readings
from bench.spool import Clocked, write_spool

ROOT = Path(__file__).parents[1]
SIZES = {"s": 2_000, "m": 20_000}
CORPORA: dict[str, Callable[[int, int], Iterator[Mail]]] = {"mixed": mixed, "tiny": tiny}
PINNED = "mail-deduplicate==9.4.0"

OWN = "bench.readers"
FOREIGN = "bench.deduplicate"
SCENARIOS: dict[str, Mapping[str, str]] = {
    "messages": {
        "ours": OWN,
        "ours, of the mailstore": OWN,
        "mail-deduplicate": FOREIGN,
        "mail-deduplicate, with body": FOREIGN,
        "mail-parser, parse": OWN,
        "mail-parser, contents": OWN,
        "email, parse": OWN,
        "email, contents": OWN,
        "floor": OWN,
    },
    "header blocks": {
        "ours, headers": OWN,
        "ours, headers of a message": OWN,
        "mail-deduplicate, headers": FOREIGN,
        "mail-parser, headers": OWN,
        "email, headers": OWN,
    },
    "pairs": {"ours, judge": OWN},
}


@dataclass(frozen=True, slots=True)
class Run:
    """One process to be measured: which Python runs which module, to read which spool."""

    scenario: str
    reader: str
    corpus: str
    python: Path
    module: str
    spool: Path

    @property
    def command(self) -> list[str]:
        """As started below `ROOT`."""
        return [str(self.python), "-m", self.module, self.reader, str(self.spool)]


def compare(options: argparse.Namespace) -> str:
    """Measures all rounds and writes the results; the Markdown text."""
    if options.size not in SIZES:
        raise SystemExit(f"--size of fingerprints is one of {', '.join(SIZES)}")
    count = options.count or SIZES[options.size]
    facts: dict[str, object] = {"seed": options.seed, "rounds": options.rounds}
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        spools = {name: Path(place) / f"{name}.spool" for name in CORPORA}
        for name, spool in spools.items():
            messages, size = write_spool(spool, _on_the_wire(CORPORA[name](options.seed, count)))
            facts |= {f"{name} messages": messages, f"{name} bytes": size}
        foreign = _install(Path(place) / "deduplicate") if options.deduplicate else None
        runs = list(plan(spools, foreign))
        readings = list(measure(runs, options.rounds, facts))
    commands = {"command": shlex.join(["python", "-m", "bench", *sys.argv[1:]])}
    return write_readings(options.output, f"fingerprints-{options.size}-{count}", commands | facts, readings)


def _on_the_wire(mails: Iterator[Mail]) -> Iterator[bytes]:
    """With CRLF line ends, as servers send them."""
    for mail in mails:
        yield mail.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _install(place: Path) -> Path:
    """The Python of an environment of its own that has mail-deduplicate."""
    python = place / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PINNED], check=True)
    return python


def plan(spools: Mapping[str, Path], foreign: Path | None) -> Iterator[Run]:
    """All of one round. Without a `foreign` Python, only what runs in our own."""
    for corpus, spool in spools.items():
        for scenario, readers in SCENARIOS.items():
            for reader, module in readers.items():
                python = Path(sys.executable) if module == OWN else foreign
                if python:
                    yield Run(scenario, reader, corpus, python, module, spool)


def measure(runs: Sequence[Run], rounds: int, facts: dict[str, object]) -> Iterator[Reading]:
    """Every run once a round; which one is first changes with the round. The versions found go into `facts`."""
    for turn in range(rounds):
        first = turn * len(runs) // rounds
        for run in [*runs[first:], *runs[:first]]:
            found = subprocess.run(run.command, cwd=ROOT, capture_output=True, text=True, check=False)
            if found.returncode != 0:
                raise SystemExit(f"{shlex.join(run.command)} failed: exit {found.returncode}\n{found.stderr[-3000:]}")
            answer = json.loads(found.stdout)
            facts.update(answer["facts"])
            clocked = Clocked(**answer["clocked"])
            print(f"{run.corpus:6} {run.reader:28} {clocked.items / clocked.wall:10.0f} a second", flush=True)
            yield Reading(run.corpus, run.scenario, run.reader, turn, clocked)
