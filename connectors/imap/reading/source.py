"""The IMAP Source: one session, read only. What it promises is in `connectors.protocols`."""

from collections.abc import Iterable, Iterator

from connectors.amount import read_amount
from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.folders import list_folders
from connectors.imap.reading.changes import changes
from connectors.imap.reading.examine import count_messages, refresh
from connectors.imap.reading.fetch import Fetch
from connectors.imap.reading.headers import read_headers
from connectors.imap.reading.inventory import search
from connectors.imap.reading.listing import identity_item
from connectors.imap.session import WINDOW, Session
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref


class ImapSource:
    """Folder ids are the server's raw names, so a renamed folder is a new one. `window` bounds pages, for tests.

    `daily_bytes` is what the settings say; left out, it is what is known of the server.
    """

    def __init__(self, session: Session, window: int = WINDOW, daily_bytes: int | None = None) -> None:
        self._session = session
        self._session.window = window
        self._daily_bytes = session.dialect.daily_bytes if daily_bytes is None else daily_bytes

    @classmethod
    def open(cls, settings: ImapSettings, mailbox: ImapMailbox) -> "ImapSource":
        """Connects and logs in."""
        given = settings.daily_bytes
        return cls(connect(settings, mailbox), daily_bytes=None if given is None else read_amount(given))

    @property
    def capabilities(self) -> Capabilities:
        """By what was agreed on after the login, and by whose server it is."""
        return Capabilities(
            reports_removals=self._session.qresync,
            exact_bytes=self._session.dialect.exact_bytes,
            exact_sizes=self._session.dialect.exact_sizes,
            extensions=self._session.capabilities,
            daily_bytes=self._daily_bytes,
            identities=identity_item(self._session.capabilities) != b"",
        )

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

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """As `Heading`."""
        yield from read_headers(self._session, refs)

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
