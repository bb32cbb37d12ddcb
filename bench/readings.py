"""Writes what reading mail took, as JSON for programs and Markdown for people: medians, and ratios to ours."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.results import machine
from bench.spool import Clocked

NOTES = """\
Each row is a process of its own on one core (`python -m bench.readers ROW SPOOL`, or `bench.deduplicate`). It is given
the messages in memory with CRLF line ends. What is timed is the call alone: not its start, nor reading the spool. Every
round runs all rows, and starts with another one. `µs` is the median of the rounds and `a second` its inverse, `CPU µs`
the median of CPU time; all are for one message (header block, pair). `MB/s` is of the bytes given. `peak MB` is the
largest resident set of the process, with Python and all libraries loaded; what exceeds the floor's is the reader's own.
`refused` counts the messages that a reader will not read. `time / ours` is of the medians, against the first row.

What can be compared with what:

- **ours** (`reconcile.fingerprint.fingerprint`) hashes the bytes, decodes every part, brings header core and text into
  canonical form, and hashes those and each attachment. **of the mailstore**: of bytes that were hashed when they were
  read, as the mailstore does with all that it gives out; it need not hash them again.
- **mail-deduplicate** hashes ten header fields, with the date by the day, but parses the whole message for it. It
  runs in an environment of its own, by the classes and settings that its `mdedup` uses. **with body** is its
  `--hash-body normalized`: the decoded text, and the attachments as they are transferred, without white space. That is
  the nearest to what ours does. It refuses messages with fewer than four of its fields.
- **mail-parser** makes no fingerprint. **parse** is `mailparser.parse_from_bytes`, which decodes the parts too;
  **contents** also reads what a comparison would need: id, date, addresses, subject, body, attachments.
- **email** is Python's own. **parse** is `email.message_from_bytes`, which decodes nothing; **contents** reads the same
  as above by `email.policy.default`.
- **floor** is SHA-256 of the bytes: what any reader that must know them exactly pays at least.
- **headers** are of header blocks cut out beforehand, which a store has without the body; **headers of a message** cuts
  the block out of the message, too. The header rows of email and mail-parser read six fields of it.
- **judge** is `reconcile.verdict.judge` on two fingerprints: half of the pairs are copies, half are neighbours."""

COLUMNS = ("reader", "a second", "µs", "min µs", "CPU µs", "MB/s", "peak MB", "refused", "time / ours")


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of one reader."""

    corpus: str
    scenario: str
    reader: str
    turn: int
    clocked: Clocked


def write_readings(place: Path, name: str, facts: Mapping[str, object], readings: Sequence[Reading]) -> str:
    """Both files; the Markdown text."""
    place.mkdir(parents=True, exist_ok=True)
    text = render(name, facts, readings)
    document = {**facts, "machine": machine(), "runs": [_flat(reading) for reading in readings]}
    (place / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (place / f"{name}.md").write_text(text)
    return text


def _flat(reading: Reading) -> dict[str, object]:
    record: dict[str, object] = asdict(reading)
    del record["clocked"]
    return record | asdict(reading.clocked)


def render(name: str, facts: Mapping[str, object], readings: Sequence[Reading]) -> str:
    """One table for each corpus and scenario."""
    lines = [f"# {name}", "", *(f"- {key}: {value}" for key, value in {**facts, **machine()}.items()), "", NOTES, ""]
    for corpus, scenario in dict.fromkeys((reading.corpus, reading.scenario) for reading in readings):
        lines += [f"## {corpus}: {scenario}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        table = [reading for reading in readings if (reading.corpus, reading.scenario) == (corpus, scenario)]
        readers: dict[str, list[Clocked]] = {}
        for reading in table:  # the first round has them in their order, ours first
            readers.setdefault(reading.reader, []).append(reading.clocked)
        ours = _wall(next(iter(readers.values())))
        lines += [*(_row(reader, found, ours) for reader, found in readers.items()), ""]
    return "\n".join(lines)


def _row(reader: str, found: Sequence[Clocked], ours: float) -> str:
    wall, first = _wall(found), found[0]
    cells = (
        f"{1 / wall:,.0f}",
        f"{wall * 1e6:.1f}",
        f"{min(each.wall / each.items for each in found) * 1e6:.1f}",
        f"{statistics.median(each.cpu / each.items for each in found) * 1e6:.1f}",
        f"{first.bytes / first.items / wall / 1e6:.0f}" if first.bytes else "",
        f"{max(each.peak_bytes for each in found) / 1e6:.0f}",
        str(first.refused),
        f"{wall / ours:.2f}",
    )
    return f"| {reader} | {' | '.join(cells)} |"


def _wall(found: Sequence[Clocked]) -> float:
    """Seconds for one, the median of the rounds."""
    return statistics.median(each.wall / each.items for each in found)
