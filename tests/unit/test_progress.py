"""The bar: for someone who watches, and for nobody else."""

import pytest

from replicator.progress import showing


def test_it_moves_and_clears_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(shown=True) as advance:
        advance(3, 2_000_000)
        advance(1, 500_000)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "0 messages" in captured.err
    assert captured.err.endswith("\r")
    assert not captured.err.splitlines()[-1].strip()


def test_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(shown=False) as advance:
        advance(3, 2_000_000)
    assert capsys.readouterr() == ("", "")
