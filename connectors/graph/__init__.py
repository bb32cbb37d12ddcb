"""Microsoft 365 by Microsoft Graph: an application with a certificate reads and writes the mailboxes it is given.

Only the settings are here, so that reading a configuration loads neither requests nor msal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.abilities import Survey
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.protocols import Source, Target

__all__ = ["CONNECTOR", "GraphConnector", "GraphMailbox", "GraphSettings"]


@dataclass(frozen=True, slots=True)
class GraphConnector:
    """The connector that the configuration names "graph"."""

    name: str = "graph"
    source_settings: type[GraphSettings] = GraphSettings
    mailbox_settings: type[GraphMailbox] = GraphMailbox

    def open_source(self, source: GraphSettings, mailbox: GraphMailbox) -> Source:
        """Gets a token and looks at the mailbox. Raises Unreachable, Untrusted, LoginRefused, AppRefused, Throttled."""
        from connectors.graph.source import GraphSource  # noqa: PLC0415 - loads requests, for users of Graph only

        return GraphSource.open(source, mailbox)

    def open_target(self, source: GraphSettings, mailbox: GraphMailbox) -> Target:
        """As `open_source`, to write; finds out which ways of writing are open to the application."""
        from connectors.graph.writing.target import GraphTarget  # noqa: PLC0415 - as above

        return GraphTarget.open(source, mailbox)

    def survey(self, source: GraphSettings) -> Survey:
        """As `Surveying`."""
        from connectors.graph.survey import survey  # noqa: PLC0415 - as above

        return survey(source)

    def discover(self, source: GraphSettings, mailbox: GraphMailbox) -> Iterator[str]:  # noqa: ARG002 - not its login
        """As `Discovering`: those of the tenant, whosever login it is."""
        return (names[0] for names in self.oversee(source))

    def oversee(self, source: GraphSettings) -> Iterator[tuple[str, ...]]:
        """As `Overseeing`."""
        from connectors.graph.discovery import list_mailboxes  # noqa: PLC0415 - as above

        return list_mailboxes(source)

    def mailbox_name(self, mailbox: GraphMailbox) -> str:
        """As it is configured, in lower case: an address, a user principal name or an object id."""
        return mailbox.address.lower()


CONNECTOR = GraphConnector()
