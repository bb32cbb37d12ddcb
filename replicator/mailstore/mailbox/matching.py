"""Finds content that is held for messages that are new only by their number: by identity, else by all other signs.

docs/algorithm.md, "Matching". Runs in the thread that reads, with a database connection of its own.
"""

from collections.abc import Callable, Iterable

from connectors.body import header_block
from connectors.model import Page, Ref, Role, Seen
from replicator.mailstore.mailbox.answers import Matched, Need
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.headers import heading
from replicator.mailstore.mailbox.lookalikes import DRAFT, Lookalikes
from replicator.mailstore.mailbox.presence import Orphans
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import FolderRow

Headers = Callable[[list[Ref]], Iterable[tuple[Ref, bytes]]]
"""The header blocks of messages, as `Heading.headers` gives them."""


class Matching:
    """One folder's, for one pass. `orphans` are its own, and those of folders that are no more; none in calm times.

    An identity stands for its content as a UID does: both are the server's word that the bytes are the same. So what
    was moved or copied is not in doubt; but after a re-numbering the server may be another one, restored or migrated.
    A doubt goes along with its content wherever that is moved or copied.
    """

    def __init__(
        self,
        database: MailboxDatabase,
        recorder: Recorder,
        folder: FolderRow,
        orphans: Orphans,
        headers: Headers,
    ) -> None:
        self._recorder = recorder
        self._folder = folder
        self._orphans = orphans
        self._headers = headers
        self._lookalikes = Lookalikes(database, folder.side, {folder.id, *orphans.folders}, orphans)
        self._shaken: bool | None = None

    def need(self, page: Page) -> Need:
        """What of a page has to be fetched, and what is known without."""
        missing, revised = self._recorder.unknown(self._folder, page), self._recorder.revised(self._folder, page)
        seen = {change.ref: change for change in page.changes if isinstance(change, Seen)}
        matched = self._by_identity([seen[ref] for ref in missing])
        rest = [seen[ref] for ref in missing if ref not in matched]
        if rest and self._orphans:
            matched |= self._by_signs([each for each in rest if self._is_fit(each)])
        return Need([ref for ref in missing if ref not in matched] + revised, matched)

    def _by_identity(self, news: list[Seen]) -> dict[Ref, Matched]:
        """An identity decides alone, unless the date, or a size that can be trusted, contradicts it."""
        claims, side = self._recorder.claims, self._folder.side
        held = self._recorder.identities.held(side, (each.identity for each in news))
        if not held or not claims.identities_trusted(side):
            return {}
        proven, anew = claims.sizes_proven(side), self._is_anew()
        standing = self._recorder.identities.standing(side, {known.version for known in held.values()})
        found = ((each, held[each.identity]) for each in news if each.identity in held)
        return {
            each.ref: Matched(known.version, known.size, unverified=anew or was.doubted, since=was.since)
            for each, known in found
            if each.arrived_at in (was := standing[known.version]).dates
            and not (proven and each.size and each.size != known.size)
        }

    def _is_anew(self) -> bool:
        """The server may be another one by now: messages were numbered anew, here or elsewhere, and are still in doubt.

        Of other folders asked once: what this pass itself raises is known by its orphans.
        """
        if self._shaken is None:
            self._shaken = self._folder.id in self._orphans.folders or self._recorder.unverified.any(self._folder.side)
        return self._shaken

    def _by_signs(self, news: list[Seen]) -> dict[Ref, Matched]:
        """By heading, size and date; k-th with k-th. Rows that fit alike and differ in content tell nothing apart."""
        if not news or not self._recorder.claims.sizes_proven(self._folder.side):
            return {}
        alikes = self._lookalikes.under({each.arrived_at.isoformat() for each in news})
        wanted = {sign[:2] for sign, alike in alikes.items() if alike.orphans and not alike.differ}
        likely = {each.ref: each for each in news if (each.arrived_at.isoformat(), each.size) in wanted}
        blocks = {ref: heading(header_block(block)) for ref, block in self._headers(list(likely))} if likely else {}
        found: dict[Ref, Matched] = {}
        for ref, each in likely.items():
            alike = alikes.get((each.arrived_at.isoformat(), each.size, blocks.get(ref, b"")))
            if alike and alike.orphans and not alike.differ and not (each.identity and alike.named):
                folder, number, placement = alike.orphans.pop()
                self._orphans.take(folder, number)
                found[ref] = Matched(alike.version, each.size, placement, unverified=True)
        return found

    def _is_fit(self, seen: Seen) -> bool:
        return bool(seen.size) and DRAFT not in seen.flags and self._folder.role is not Role.DRAFTS
