"""A Maildir on a local disk as a source, in the Maildir++ layout that Dovecot, Courier and mutt write. Read only.

https://cr.yp.to/proto/maildir.html · https://www.courier-mta.org/imap/README.maildirquota.html
"""

from dataclasses import dataclass
from pathlib import Path

from connectors.maildir.source import MaildirSource
from connectors.protocols import Connector, Source


@dataclass(frozen=True, slots=True)
class MaildirSystem:
    """`[source.NAME]` takes no keys of its own: a Maildir is all in its path."""


@dataclass(frozen=True, slots=True)
class MaildirMailbox:
    """`path` is the directory that holds `cur` and `new`."""

    path: Path


class MaildirConnector:
    """`connector = "maildir"`."""

    name = "maildir"
    source_settings: type = MaildirSystem
    mailbox_settings: type = MaildirMailbox

    def open_source(self, source: MaildirSystem, mailbox: MaildirMailbox) -> Source:  # noqa: ARG002 - has no keys
        """Raises Unreachable if there is no Maildir at the path, as when its disk is not mounted."""
        return MaildirSource(mailbox.path)


CONNECTOR: Connector = MaildirConnector()
