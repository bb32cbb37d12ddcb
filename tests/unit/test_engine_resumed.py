"""A full pass that is broken off and goes on in another session."""

from collections.abc import Iterator
from pathlib import Path

from connectors.errors import Disconnected
from connectors.memory import INBOX, MemorySource
from connectors.model import Cursor, Folder, Page
from connectors.protocols import Source
from replicator.mailstore import Mailstore
from tests.shelf import NAME, Shelf


class Breaking(MemorySource):
    """Its session ends after a page."""

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        yield next(super().changes(folder, since))
        raise Disconnected("the session has ended")


def listed(mailstore: Mailstore) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.ref.native, each.flags) for each in mailstore.mailbox(NAME).listing()]


def test_what_changed_meanwhile_in_what_was_listed_is_not_missed(tmp_path: Path) -> None:
    """The folder's stamp is that of the session which ends the pass: a later pass would skip the folder."""
    shelf = Shelf(tmp_path)
    for number in range(6):
        shelf.server.append(INBOX, b"Subject: %d\r\n\r\n" % number)

    def source() -> Source:
        return MemorySource(shelf.server, page_changes=2)

    with shelf.open() as mailstore:
        assert shelf.sync(mailstore, source=lambda: Breaking(shelf.server, page_changes=2)).error is not None
        assert [uid for uid, _ in listed(mailstore)] == ["1", "2"]
        shelf.server.set_flags(INBOX, "1", {"\\Seen"})
        shelf.server.expunge(INBOX, "2")
        report = shelf.sync(mailstore, source=source)
        assert (report.full_passes, report.counts.flags_changed, report.counts.removed) == (1, 1, 1)
        assert listed(mailstore) == [("1", ("\\Seen",)), ("3", ()), ("4", ()), ("5", ()), ("6", ())]
        again = shelf.sync(mailstore, source=source)
        assert (again.counts.seen, again.counts.flags_changed, again.full_passes) == (0, 0, 0)
