"""The Graph Source: one mailbox, read only. What it promises is in `connectors.protocols`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from connectors.errors import FolderRefused
from connectors.graph.changes import Round
from connectors.graph.client import Client
from connectors.graph.fetch import Fetch, probe
from connectors.graph.folders import ARCHIVE_MAILBOX, list_folders
from connectors.graph.inventory import count_messages, list_messages
from connectors.graph.known import Known
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.model import Capabilities, Cursor, Failure, Folder, Message, Page, Ref, Seen

NAMES = 4096
"""Folders of which the names are kept, over all mailboxes of a tenant: only messages to people are poorer without."""


class GraphSource:
    """Ids are immutable ones: they outlive moves within the mailbox, and folders' outlive renames."""

    capabilities = Capabilities(
        reports_removals=True, exact_bytes=False, stable_folder_ids=True, edits=True, renews_cursors=True, gaps=True
    )

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known = Known()
        self._names = client.limiter.names
        self._counted: dict[str, int] = {}

    @classmethod
    def open(cls, settings: GraphSettings, mailbox: GraphMailbox) -> "GraphSource":
        """Gets a token and asks for the inbox, so that what is wrong with the mailbox shows at once."""
        client = Client(settings, mailbox)
        try:
            probe(client)
        except BaseException:
            client.close()
            raise
        return cls(client)

    def folders(self) -> Iterator[Folder]:
        """As `Source.folders`. No stamps: nothing that Graph says of a folder changes with the flags in it."""
        self._client.check_open()
        self._counted.clear()
        for folder in list_folders(self._client):
            self._note(folder)
            yield folder

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """As `Source.changes`."""
        with self._asking(folder):
            this = Round(self._client, folder, since)
            for page in this.pages():
                for change in page.changes:
                    if isinstance(change, Seen):
                        self._known.add(change)
                    else:
                        self._known.forget(change.ref)
                if page.last and this.count is not None:
                    self._counted[folder.id] = this.count
                yield page

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """As `Source.fetch`."""
        self._counted.clear()
        yield from Fetch(self._client, refs, self._known, self._names).answers()

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """As `Source.inventory`."""
        with self._asking(folder):
            yield from list_messages(self._client, folder)

    def count(self, folder: Folder) -> int:
        """As `Source.count`. Right after a pass that found nothing, the count that came behind it, once."""
        counted = self._counted.pop(folder.id, None)
        with self._asking(folder):
            return count_messages(self._client, folder) if counted is None else counted

    def close(self) -> None:
        """What is under way ends by itself."""
        self._client.close()

    def _note(self, folder: Folder) -> None:
        self._names[folder.id] = "/".join(folder.path)
        if len(self._names) > NAMES:
            del self._names[next(iter(self._names))]

    @contextmanager
    def _asking(self, folder: Folder) -> Iterator[None]:
        """A folder that is refused may be that because the whole mailbox is: then that is the error."""
        self._client.check_open()
        self._counted.clear()
        self._note(folder)
        if folder.id == ARCHIVE_MAILBOX.id:
            text = f"{self._client.address}: Graph does not open archive mailboxes"
            raise FolderRefused(text, "exclude it, or leave \\NotMail out of what is to be included")
        try:
            yield
        except FolderRefused:
            probe(self._client)
            raise
