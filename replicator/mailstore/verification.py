"""Checks the whole mailstore: catalog, segments, and each mailbox, with or without decrypting what they hold."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from connectors.errors import StorageFull, StoreError
from replicator.mailstore.blobs import Segments
from replicator.mailstore.blobs.checking import check_files, check_segments
from replicator.mailstore.catalog import SqliteCatalog
from replicator.mailstore.content import Content
from replicator.mailstore.directory import Directory
from replicator.mailstore.keys import Keyring
from replicator.mailstore.mailbox.store import MailboxStore
from replicator.mailstore.problem import Problem

log = logging.getLogger(__name__)


class Verifiable(Protocol):
    """What of a mailstore is checked."""

    directory: Directory
    keyring: Keyring
    segments: Segments

    @property
    def catalog(self) -> SqliteCatalog:
        """Raises if it cannot be opened."""
        ...

    def mailbox(self, name: str) -> MailboxStore:
        """An open mailbox."""
        ...


class Verification:
    """One run. Whatever is wrong is a Problem, never an error, so that nothing hides behind it."""

    def __init__(self, mailstore: Verifiable, wanted: Callable[[], bool], *, segments: bool) -> None:
        """`wanted` is asked for each message whether to decrypt it; with `segments`, every record's CRC is read."""
        self._mailstore = mailstore
        self._wanted = wanted
        self._segments = segments

    def run(self, names: Sequence[str]) -> Iterator[Content | Problem]:
        """Each message that is right, and each thing that is not."""
        try:
            self._mailstore.catalog  # noqa: B018 - opens it
        except StoreError as error:
            yield Problem("catalog", error.message)
            yield Problem("mailboxes", "not checked: move catalog.db away, and it is rebuilt from the segments")
            return
        yield from self._guarded("catalog", self._catalog)
        yield from self._guarded("keyring", self._strangers)
        yield from self._guarded("segments", self._records)
        ids = self._mailstore.keyring.names()
        for name in names:
            yield from self._guarded(_mailbox(ids[name]), lambda name=name: self._mailbox(name))  # type: ignore[misc]

    def _catalog(self) -> Iterator[Problem]:
        return self._mailstore.catalog.problems()

    def _strangers(self) -> Iterator[Problem]:
        """Mailboxes without a key. A mark that was lost with the catalog is told, but nobody changed it."""
        marks = self._mailstore.catalog.marks()
        found = {*self._mailstore.directory.mailbox_ids(), *(mark.mailbox_id for mark in marks)}
        # A key is there before all else, so that a keyring that is read last knows whatever others add meanwhile.
        self._mailstore.keyring.refresh()
        for mailbox_id in sorted(found - set(self._mailstore.keyring.names().values())):
            yield Problem(_mailbox(mailbox_id), "keyring.json has no key for it: an older copy of it was put back")
        if any(mark.lost for mark in marks):
            log.warning("the catalog was rebuilt: until the next `sync` no rollback before that can be noticed")

    def _records(self) -> Iterator[Problem]:
        check = check_segments if self._segments else check_files
        return check(self._mailstore.segments, self._mailstore.catalog)

    def _mailbox(self, name: str) -> Iterator[Content | Problem]:
        store = self._mailstore.mailbox(name)
        yield from store.problems()
        yield from store.contents(self._wanted)

    def _guarded(self, where: str, check: Callable[[], Iterator[Content | Problem]]) -> Iterator[Content | Problem]:
        try:
            yield from check()
        except StorageFull:
            raise
        except StoreError as error:
            yield Problem(where, error.message)


def _mailbox(mailbox_id: str) -> str:
    return f"mailbox {mailbox_id}"
