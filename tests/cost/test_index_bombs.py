"""What a hostile message may cost in the second stage, which reads more of it than its fingerprint does."""

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.bombs import GROWING, HEAVY, Bomb
from replicator.mailstore.mailbox.prints import decode_print, encode_print, join_keys
from replicator.mailstore.mailbox.searchable import BODY_MAX, FIELD_MAX, NAMES_LENGTH, read_searchable
from tests.linear import assert_in_proportion

ROOT = Path(__file__).parents[2]
STEP = 8
SLACK = 3
"""As in test_bombs.py: a quadratic reader takes 64 times as long for eight times the bytes."""
LEAST = 0.004
SIZE = 20_000
LARGE = [8_000_000, pytest.param(400_000_000, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
PEAK = 72_000_000
"""Bytes by which a process may grow while it reads one message of any size."""
CHILD = """
import sys
from fixtures.bombs import HEAVY
from replicator.mailstore.mailbox.searchable import read_searchable
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
read_searchable([b"Content-Type: text/calendar\\n\\nBEGIN:VEVENT\\nDTSTART;TZID=Europe/Berlin:20260101T000000\\n"], 99)
before, size = peak(), int(sys.argv[2])
read_searchable(HEAVY[sys.argv[1]].chunks(size), size)
print(peak() - before)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", GROWING)
def test_time_grows_with_the_bytes_only(name: str) -> None:
    bomb: Bomb = GROWING[name]
    small, large = bomb.of(SIZE), bomb.of(SIZE * STEP)
    assert_in_proportion(
        lambda: read_searchable((small,), len(small)),
        lambda: read_searchable((large,), len(large)),
        SLACK * STEP,
        LEAST,
        name,
    )


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("name", HEAVY)
def test_memory_does_not_grow_with_the_message(name: str, size: int) -> None:
    child = [sys.executable, "-c", CHILD, name, str(size)]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < PEAK


@pytest.mark.parametrize("name", GROWING)
def test_what_is_kept_of_it_is_bounded(name: str) -> None:
    """By a constant, or for the fingerprint by the header; and each has its own byte form."""
    raw = GROWING[name].of(SIZE * STEP)
    found, words = read_searchable((raw,), len(raw))
    encoded = encode_print(found)
    assert decode_print(encoded, found.raw) == found
    assert len(encoded) < 3 * len(raw)
    assert len(join_keys(found)) <= 70
    assert len(words.body) <= 3 * BODY_MAX
    assert len(words.names) <= 3 * NAMES_LENGTH
    assert len(words.subject) <= 3 * FIELD_MAX
