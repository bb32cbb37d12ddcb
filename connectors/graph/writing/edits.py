"""Changes of one message: its flags (PATCH), its place (move), its end (DELETE).

Each looks first, and changes what it saw: by If-Match, but for a move, where there can be no condition. Graph answers
412 to a change of what another has changed meanwhile (microsoft-graph-docs-contrib #7934); then it is looked at again.
Nobody promises that it does so each time, or of a deletion. What is removed goes to Recoverable Items, from where its
user or an administrator can bring it back until the tenant's time for that is over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from connectors.errors import (
    AppRefused,
    FolderRefused,
    ItemBusy,
    ItemGone,
    ItemRefused,
    ItemUnreadable,
    LoginRefused,
)
from connectors.graph.answer import Document
from connectors.graph.fetch import probe
from connectors.graph.rows import SELECT, change_key, flags_of, is_whole, row_id, stands_in
from connectors.graph.translate import About, Asked
from connectors.graph.writing.flags import as_properties, changes, kept
from connectors.graph.writing.sending import Outdated, Sending
from connectors.model import Folder, Gone, Ref, Stale, Version

TRIES = 4
"""Looks at a message that is changed by others each time before our own change gets there."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edit:
    """A message as it was at a look, to be changed if it still is that."""

    sending: Sending
    ref: Ref
    asked: Asked
    row: Document

    @property
    def now(self) -> Version:
        """As the Source would tell."""
        return Version(change_key(self.row), flags_of(self.row))

    def is_stale(self, seen: Version | None) -> bool:
        """The message is not what the caller saw; by its tag, if both sides have one."""
        if seen is None:
            return False
        tagged = seen.tag and self.now.tag
        return seen.tag != self.now.tag if tagged else seen.flags - {"\\Recent"} != self.now.flags

    def write(self, method: str, action: str = "", body: Document | None = None) -> Document | None:
        """Raises Outdated if the message has been changed since the look."""
        etag = self.row.get("@odata.etag")
        condition = etag if isinstance(etag, str) and etag else f'W/"{self.now.tag}"'
        headers = {} if action else {"If-Match": condition}
        path = f"{self.sending.client.links.message(self.ref.id)}{action}"
        return self.sending.write(method, path, self.asked, body, headers=headers)


def set_flags(
    sending: Sending, ref: Ref, add: frozenset[str], remove: frozenset[str], seen: Version | None
) -> Version | Stale:
    """As `Target.set_flags`."""
    return _done(sending, ref, seen, lambda edit: _flagged(edit, add, remove))


def move(sending: Sending, ref: Ref, to: Folder, seen: Version | None) -> Ref | Stale:
    """As `Target.move`, but for Undecided. Ids are immutable, so the message is known there by its own."""
    return _done(sending, ref, seen, lambda edit: _moved(edit, to))


def remove(sending: Sending, ref: Ref, seen: Version | None) -> Gone | Stale:
    """As `Target.remove`."""
    return _done(sending, ref, seen, _removed)


def _done(sending: Sending, ref: Ref, seen: Version | None, write: Callable[[Edit], T]) -> T | Stale:
    for _ in range(TRIES):
        edit = _look(sending, ref)
        if edit.is_stale(seen):
            return Stale(edit.now)
        try:
            return write(edit)
        except Outdated:
            continue
    raise ItemBusy(f"{edit.asked.name} is being changed by others all the time", "nothing: it is tried again")


def _look(sending: Sending, ref: Ref) -> Edit:
    """Raises ItemGone for what is not in its folder, wherever else it may be."""
    asked, client = Asked(About.ITEM, f"message {ref.id} of {sending.client.address}"), sending.client
    try:
        row = client.get(client.links.url(f"{client.links.message(ref.id)}?{SELECT}"), asked)
    except AppRefused:
        raise
    except LoginRefused as error:
        probe(client)  # raises, if it is the whole mailbox that is refused
        raise FolderRefused(error.message, "look at the folder in Outlook; leave it out if it is refused") from error
    except ItemUnreadable as error:
        raise ItemRefused(error.message, "nothing was written; look at the message in Outlook") from error
    if not stands_in(row, ref.folder):
        raise ItemGone(f"{asked.name} has left its folder")
    return Edit(sending, ref, asked, row)


def _flagged(edit: Edit, add: frozenset[str], remove: frozenset[str]) -> Version:
    body = changed_properties(edit.row, add, remove)
    if not body:
        return edit.now
    row = edit.write("PATCH", body=body)
    if row is None or not is_whole(row):
        return _look(edit.sending, edit.ref).now
    return Version(change_key(row), flags_of(row))


def changed_properties(row: Document, add: frozenset[str], remove: frozenset[str]) -> Document:
    """What is to be written. Categories can only be given all at once: those of others stay, even odd ones."""
    before, found = flags_of(row), row.get("categories")
    added = kept(add) - remove
    body = changes(before, (before | added) - remove)
    body.pop("categories", None)
    names: list[Any] = found if isinstance(found, list) else []
    left = [name for name in names if not flags_of({"categories": [name]}) & remove]
    wanted = [*left, *as_properties(added - before)["categories"]]
    return body if wanted == names else {**body, "categories": wanted}


def _moved(edit: Edit, to: Folder) -> Ref:
    if to.id == edit.ref.folder:
        return edit.ref
    try:
        row = edit.write("POST", "/move", {"destinationId": to.id})
    except ItemGone:
        _check_there(edit, to)
        raise
    return Ref(to.id, row_id(row or {}) or edit.ref.id)


def _check_there(edit: Edit, to: Folder) -> None:
    """Raises FolderGone: Graph says of both, the message and where it is to go, that an item was not found."""
    client = edit.sending.client
    asked = Asked(About.FOLDER, f"folder {'/'.join(to.path)} of {client.address}")
    client.get(client.links.url(f"{client.links.folder(to.id)}?$select=id"), asked)


def _removed(edit: Edit) -> Gone:
    edit.write("DELETE")
    return Gone(edit.ref)
