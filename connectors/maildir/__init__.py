"""A Maildir on a local disk, read and written, in the Maildir++ layout of Dovecot, Courier and mutt.

https://cr.yp.to/proto/maildir.html · https://www.courier-mta.org/imap/README.maildirquota.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.maildir.discovery import discover
from connectors.maildir.source import MaildirSource
from connectors.maildir.target import MaildirTarget
from connectors.protocols import Source, Target, Writable


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

    def open_target(self, source: MaildirSystem, mailbox: MaildirMailbox) -> Target:  # noqa: ARG002 - as above
        """As `open_source`."""
        return MaildirTarget(mailbox.path)

    def discover(self, source: MaildirSystem, mailbox: MaildirMailbox) -> Iterator[str]:  # noqa: ARG002 - as above
        """The Maildirs beside this one, or of the users beside this one's."""
        yield from discover(mailbox.path)

    def mailbox_name(self, mailbox: MaildirMailbox) -> str:
        """Its path."""
        return str(mailbox.path)


CONNECTOR: Writable = MaildirConnector()
