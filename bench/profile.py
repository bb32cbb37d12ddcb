"""Says where our time goes: CPU by thread, by module and by function, from samples of all processes of one run."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.peers import Replicator
from fixtures.footprint import Footprint, measure

OWN = ("connectors", "reconcile", "replicator")
Stack = tuple[str, ...]


def profile(peer: Replicator, scenario: str) -> str:
    """One sampled run of `sync`, as text. Sampling itself costs some per cent."""
    assert peer.home is not None, "reset comes first"
    with tempfile.TemporaryDirectory() as place:
        environment = {"PYTHONPATH": str(Path(__file__).with_name("sampling")), "BENCH_SAMPLES": place}
        home = peer.home
        found = measure(lambda: home.start("sync", "--jobs", "1", "--json", environment=environment))
        stacks = [one for path in sorted(Path(place).iterdir()) for one in _load(path)]
    return render(scenario, found, stacks)


def _load(path: Path) -> Iterator[tuple[int, str, Stack]]:
    for spent, thread, *stack in json.loads(path.read_text()):
        yield spent, f"{path.stem}/{thread}", tuple(stack)


def render(scenario: str, found: Footprint, stacks: list[tuple[int, str, Stack]]) -> str:
    """Tables of seconds."""
    threads: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    own: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for spent, thread, stack in stacks:
        ours = [call for call in stack if call.split(".")[0].split(":")[0] in OWN]
        threads[thread] += spent
        place = ours[-1] if ours else f"(elsewhere) {stack[-1]}"
        modules[place.split(":")[0] if ours else "(elsewhere: start-up, imports)"] += spent
        own[_function(place)] += spent
        lines[f"{place} > {_function(stack[-1])}" if ours and ours[-1] != stack[-1] else place] += spent
        inclusive.update(dict.fromkeys({_function(call) for call in ours}, spent))
    head = (
        f"{scenario}: exit {found.code}, wall {found.wall:.2f} s, user {found.user:.2f} s, system {found.system:.2f} s"
    )
    tables = (
        ("CPU by process/thread", threads, 12),
        ("CPU by the innermost module of ours", modules, 20),
        ("CPU by the innermost function of ours", own, 25),
        ("CPU by function, with what it calls", inclusive, 30),
        ("CPU by line", lines, 25),
    )
    return "\n".join([head, *(line for table in tables for line in _table(*table))])


def _function(call: str) -> str:
    return call.rpartition(":")[0]


def _table(title: str, seconds: Counter[str], rows: int) -> list[str]:
    return ["", title, *(f"  {spent / 1e9:7.3f} s  {name}" for name, spent in seconds.most_common(rows))]
