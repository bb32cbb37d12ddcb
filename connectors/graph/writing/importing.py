"""importMime: the message as it is. In the beta version only, and for applications with a permission of its own.

learn.microsoft.com/graph/api/mailfolder-importmime. What it makes is no draft, unread, and has come now; the rest is
said afterwards, so that it is made in staging.
"""

from datetime import datetime

from connectors.errors import AppRefused, ItemRefused, LoginRefused, ServerBusy, Throttled
from connectors.graph.answer import Document, Refusal
from connectors.graph.rows import row_id
from connectors.graph.translate import About, Asked, words
from connectors.graph.writing.composing import DELIVERED, INTENT, extended, moment
from connectors.graph.writing.flags import as_properties
from connectors.graph.writing.payload import Encoded
from connectors.graph.writing.refusals import refused
from connectors.graph.writing.sending import Outgoing, Sending
from connectors.graph.writing.staging import Staging, in_staging

MOST = 4 << 20
"""Bytes of base64: Graph takes no request that is larger. Not tried, because a refusal may cut the connection."""

NO_BASE64 = b"?"
"""What importMime refuses, if it may be called at all."""

PERMIT = (
    "add the application permission Mail-Advanced.ReadWrite.All of Microsoft Graph with admin consent (Microsoft Entra "
    'admin center, App registrations, API permissions), or set writing = "compose"'
)


class Importing:
    """By the beta version beside the one that is configured."""

    def __init__(self, sending: Sending, staging: Staging) -> None:
        self._sending = sending
        self._staging = staging
        self._dated = True

    def probe(self) -> str:
        """Empty if it is allowed, else Graph's words. Nothing can come of it. Raises what stops more than this."""
        client = self._sending.client
        asked = Asked(About.MAILBOX, f"{client.address}, asking whether messages may be imported")
        url = self._url(client.links.folder("inbox"))
        found = self._sending.attempt(Outgoing("POST", url, NO_BASE64, {"Content-Type": "text/plain"}), asked)
        if not isinstance(found, Refusal):
            return "it took what is no message"
        if found.code == "ErrorMimeContentInvalidBase64String":
            return ""
        error = refused(found, asked)
        if isinstance(error, (Throttled, ServerBusy)) or found.status == 401:
            raise self._sending.refused(found, asked)
        return words(found)

    def refusal(self, said: str) -> LoginRefused:
        """If nothing but this is wanted."""
        return AppRefused(f"{self._sending.client.address}: messages cannot be imported: {said}", PERMIT)

    def bring(self, encoded: Encoded, asked: Asked) -> str:
        """Into staging: its id there. Raises ItemTooLarge, ItemRefused, Emptied, Undecided."""
        with in_staging(self._staging):
            outgoing = Outgoing("POST", self._url(self._staging.path), encoded, {"Content-Type": "text/plain"})
            found = self._sending.attempt(outgoing, asked)
            if isinstance(found, Refusal):
                raise self._sending.refused(found, asked)
        return row_id(found or {})

    def describe(
        self, message_id: str, flags: frozenset[str], received_at: datetime | None, op: str, asked: Asked
    ) -> None:
        """Its flags, its date if Graph lets it be said, and the name of its intent."""
        try:
            self._patch(message_id, flags, moment(received_at) if self._dated else "", op, asked)
        except ItemRefused:
            if not (self._dated and received_at):
                raise
            self._patch(message_id, flags, "", op, asked)
            self._dated = False

    def _patch(self, message_id: str, flags: frozenset[str], date: str, op: str, asked: Asked) -> None:
        body: Document = as_properties(flags)
        body["singleValueExtendedProperties"] = extended([(DELIVERED, date), (INTENT, op)])
        self._sending.write("PATCH", self._sending.client.links.message(message_id), asked, body)

    def _url(self, path: str) -> str:
        links = self._sending.client.links
        return f"{links.root.rpartition('/')[0]}/beta{path}/importMime"
