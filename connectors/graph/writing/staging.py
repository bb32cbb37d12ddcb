"""The hidden folder in which a message stands until it is all there, and from which it is moved as the last step.

So no half message is ever seen, and an interruption leaves nothing but a leftover in here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.errors import FolderRefused, ItemGone, ProtocolError, ReplicationError, ServerBusy
from connectors.graph.answer import Document, as_object
from connectors.graph.folders import STAGING, is_staging
from connectors.graph.rows import row_id
from connectors.graph.translate import About, Asked
from connectors.graph.writing.sending import Sending, Undecided

log = logging.getLogger(__name__)

LEFT_OVER = timedelta(days=1)
"""By the server's clock: what is older in here, nobody is at work on any more."""


class Emptied(Exception):
    """What stood in here has been taken away by someone. Nothing was written elsewhere."""


class Staging:
    """Made, or found by its name, when it is first needed. Leftovers are then removed."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._client = sending.client
        self._id = ""
        self._left: list[str] = []

    @property
    def path(self) -> str:
        """Where messages are made. What an earlier one left in here is removed first."""
        if not self._id:
            self._id = self._find() or self._make()
        left, self._left = self._left, []
        for message_id in left:
            self._discard(message_id)
        return self._client.links.folder(self._id)

    def forget(self) -> None:
        """Someone has deleted it: it is to be made anew."""
        self._id = ""

    @contextmanager
    def standing(self, message_id: str) -> Iterator[None]:
        """What is now done to a message in here; if it is refused, the message is removed, as far as that can be.

        Raises Emptied if the message is no longer there.
        """
        try:
            yield
        except ItemGone:
            raise Emptied from None
        except Exception as error:
            if not isinstance(error, (Undecided, Emptied)):
                self._discard(message_id)
            raise

    def move_out(self, message_id: str, folder_id: str, name: str) -> str:
        """As the last step: its id there. Raises FolderGone, Emptied, Undecided."""
        asked = Asked(About.ITEM, f"a message for folder {name}")
        path, body = f"{self._client.links.message(message_id)}/move", {"destinationId": folder_id}
        try:
            return row_id(self._sending.write("POST", path, asked, body) or {}) or message_id
        except ItemGone:
            self._check_folder(folder_id, name)
            raise Emptied from None

    def _check_folder(self, folder_id: str, name: str) -> None:
        """Raises FolderGone."""
        asked = Asked(About.FOLDER, f"folder {name} of {self._client.address}")
        self._client.get(self._client.links.url(f"{self._client.links.folder(folder_id)}?$select=id"), asked)

    def _discard(self, message_id: str) -> None:
        try:
            self._sending.write("DELETE", self._client.links.message(message_id), self._asked(About.ITEM))
        except ItemGone:
            return
        except (ReplicationError, Undecided) as error:  # a pause was asked for, or the connection is lost
            self._left.append(message_id)
            log.debug("Graph: a message that could not be finished was left: %s", type(error).__name__)

    def _find(self) -> str:
        found = next((row for row in self._top() if row.get("displayName") == STAGING), None)
        if found is None:
            return ""
        if not is_staging(found):
            text = f"{self._client.address}: there is a folder {STAGING!r} that is shown, and one is needed that is not"
            raise FolderRefused(text, "rename that folder, or delete it if it is empty")
        self._sweep(row_id(found))
        return row_id(found)

    def _top(self) -> Iterator[Document]:
        links = self._client.links
        yield from self._rows(f"{links.user}/mailFolders?includeHiddenFolders=true&$select=id,displayName,isHidden")

    def _make(self) -> str:
        body = {"displayName": STAGING, "isHidden": True}
        try:
            made = self._sending.write("POST", f"{self._client.links.user}/mailFolders", self._asked(), body)
        except ProtocolError:  # there may be one by now, made by another session
            if name := self._find():
                return name
            raise
        if not (name := row_id(made or {})):
            raise ProtocolError(f"{self._asked().name}: Graph does not say as what it was made", "report it")
        return name

    def _sweep(self, staging_id: str) -> None:
        """What was left a day ago; without the server's clock, nothing."""
        if (now := _date(self._sending.clock)) is None:
            return
        path = f"{self._client.links.folder(staging_id)}/messages?$select=id,createdDateTime"
        for row in list(self._rows(path)):
            made = _date(row.get("createdDateTime"))
            if made is not None and now - made > LEFT_OVER:
                self._discard(row_id(row))

    def _rows(self, path: str) -> Iterator[Document]:
        url = self._client.links.url(path)
        while url:
            document = self._client.get(url, self._asked())
            rows = document.get("value")
            yield from map(as_object, rows if isinstance(rows, list) else ())
            url = self._client.links.following(document, url, self._asked().name)

    def _asked(self, about: About = About.MAILBOX) -> Asked:
        return Asked(about, f"{self._client.address}, in the folder for unfinished messages")


@contextmanager
def in_staging(staging: Staging) -> Iterator[None]:
    """A request to make something in it: if it is not there, someone has deleted it. Raises Emptied."""
    try:
        yield
    except ItemGone:
        staging.forget()
        raise Emptied from None


def emptied_again(name: str) -> ServerBusy:
    """It happened as often as it is tried."""
    text = f"a message for folder {name}: it was taken away again and again while it was being written"
    return ServerBusy(text, f"find out what deletes messages in the hidden folder {STAGING!r}, a rule or a program")


def _date(text: object) -> datetime | None:
    """An HTTP date, or one of Graph's."""
    try:
        found = datetime.fromisoformat(str(text)) if str(text)[:1].isdigit() else parsedate_to_datetime(str(text))
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
