"""Mail in mbox files on a local disk read and written: mboxrd, and what else goes by that name.

https://www.rfc-editor.org/rfc/rfc4155 · https://doc.dovecot.org/admin_manual/mailbox_formats/mbox/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.mbox.discovery import discover
from connectors.mbox.source import MboxSource
from connectors.mbox.target import MboxTarget
from connectors.protocols import Source, Target, Writable


@dataclass(frozen=True, slots=True)
class MboxSystem:
    """`[source.NAME]` takes no keys of its own: mbox files are all in their path."""


@dataclass(frozen=True, slots=True)
class MboxMailbox:
    """`path` is a file, which is then the inbox, or a directory of such files."""

    path: Path


class MboxConnector:
    """`connector = "mbox"`."""

    name = "mbox"
    source_settings: type = MboxSystem
    mailbox_settings: type = MboxMailbox

    def open_source(self, source: MboxSystem, mailbox: MboxMailbox) -> Source:  # noqa: ARG002 - has no keys
        """Raises Unreachable if there is nothing at the path, as when its disk is not mounted."""
        return MboxSource(mailbox.path)

    def discover(self, source: MboxSystem, mailbox: MboxMailbox) -> Iterator[str]:  # noqa: ARG002 - as above
        """The spool files beside this one, or the directories of other users."""
        yield from discover(mailbox.path)

    def mailbox_name(self, mailbox: MboxMailbox) -> str:
        """Its path."""
        return str(mailbox.path)

    def open_target(self, source: MboxSystem, mailbox: MboxMailbox) -> Target:  # noqa: ARG002 - as above
        """As `open_source`."""
        return MboxTarget(mailbox.path)


CONNECTOR: Writable = MboxConnector()
