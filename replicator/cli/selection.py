"""What `list` and `export` are asked for: a folder, a side and a time, checked against what a mailbox holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from connectors.errors import ConfigError
from replicator.cli.display import print_note
from replicator.config.problems import suggestion
from replicator.folderpath import join_path, split_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicator.mailstore.mailbox.history import Listed
    from replicator.mailstore.mailbox.store import MailboxStore


@dataclass(frozen=True, slots=True)
class Selection:
    """Placements of one mailbox. `folder` None is all of them, `at` None is now (else seconds since the epoch)."""

    mailbox: str
    folder: str | None
    side: str
    at: float | None

    def of(self, store: "MailboxStore", state: str) -> "Iterator[Listed]":
        """The placements in this state. Raises ConfigError for a time before the first pass, or an unknown folder."""
        self._check_time(store)
        rows = list(store.folders.all(self.side))
        if not rows:
            print_note(f"the side {self.side} of {self.mailbox} has never been replicated")
            return iter(())
        return store.listing(self._folder(store, {row.id for row in rows}), self.side, state, self.at)

    def _check_time(self, store: "MailboxStore") -> None:
        began = store.database.began()
        if self.at is not None and began is not None and store.database.change_at(self.at) == 0:
            first = datetime.fromtimestamp(began).astimezone()
            raise ConfigError(
                f"{self.mailbox} was not replicated yet at that time: its first pass was at {first.isoformat()}",
                "name a time after that",
            )

    def _folder(self, store: "MailboxStore", numbers: set[int]) -> str | None:
        """The folder as the mailstore writes it, whose name at that time or now it may be."""
        if self.folder is None:
            return None
        paths = dict(store.folders.paths_at(_change(store, self.at)))
        known = {join_path(path) for number, path in paths.items() if number in numbers}
        for form in (self.folder, canonical(self.folder)):
            if form in known:
                return form
        message = f"{self.mailbox} has no folder {self.folder!r}{suggestion(self.folder, known, most=5)}"
        raise ConfigError(message, f"`replicator status {self.mailbox}` lists the folders")


def canonical(folder: str) -> str:
    """A folder's path as `list` shows it: INBOX in capitals, escapes in their one form."""
    first, *rest = split_path(folder)
    return join_path(("INBOX" if first.upper() == "INBOX" else first, *rest))


def _change(store: "MailboxStore", at: float | None) -> int:
    from replicator.mailstore.mailbox.history import NOW

    return NOW if at is None else store.database.change_at(at)
