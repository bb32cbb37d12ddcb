"""The tree that the docstring draws is the tree that stands, and errors survive a trip between processes."""

import pickle
import re

import pytest

from connectors import errors
from connectors.errors import ReplicationError, Scope


def subclasses(kind: type[ReplicationError]) -> list[type[ReplicationError]]:
    """All that are defined in `connectors.errors`, however deep."""
    found = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return [*found, *(deeper for each in found for deeper in subclasses(each))]


EVERY = subclasses(ReplicationError)
LINE = re.compile(
    r"^(?P<indent>[│ ]*)[├└]─ (?P<name>\w+)(?: +(?P<scope>\w+))?(?: +(?P<again>permanent|transient))?", re.M
)
DRAWN = {match["name"]: match for match in LINE.finditer(errors.__doc__ or "")}


def test_every_error_is_drawn() -> None:
    assert set(DRAWN) == {error.__name__ for error in EVERY}


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_it_is_drawn_as_it_is(error: type[ReplicationError]) -> None:
    drawn = DRAWN[error.__name__]
    assert drawn["scope"] == error.scope.name.lower()
    if drawn["again"]:
        assert drawn["again"] == ("transient" if error.transient else "permanent")
    above = [match for match in DRAWN.values() if match.start() < drawn.start()]
    parents = [match["name"] for match in above if len(match["indent"]) < len(drawn["indent"])]
    assert error.__base__ is not None
    assert error.__base__.__name__ == (parents[-1] if parents else "ReplicationError")


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_it_crosses_processes_whole(error: type[ReplicationError]) -> None:
    copy = pickle.loads(pickle.dumps(error("what", "do this", 2.5)))
    assert type(copy) is error
    assert (copy.message, copy.advice, copy.retry_after, copy.code) == ("what", "do this", 2.5, error.__name__)
    assert str(copy) == "what"


def test_scopes_are_ordered_by_width() -> None:
    assert list(Scope) == sorted(Scope)
    assert [scope.name for scope in Scope] == ["ITEM", "FOLDER", "MAILBOX", "SOURCE", "RUN"]


def test_only_transient_errors_are_worth_waiting_for() -> None:
    transient = {error.__name__ for error in EVERY if error.transient}
    assert transient == {"Unreachable", "Disconnected", "Throttled", "ServerBusy", "ItemBusy", "Locked"}


def test_exit_codes_are_those_of_the_contract() -> None:
    codes = {error.__name__: error.exit_code for error in EVERY if error.exit_code != 1}
    assert {codes[name] for name in codes} <= {2, 10, 11, 12, 13, 14}
    assert codes["ConfigError"] == 2
    assert (codes["NoMailstore"], codes["Locked"], codes["KeyRefused"], codes["Tampered"]) == (10, 11, 12, 13)
    assert codes["LoginRefused"] == codes["Unreachable"] == 14
