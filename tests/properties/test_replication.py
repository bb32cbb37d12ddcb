"""The engine's loop under everything that can happen to it, and proof that the property notices broken engines."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from connectors.memory import MemoryMailbox, MemorySource
from connectors.model import Capabilities
from replicator.engine.ahead import read_ahead
from tests.properties.machine import ReplicationMachine
from tests.properties.sources import AnewSource

QUICK = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    print_blob=True,
)


def test_nothing_is_lost_and_nothing_doubled() -> None:
    run_state_machine_as_test(ReplicationMachine, settings=QUICK)


class ThreadedMachine(ReplicationMachine):
    """With the reader in a thread of its own, as in earnest."""

    relay = staticmethod(read_ahead)


def test_nothing_is_lost_with_two_threads() -> None:
    run_state_machine_as_test(ThreadedMachine, settings=settings(QUICK, max_examples=10))


class AnewMachine(ReplicationMachine):
    """Over a mail system that makes bytes anew."""

    exact = False

    @staticmethod
    def opener(mailbox: MemoryMailbox, capabilities: Capabilities) -> MemorySource:
        return AnewSource(mailbox, capabilities, page_changes=2, ahead=2, stream_over=100)


def test_nothing_is_lost_where_bytes_are_made_anew() -> None:
    run_state_machine_as_test(AnewMachine, settings=settings(QUICK, max_examples=15))


@pytest.mark.proof
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("machine", [ReplicationMachine, AnewMachine])
def test_nothing_is_lost_and_nothing_doubled_in_thousands_of_histories(machine: type[ReplicationMachine]) -> None:
    count = int(os.environ.get("PROOF_HISTORIES", "3000"))
    run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=count, stateful_step_count=40))
