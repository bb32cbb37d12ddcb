"""The way by IMAP: APPEND (RFC 3501 6.3.11) to the same mailbox, where Exchange keeps MIME, date and flags at once.

IMAP has other names for messages than Graph has. As what a message stands there is found out afterwards, among the
newest of its folder.
"""

import re
from dataclasses import replace

from connectors.errors import Disconnected, ReplicationError
from connectors.graph.answer import Document, as_object
from connectors.graph.rows import row_id
from connectors.graph.settings import GraphSettings
from connectors.graph.translate import About, Asked
from connectors.graph.writing.flags import SYSTEM, as_properties, kept
from connectors.graph.writing.sending import Sending, Undecided
from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.folders import list_folders
from connectors.imap.session import Session
from connectors.imap.writing.target import ImapTarget
from connectors.model import Folder, Message, Ref, TargetCapabilities, Unknown

NEWEST = 50
"""Messages of a folder among which a new one is looked for: so many may come while it is appended."""

HEAD = 1 << 16
"""Bytes of a message in which its Message-ID is looked for."""

_NEWEST = f"/messages?$select=id,internetMessageId,createdDateTime&$orderby=createdDateTime%20desc&$top={NEWEST}"
_ID = re.compile(rb"^message-id[ \t]*:[ \t\r\n]*(<[^<>\r\n]*>)", re.I | re.M)


class ByImap:
    """One IMAP session beside Graph's. `open` raises what keeps the application from one."""

    capabilities = TargetCapabilities(atomic=True, exact_bytes=False)

    def __init__(self, sending: Sending, session: Session) -> None:
        self._sending = sending
        self._session = session
        self._target = ImapTarget(session)
        self._places: dict[tuple[str, ...], Folder] = {}

    @classmethod
    def open(cls, sending: Sending, settings: GraphSettings) -> "ByImap":
        """Connects and logs in. Raises Unreachable, Untrusted, LoginRefused, AppRefused, ServerBusy, Throttled."""
        return cls(sending, connect(imap_settings(settings), ImapMailbox(sending.client.address)))

    def shows(self, folder: Folder) -> bool:
        """Whether IMAP has the folder under the same name. One with a slash in its name has another there."""
        if folder.path not in self._places:
            self._places = {each.path: each for each in list_folders(self._session) if each.selectable}
        return folder.path in self._places

    def append(self, folder: Folder, message: Message, op: str) -> Ref:
        """As `Appending.append`, into a folder that is shown."""
        before = {row_id(row) for row in self._newest(folder)}
        flags = kept(message.flags)
        done = self._target.append(self._places[folder.path], replace(message, flags=flags & SYSTEM), op)
        if isinstance(done, Unknown):
            raise self._undecided(folder, done.error.message, written=done.written)
        ref = self._recognised(folder, message, before)
        if flags - SYSTEM:
            self._categorise(folder, ref, flags)
        return ref

    def close(self) -> None:
        """As `Target.close`."""
        self._session.close()

    def _newest(self, folder: Folder) -> list[Document]:
        client = self._sending.client
        asked = Asked(About.FOLDER, f"folder {'/'.join(folder.path)} of {client.address}")
        rows = client.get(client.links.url(client.links.folder(folder.id) + _NEWEST), asked, NEWEST).get("value")
        return [as_object(row) for row in rows] if isinstance(rows, list) else []

    def _recognised(self, folder: Folder, message: Message, before: set[str]) -> Ref:
        """What came meanwhile and has its Message-ID; without one, what came meanwhile."""
        try:
            rows = [row for row in self._newest(folder) if row_id(row) not in before]
        except ReplicationError as error:
            raise self._undecided(folder, error.message, written=True) from error
        if own := message_id(message):
            rows = [row for row in rows if row.get("internetMessageId") == own]
        if len(rows) != 1:
            text = f"it was taken, and {len(rows) or 'none'} of the messages that came meanwhile may be it"
            raise self._undecided(folder, text, written=True)
        return Ref(folder.id, row_id(rows[0]))

    def _categorise(self, folder: Folder, ref: Ref, flags: frozenset[str]) -> None:
        """Exchange keeps no keywords by IMAP. The message is there already, so that no refusal can mean otherwise."""
        asked = Asked(About.ITEM, f"message {ref.id} in {'/'.join(folder.path)}")
        body = Document(categories=as_properties(flags)["categories"])
        try:
            self._sending.write("PATCH", self._sending.client.links.message(ref.id), asked, body)
        except ReplicationError as error:
            raise self._undecided(folder, error.message, written=True) from error

    def _undecided(self, folder: Folder, said: str, *, written: bool) -> Undecided:
        self.close()
        self._sending.client.close()
        text = f"a message for folder {'/'.join(folder.path)}, by IMAP: {said}"
        return Undecided(Disconnected(text, "nothing: it is looked for before it is tried again"), written=written)


def imap_settings(settings: GraphSettings) -> ImapSettings:
    """The same application at the same tenant's IMAP server."""
    return ImapSettings(
        host=settings.imap_host,
        port=settings.imap_port,
        auth="xoauth2",
        tenant=settings.tenant,
        client_id=settings.client_id,
        certificate=settings.certificate,
        authority=settings.authority,
        scope=f"https://{settings.imap_host}/.default",
        ca_file=settings.ca_file,
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
    )


def message_id(message: Message) -> str:
    """As it stands in the message's own header; empty if there is none, or none as RFC 5322 3.6.4 has it."""
    head = b""
    for chunk in message.raw:
        head += chunk
        if len(head) > HEAD or b"\r\n\r\n" in head:
            break
    found = _ID.search(head[:HEAD].partition(b"\r\n\r\n")[0])
    return found[1].decode("ascii", "replace") if found else ""
