"""Single messages, asked for by their ids: what changed of one that a row does not tell, or where it is now."""

from collections.abc import Iterator, Sequence

from connectors.errors import ItemError, ItemGone
from connectors.graph.answer import Document, as_object
from connectors.graph.client import Client
from connectors.graph.rows import SELECT, row_id
from connectors.graph.translate import About, Asked, refused

MANY = 999
"""Ids in a page of an inventory, which is the most that Graph gives of anything."""


def look_up(client: Client, ids: Sequence[str], where: str) -> dict[str, Document | None]:
    """Each message's row as it is now; None if it is nowhere, an empty one if Graph cannot say.

    Raises what stops more than one message.
    """
    asked = Asked(About.ITEM, where)
    found: dict[str, Document | None] = {}
    replies = client.batch([f"{client.links.message(each)}?{SELECT}" for each in ids], asked)
    for name, reply in zip(ids, replies, strict=True):
        found[name] = reply.document
        if reply.refusal is not None:
            error = refused(reply.refusal, asked)
            if not isinstance(error, ItemError):
                raise client.refused(reply.refusal, asked)
            found[name] = None if isinstance(error, ItemGone) else {}
    return found


def list_ids(client: Client, folder_id: str, asked: Asked) -> Iterator[list[str]]:
    """One walk over the ids of a folder, in pages as Graph gives them."""
    url = client.links.url(f"{client.links.folder(folder_id)}/messages?$select=id")
    while url:
        document = client.get(url, asked, MANY)
        rows = document.get("value")
        yield [row_id(as_object(row)) for row in rows] if isinstance(rows, list) else []
        url = client.links.following(document, url, asked.name)
