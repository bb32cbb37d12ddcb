"""Recognises folders that were renamed on a source whose folder ids are their names.

Dovecot and Cyrus keep UIDVALIDITY and UIDs over a rename; so does a folder that was moved below another. Never its name
tells, and not the numbering alone, which two folders may share: messages must agree in id, date and size, and some of
them in their headers. Where a rename brings new numbers (Courier), messages are matched one by one instead.
"""

import logging
from collections.abc import Iterable, Sequence

from connectors.body import header_block
from connectors.errors import FolderError
from connectors.model import Folder, Seen
from connectors.protocols import Heading, Source
from replicator.mailstore.mailbox.headers import heading
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.store import MailboxStore

log = logging.getLogger(__name__)

SAMPLES = 8
"""Messages whose headers are compared, spread over the first page."""


def follow_renames(source: Source, store: MailboxStore, side: str, listed: Iterable[Folder], gone: set[str]) -> None:
    """Gives the rows of `gone` folders to listed ones without a row that are the same, and takes them out of `gone`.

    Reads one page of each new folder, and a few headers; nothing at all where no folder is gone.
    """
    if not gone:
        return
    rows = [row for row in store.folders.all(side) if row.died is None and row.ref in gone and store.live(row)]
    if source.capabilities.stable_folder_ids or not isinstance(source, Heading):
        return
    for row in rows:
        store.fill_headings(row)
    for folder in listed:
        if not rows:
            return
        if folder.selectable and not _is_live(store.folders.get(side, folder.id)):
            same = _find(source, store, folder, rows)
            if same is not None:
                store.rename_folder(same, folder)
                rows.remove(same)
                gone.discard(same.ref)
                log.info("mailbox %s, %s: a renamed folder was recognised", store.id, side)


def _is_live(row: FolderRow | None) -> bool:
    return row is not None and row.died is None


def _find(source: Source, store: MailboxStore, folder: Folder, rows: Sequence[FolderRow]) -> FolderRow | None:
    """Which of them it is, if it is any. A folder that cannot be listed is not known; its own pass will say why."""
    try:
        page = next(source.changes(folder, None))
        listed = [change for change in page.changes if isinstance(change, Seen)]
        return next((row for row in rows if _is_same(source, store, row, listed)), None)
    except FolderError as error:
        log.debug("mailbox %s: a new folder cannot be listed: %s", store.id, error.code)
        return None


def _is_same(source: Source, store: MailboxStore, row: FolderRow, listed: list[Seen]) -> bool:
    known = [(ref, block) for ref, block in store.resemblance(row, listed) or () if block]
    samples = dict(known[:: max(1, len(known) // SAMPLES)][:SAMPLES])
    assert isinstance(source, Heading)
    found = {ref: heading(header_block(block)) for ref, block in source.headers(list(samples))} if samples else {}
    return bool(samples) and found == samples
