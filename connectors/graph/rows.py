"""A message's row in Graph: its flags, its date, and what has to be known of it before it can be passed on."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from connectors.graph.answer import Document, as_object
from connectors.model import Ref, Seen

WANTED = ("id", "changeKey", "parentFolderId", "receivedDateTime", "isRead", "isDraft", "flag", "categories")
SELECT = "$select=" + ",".join(WANTED)
NEEDED = ("receivedDateTime", "isRead", "isDraft", "flag", "categories")
"""An update may leave out what did not change; that is then asked for."""

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def row_id(row: Document) -> str:
    """Case counts in it; empty if there is none."""
    found = row.get("id")
    return found if isinstance(found, str) else ""


def is_removed(row: Document) -> bool:
    """The message left this folder: deleted or moved, whatever reason is given."""
    return "@removed" in row


def change_key(row: Document) -> str:
    """As `changeKey`, else out of the etag, which is `W/"changeKey"`."""
    found, etag = row.get("changeKey"), row.get("@odata.etag")
    if isinstance(found, str) and found:
        return found
    return etag.removeprefix("W/").strip('"') if isinstance(etag, str) else ""


def is_whole(row: Document) -> bool:
    """Nothing that is needed has to be asked for."""
    return change_key(row) != "" and all(name in row for name in NEEDED)


def seen(row: Document, folder: str) -> Seen:
    """The message as it stands in this folder. A change key says when it was edited, and changes with its flags too."""
    key = change_key(row)
    return Seen(Ref(folder, row_id(row)), key, flags_of(row), arrival(row), revision=key)


def flags_of(row: Document) -> frozenset[str]:
    """System flags and, as keywords, the categories. One that looks like a system flag does not become one."""
    categories = row.get("categories")
    names = [name for name in categories if isinstance(name, str)] if isinstance(categories, list) else []
    flags = {f"%5C{name[1:]}" if name.startswith("\\") else name for name in names if name}
    flagged = as_object(row.get("flag")).get("flagStatus") == "flagged"
    system = (("\\Seen", row.get("isRead") is True), ("\\Draft", row.get("isDraft") is True), ("\\Flagged", flagged))
    return frozenset(flags | {flag for flag, is_set in system if is_set})


def arrival(row: Document) -> datetime:
    """When the server received it; the year 1970 where it does not say."""
    return _date(row.get("receivedDateTime")) or UNDATED


def stands_in(row: Document, folder: str) -> bool:
    """Whether the message, wherever it was looked up, is in this folder."""
    return row.get("parentFolderId") == folder


def distinct(rows: Collection[Document]) -> dict[str, list[Document]]:
    """The rows by id, in the order of their last: a page may repeat a message."""
    found: dict[str, list[Document]] = {}
    for row in rows:
        name = row_id(row)
        earlier = found.pop(name, [])
        if name:
            found[name] = [*earlier, row]
    return found


def _date(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
