"""For all tests: large numbers may take longer than any other test."""

import pytest

PROOF_SECONDS = 7200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A limit of its own for each test of the proof that names none."""
    for item in items:
        if item.get_closest_marker("proof") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PROOF_SECONDS))
