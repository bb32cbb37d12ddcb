"""What a hostile message may cost: time in proportion to its size, and memory that does not grow with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.bombs import GROWING, HEAVY, Bomb, body
from reconcile.fingerprint import fingerprint, read
from reconcile.verdict import Outcome, compare
from tests.linear import assert_cheap, assert_in_proportion

ROOT = Path(__file__).parents[2]
STEP = 8
SLACK = 3
"""Eight times the bytes may take this many times eight times the seconds: a quadratic reader takes 64 times."""
LEAST = 0.004
"""Seconds below which nothing is measured."""
SIZES = [40_000, pytest.param(120_000, marks=[pytest.mark.proof, pytest.mark.timeout(600)])]
"""Eight times the larger still fits a header block, so that both are read in one way."""
LARGE = [24_000_000, pytest.param(400_000_000, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
PEAK = 48_000_000
"""Bytes by which a process may grow while it reads one message of any size, chunk by chunk."""
CHILD = """
import sys
from fixtures.bombs import HEAVY
from reconcile.fingerprint import read
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
read(b"Content-Type: text/calendar\\n\\nBEGIN:VEVENT\\nDTSTART;TZID=Europe/Berlin:20260101T000000\\nEND:VEVENT\\n")
before = peak()
read(HEAVY[sys.argv[1]].chunks(int(sys.argv[2])))
print(peak() - before)
"""


def chunked(raw: bytes) -> object:
    """Read as a mailstore gives it."""
    return read(raw[at : at + 65_536] for at in range(0, len(raw), 65_536))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", GROWING)
def test_time_grows_with_the_bytes_only(name: str, size: int) -> None:
    bomb: Bomb = GROWING[name]
    small, large = bomb.of(size), bomb.of(size * STEP)
    assert_in_proportion(lambda: chunked(small), lambda: chunked(large), SLACK * STEP, LEAST, name)


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("name", HEAVY)
def test_memory_does_not_grow_with_the_message(name: str, size: int) -> None:
    child = [sys.executable, "-c", CHILD, name, str(size)]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < PEAK


@pytest.mark.parametrize("unit", [b"=", b"=4", b"=\rx", b"a=41", b"=="])
def test_a_line_without_end_is_read_alike_in_all_chunks(unit: bytes) -> None:
    """Its escapes are cut in two at every place."""
    raw = body(unit, after=b"\nend", code=b"quoted-printable").of(200_001)
    chunks = [[raw[at : at + size] for at in range(0, len(raw), size)] for size in (997, 1000, 65_536, 65_537)]
    assert {fingerprint(raw), *map(fingerprint, chunks)} == {fingerprint(raw)}


def two_pages(count: int) -> tuple[bytes, bytes]:
    links, footer = b"<a href=x>" * count, b"\n" + b"_" * 40 + b"\nx mailing list\nx@example.org\nhttp://a/listinfo/x\n"
    end = b"<a href=y>" + b"z" * 50
    text = body(links + end, kind=b"text/html").of(1)
    return text, body(links + links + end + footer, kind=b"text/html").of(1)


def test_copies_that_gained_links_are_compared_in_proportion() -> None:
    one, other = two_pages(24_000)
    assert compare(one, other).tier == "T2"
    assert_cheap(lambda: compare(one, other), 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"a" * 950_000 + b"b" + b"a" * 950_000, b"a" * 1_900_000),
        (b"b" + b"ab" * 400_000 + b"c", b"ab" * 900_000),
        ((b"a" * 1000 + b"b") * 900, (b"a" * 1001 + b"b") * 1800),
        (b"_" * 1_900_000, b"_ " * 900_000),
        (b"word " * 380_000, b"word " * 379_999 + b"wore "),
    ],
)
def test_long_texts_are_compared_in_proportion(one: bytes, other: bytes) -> None:
    first, second = body(one).of(1), body(other).of(1)
    assert compare(first, second).outcome is not Outcome.SAME
    assert_cheap(lambda: compare(first, second), 5)
