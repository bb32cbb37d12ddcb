"""Marks: the ids of all messages in a folder, and what came since.

No delta: Graph keeps few generations of a folder's links, which are the Source's, and they expire. Ids are immutable,
so that one that a mark knows was there, wherever it has been in between.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from connectors.errors import FolderRefused, Renumbered
from connectors.graph.answer import Document, as_object
from connectors.graph.client import Client
from connectors.graph.fetch import probe
from connectors.graph.inventory import WALKS, list_messages
from connectors.graph.lookup import MANY
from connectors.graph.rows import SELECT, arrival, flags_of, row_id
from connectors.graph.translate import About, Asked
from connectors.graph.writing.judged import Left, Raw
from connectors.model import BEGINNING, Folder, Mark, Message, Ref

VERSION = 1
DIGEST = 8
"""Bytes of an id's digest: among a million ids, one in ten million million is mistaken for another."""


def mark(client: Client, folder: Folder) -> Mark:
    """As `Target.mark`: by an inventory of its ids. Ten bytes a message."""
    with asking(client):
        digests = sorted({_digest(ref.id) for ref in list_messages(client, folder)})
    fields = {"v": VERSION, "folder": folder.id, "ids": b64encode(b"".join(digests)).decode()}
    return Mark(json.dumps(fields, separators=(",", ":")))


def find(client: Client, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
    """As `Target.find`. What came within one second is in the order of Graph's listing: it tells whole seconds."""
    name = "/".join(folder.path)
    with asking(client):
        marked = frozenset() if since == BEGINNING else _marked(since, folder)
        rows = [row for row in _rows(client, folder) if _digest(row_id(row)) not in marked]
        rows.sort(key=lambda row: str(row.get("createdDateTime", "")))
        found = []
        for row in rows:
            ref = Ref(folder.id, row_id(row))
            raw = Raw(client, ref, f"message {ref.id} in {name}")
            try:
                if matches(Message(ref, raw, flags_of(row), arrival(row))):
                    found.append(ref)
            except Left:
                continue  # meanwhile
            finally:
                raw.close()
    return found


@contextmanager
def asking(client: Client) -> Iterator[None]:
    """A folder that is refused may be that because the whole mailbox is: then that is the error."""
    client.check_open()
    try:
        yield
    except FolderRefused:
        probe(client)
        raise


def _rows(client: Client, folder: Folder) -> list[Document]:
    """Each message's row. Pages are walked again as those of an inventory are: what leaves moves the rest up."""
    asked = Asked(About.FOLDER, f"folder {'/'.join(folder.path)} of {client.address}")
    found: dict[str, Document] = {}
    for _ in range(WALKS):
        before, pages = len(found), 0
        url = client.links.url(f"{client.links.folder(folder.id)}/messages?{SELECT},createdDateTime")
        while url:
            document, pages = client.get(url, asked, MANY), pages + 1
            rows = document.get("value")
            for row in map(as_object, rows if isinstance(rows, list) else ()):
                found[row_id(row)] = row
            url = client.links.following(document, url, asked.name)
        if pages < 2 or (before and len(found) == before):
            break
    found.pop("", None)
    return list(found.values())


def _marked(since: Mark, folder: Folder) -> frozenset[bytes]:
    """Raises Renumbered."""
    match _fields(since):
        case {"v": 1, "folder": str(marked), "ids": str(ids)} if marked == folder.id:
            return _digests(ids, folder)
        case {"v": 1, "folder": str()}:
            raise _lost(folder, "it is not the folder that was marked")
    raise _lost(folder, "this is not a mark of this connector")


def _digests(text: str, folder: Folder) -> frozenset[bytes]:
    try:
        data = b64decode(text, validate=True)
    except NotBase64 as error:
        raise _lost(folder, "the mark is damaged") from error
    if len(data) % DIGEST:
        raise _lost(folder, "the mark is damaged")
    return frozenset(data[at : at + DIGEST] for at in range(0, len(data), DIGEST))


def _fields(since: Mark) -> Any:
    try:
        return json.loads(since)
    except ValueError:
        return None


def _lost(folder: Folder, what: str) -> Renumbered:
    return Renumbered(f"folder {'/'.join(folder.path)}: {what}", "look through all of it")


def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=DIGEST).digest()
