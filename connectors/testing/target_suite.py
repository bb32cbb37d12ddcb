"""The conformance suite for a Target: what passes can be trusted to bring mail back exactly once.

    class TestMyTarget(TargetSuite):
        @pytest.fixture
        def driver(self):
            with my_server() as server:
                yield MyTargetDriver(server)

The Source of the same mail system is what looks at the outcome, so it is to pass `SourceSuite` first.
"""

from connectors.testing.driver import NotTaken
from connectors.testing.promises.appends import AppendPromises
from connectors.testing.promises.edits import EditPromises
from connectors.testing.promises.losses import LossPromises
from connectors.testing.promises.making import MakingPromises
from connectors.testing.promises.marks import MarkPromises
from connectors.testing.target_driver import TargetDriver

__all__ = ["NotTaken", "TargetDriver", "TargetSuite"]


class TargetSuite(AppendPromises, MarkPromises, EditPromises, LossPromises, MakingPromises):
    """Subclass it with a fixture `driver`, which gives a `TargetDriver` over an empty mailbox.

    `large` is the size of a message that must not be held in memory.
    """
