"""What stands in a folder now: how many messages, and which."""

from collections.abc import Iterator
from hashlib import blake2b

from connectors.errors import ProtocolError
from connectors.graph.answer import Document
from connectors.graph.client import Client
from connectors.graph.lookup import list_ids
from connectors.graph.translate import About, Asked
from connectors.model import Folder, Ref

WALKS = 4


COUNT = "?$select=id,totalItemCount"


def count_messages(client: Client, folder: Folder) -> int:
    """Graph's own count, as of now."""
    asked = Asked(About.FOLDER, f"folder {'/'.join(folder.path)} of {client.address}")
    count = count_of(client.get(client.links.url(f"{client.links.folder(folder.id)}{COUNT}"), asked))
    if count is None:
        raise ProtocolError(f"{asked.name}: Graph does not say how many messages it holds", "report it")
    return count


def count_of(found: Document) -> int | None:
    """What a folder says of itself; None if it does not."""
    count = found.get("totalItemCount")
    return count if isinstance(count, int) and count >= 0 else None


def list_messages(client: Client, folder: Folder) -> Iterator[Ref]:
    """Every message's id, once.

    Graph's pages are places in a list: what leaves while they are walked moves the rest up, past the walker. So a
    folder of more than one page is walked again until nothing new turns up, four times at most.
    """
    asked = Asked(About.FOLDER, f"folder {'/'.join(folder.path)} of {client.address}")
    known: set[bytes] = set()
    for _ in range(WALKS):
        before, pages = len(known), 0
        for page in list_ids(client, folder.id, asked):
            pages += 1
            for name in page:
                digest = blake2b(name.encode(), digest_size=16).digest()
                if name and digest not in known:
                    known.add(digest)
                    yield Ref(folder.id, name)
        if pages < 2 or (before and len(known) == before):
            return
