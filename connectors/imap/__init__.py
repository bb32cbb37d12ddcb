"""IMAP (RFC 3501, RFC 9051) as a source: QRESYNC where the server has it, else CONDSTORE, else plain difference.

Only the settings are here, so that reading a configuration loads neither TLS nor imapclient.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.abilities import Survey
from connectors.imap.settings import ImapMailbox, ImapSettings, misfits
from connectors.protocols import Source, Target

__all__ = ["CONNECTOR", "ImapConnector", "ImapMailbox", "ImapSettings"]


@dataclass(frozen=True, slots=True)
class ImapConnector:
    """The connector that the configuration names "imap"."""

    name: str = "imap"
    source_settings: type[ImapSettings] = ImapSettings
    mailbox_settings: type[ImapMailbox] = ImapMailbox

    def misfits(self, source: ImapSettings, mailbox: ImapMailbox) -> list[str]:
        """As `Exacting`."""
        return misfits(source, mailbox)

    def open_source(self, source: ImapSettings, mailbox: ImapMailbox) -> Source:
        """Connects and logs in. Raises Unreachable, Untrusted, LoginRefused, ServerBusy or Throttled."""
        from connectors.imap.reading.source import ImapSource  # noqa: PLC0415 - loads TLS and imapclient, for users of IMAP only

        return ImapSource.open(source, mailbox)

    def open_target(self, source: ImapSettings, mailbox: ImapMailbox) -> Target:
        """As `Writable`. Raises what `open_source` raises."""
        from connectors.imap.writing.target import ImapTarget  # noqa: PLC0415 - as above

        return ImapTarget.open(source, mailbox)

    def survey(self, source: ImapSettings) -> Survey:
        """As `Surveying`."""
        from connectors.imap.survey import survey  # noqa: PLC0415 - as above

        return survey(source)

    def discover(self, source: ImapSettings, mailbox: ImapMailbox) -> Iterator[str]:
        """As `Discovering`: the mailboxes of other users that this login sees, and its own."""
        from connectors.imap.discovery import discover  # noqa: PLC0415 - as above

        yield from discover(source, mailbox)

    def mailbox_name(self, mailbox: ImapMailbox) -> str:
        """The name that logs in to it."""
        return mailbox.username


CONNECTOR = ImapConnector()
