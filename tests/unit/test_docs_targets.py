"""docs/connectors.md names all that a Target promises and a driver of its suite needs."""

import re
from pathlib import Path

import pytest

from connectors.model import TargetCapabilities
from connectors.protocols import Target
from connectors.testing.driver import Driver
from connectors.testing.target_driver import TargetDriver

GUIDE = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text("utf-8")
WRITING = GUIDE[GUIDE.index("\n## Writing\n") :].partition("\n## Make it known\n")[0]


def methods(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def test_every_call_of_a_target_is_in_the_table() -> None:
    named = set(re.findall(r"^\| `(\w+)\(", WRITING, re.M))
    assert named == methods(Target) - {"capabilities"}


def test_every_capability_of_a_target_is_in_the_table() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", WRITING, re.M))
    assert named == set(TargetCapabilities.__slots__) - {"extensions"}


@pytest.mark.parametrize("name", sorted(methods(TargetDriver) - methods(Driver)))
def test_what_the_suite_asks_of_a_driver_is_named(name: str) -> None:
    assert f"`{name}`" in WRITING
