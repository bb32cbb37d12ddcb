"""The conformance suite: a Source that passes keeps the promises of `connectors.protocols`.

    class TestMyMail(SourceSuite):
        @pytest.fixture
        def driver(self):
            with my_server() as server:
                yield MyDriver(server)

What a mail system cannot do is said by its `Capabilities`, and the suite asks there; no test is to be skipped by name.
"""

from connectors.testing.driver import Driver, NotTaken
from connectors.testing.promises.bodies import BodyPromises
from connectors.testing.promises.changes import ChangePromises
from connectors.testing.promises.listing import ListingPromises
from connectors.testing.promises.recognition import RecognitionPromises
from connectors.testing.promises.revisions import RevisionPromises

__all__ = ["Driver", "NotTaken", "SourceSuite"]


class SourceSuite(ListingPromises, ChangePromises, BodyPromises, RecognitionPromises, RevisionPromises):
    """Subclass it with a fixture `driver`, which gives a `Driver` over an empty mailbox.

    Set `many` to a number of messages that make more than two pages, if the source's pages cannot be made small;
    `ahead` to more refs than its `fetch` takes before the first answer; `large` to a size that it streams.
    """
