"""The IMAP Source: one session, read only. What it promises is in `connectors.protocols`."""

from collections.abc import Iterable, Iterator

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.changes import changes
from connectors.imap.connection import connect
from connectors.imap.examine import count_messages, refresh
from connectors.imap.fetch import Fetch
from connectors.imap.folders import list_folders
from connectors.imap.inventory import search
from connectors.imap.session import WINDOW, Session
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref


class ImapSource:
    """Folder ids are the server's raw names, so a renamed folder is a new one. `window` bounds pages, for tests."""

    def __init__(self, session: Session, window: int = WINDOW) -> None:
        self._session = session
        self._session.window = window

    @classmethod
    def open(cls, settings: ImapSettings, mailbox: ImapMailbox) -> "ImapSource":
        """Connects and logs in."""
        return cls(connect(settings, mailbox))

    @property
    def capabilities(self) -> Capabilities:
        """By what was agreed on after the login. Sizes are exact on most servers, estimates on Exchange."""
        return Capabilities(reports_removals=self._session.qresync, extensions=self._session.capabilities)

    def folders(self) -> Iterator[Folder]:
        """As `Source.folders`."""
        yield from list_folders(self._session)

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As `Source.changes`."""
        yield from changes(self._session, folder.id, since)

    def beware(self, folder: Folder) -> None:
        """As `Wary`: this folder is listed without sizes."""
        self._session.wary.add(folder.id)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As `Source.fetch`; one at a time."""
        yield from Fetch(self._session, refs).answers()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As `Source.inventory`."""
        selection = refresh(self._session, folder.id)
        for uid in search(self._session, folder.id):
            yield Ref(folder.id, f"{selection.uidvalidity}:{uid}")

    def count(self, folder: Folder) -> int:
        """As `Source.count`."""
        return count_messages(self._session, folder.id)

    def close(self) -> None:
        """Says goodbye if it can."""
        self._session.close()
