"""Microsoft 365 by Microsoft Graph as a source: an application with a certificate reads the mailboxes it is given.

Only the settings are here, so that reading a configuration loads neither requests nor msal.
"""

from dataclasses import dataclass

from connectors.abilities import Survey
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.protocols import Source

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

    def survey(self, source: GraphSettings) -> Survey:
        """As `Surveying`."""
        from connectors.graph.survey import survey  # noqa: PLC0415 - as above

        return survey(source)


CONNECTOR = GraphConnector()
