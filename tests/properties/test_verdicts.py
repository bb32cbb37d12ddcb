"""Pairs made by someone who had not read the judge: true copies are known, look-alikes are never taken for one."""

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from fixtures.copies import Label, pairs
from reconcile.verdict import compare

RECOGNISED = 0.995
SEEDS = 4


def judged(seed: int, count: int) -> tuple[Counter[tuple[Label, str]], list[str]]:
    """How often each label got each verdict, and the wrong ones in words."""
    found: Counter[tuple[Label, str]] = Counter()
    wrong = []
    for pair in pairs(seed, count):
        verdict = compare(pair.a, pair.b)
        found[pair.label, verdict.outcome.value] += 1
        if not pair.label.allows(verdict.outcome.value):
            wrong.append(f"{pair.label.value}, not {verdict.outcome.value} ({verdict.tier}): {pair.kind}")
    return found, wrong


def check(found: Counter[tuple[Label, str]], wrong: list[str]) -> None:
    copies = sum(count for (label, _), count in found.items() if label is Label.SAME)
    assert found[Label.SAME, "same"] >= RECOGNISED * copies, wrong
    assert found[Label.NOT_SAME, "same"] == 0, wrong
    assert found[Label.REVIEW, "same"] == 0, wrong
    assert found[Label.SAME_IF_KNOWN, "distinct"] == 0, wrong
    assert found[Label.SAME_IF_KNOWN, "same"] > 0, "no footer was known"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_pairs(seed: int) -> None:
    check(*judged(seed, 1500))


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_many_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    count = int(os.environ.get("PROOF_PAIRS", "100000"))
    totals: Counter[tuple[Label, str]] = Counter()
    wrong: list[str] = []
    with ProcessPoolExecutor() as pool:
        for found, errors in pool.map(partial(judged, count=1000), range(1000, 1000 + count // 1000)):
            totals += found
            wrong += errors
    with capsys.disabled():
        for (label, verdict), number in sorted(totals.items(), key=str):
            print(f"\n{label.value:<14} {verdict:<9} {number}", end="")
    check(totals, wrong)
