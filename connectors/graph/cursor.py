"""Where a folder's changes go on: Graph's newest link for it, whole, since what is in it is Graph's own business."""

import json

from connectors.errors import CursorExpired
from connectors.graph.links import Links
from connectors.model import Cursor

VERSION = 1


def write_cursor(link: str) -> Cursor:
    """Only the newest link of a folder is sure to be known to Graph; earlier ones are soon forgotten."""
    return Cursor(json.dumps({"v": VERSION, "link": link}))


def read_cursor(cursor: Cursor, links: Links) -> str:
    """The link. Raises CursorExpired for what `write_cursor` did not make, or made for another host."""
    try:
        match json.loads(cursor):
            case {"v": 1, "link": str(link)} if links.is_ours(link):
                return link
    except (ValueError, RecursionError):
        pass
    raise CursorExpired("the cursor is none of this connector's, or leads to another host")
