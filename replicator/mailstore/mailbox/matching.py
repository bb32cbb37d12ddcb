"""Finds content that is held for messages that are new only by their number: by identity, else by all other signs.

docs/algorithm.md, invariant 8. Runs in the thread that reads, with a database connection of its own.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connectors.body import header_block
from connectors.model import Page, Ref, Role, Seen
from replicator.mailstore.mailbox.answers import Matched, Need
from replicator.mailstore.mailbox.database import MailboxDatabase
from replicator.mailstore.mailbox.headers import heading
from replicator.mailstore.mailbox.presence import Orphans
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.sqlcipher import translated

Headers = Callable[[list[Ref]], Iterable[tuple[Ref, bytes]]]
"""The header blocks of messages, as `Heading.headers` gives them."""

DRAFT = "\\Draft"
"""A draft is changed in place by some servers, so that one with the same header may be another one."""

_FITTING = """SELECT p.id, p.folder, p.number, p.arrived, p.flags, v.id, v.size, v.heading,
        EXISTS (SELECT 1 FROM identity i WHERE i.version = v.id AND i.side = ?)
    FROM placement p CROSS JOIN version v ON v.id = p.version
    WHERE p.folder IN (SELECT value FROM json_each(?)) AND p.died IS NULL
        AND p.arrived IN (SELECT value FROM json_each(?))"""

_Sign = tuple[str, int, bytes]
"""Date, size and heading."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A placement by folder and number; `named`: the side's server has an identity for its content."""

    placement: int
    place: tuple[int, int]
    version: int
    sign: _Sign
    named: bool


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
        self._database = database
        self._recorder = recorder
        self._folder = folder
        self._orphans = orphans
        self._headers = headers
        self._shaken: bool | None = None

    def need(self, page: Page) -> Need:
        """What of a page has to be fetched, and what is known without."""
        missing = self._recorder.unknown(self._folder, page)
        seen = {change.ref: change for change in page.changes if isinstance(change, Seen)}
        matched = self._by_identity([seen[ref] for ref in missing])
        rest = [seen[ref] for ref in missing if ref not in matched]
        if rest and self._orphans:
            matched |= self._by_signs([each for each in rest if self._is_fit(each)], self._orphans)
        return Need([ref for ref in missing if ref not in matched], matched)

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
            each.ref: Matched(known.version, known.size, unverified=anew or standing[known.version].doubted)
            for each, known in found
            if each.arrived_at in standing[known.version].dates
            and not (proven and each.size and each.size != known.size)
        }

    def _is_anew(self) -> bool:
        """The server may be another one by now: messages were numbered anew, here or elsewhere, and are still in doubt.

        Of other folders asked once: what this pass itself raises is known by its orphans.
        """
        if self._shaken is None:
            self._shaken = self._folder.id in self._orphans.folders or self._recorder.unverified.any(self._folder.side)
        return self._shaken

    def _by_signs(self, news: list[Seen], orphans: Orphans) -> dict[Ref, Matched]:
        """By heading, size and date; k-th with k-th. Rows that fit alike and differ in content tell nothing apart."""
        if not news or not self._recorder.claims.sizes_proven(self._folder.side):
            return {}
        rows = list(self._fitting({each.arrived_at.isoformat() for each in news}, {each.size for each in news}))
        dated = {row.sign[:2] for row in rows}
        likely = {each.ref: each for each in news if (each.arrived_at.isoformat(), each.size) in dated}
        waiting, ambiguous = _by_sign(rows, orphans)
        found: dict[Ref, Matched] = {}
        blocks = {ref: heading(header_block(block)) for ref, block in self._headers(list(likely))} if likely else {}
        for ref, each in likely.items():
            sign = (each.arrived_at.isoformat(), each.size, blocks.get(ref, b""))
            queue = waiting.get(sign)
            if queue and sign not in ambiguous and not (each.identity and queue[0].named):
                row = queue.popleft()
                orphans.take(*row.place)
                found[ref] = Matched(row.version, each.size, row.placement, unverified=True)
        return found

    def _is_fit(self, seen: Seen) -> bool:
        return bool(seen.size) and DRAFT not in seen.flags and self._folder.role is not Role.DRAFTS

    def _fitting(self, dates: set[str], sizes: set[int]) -> Iterator[_Row]:
        folders = json.dumps(sorted({self._folder.id, *self._orphans.folders}))
        parameters = (self._folder.side, folders, json.dumps(sorted(dates)))
        with translated(self._database.path):
            rows = self._database.connection.execute(_FITTING, parameters)
            for placement, folder, number, arrived, flags, version, size, block, named in rows:
                if size in sizes and block and DRAFT not in json.loads(flags):
                    yield _Row(placement, (folder, number), version, (arrived, size, block), bool(named))


def _by_sign(rows: Iterable[_Row], orphans: Orphans) -> tuple[dict[_Sign, deque[_Row]], set[_Sign]]:
    """The orphans in the order of their numbers, by sign; and the signs under which different contents stand."""
    waiting: dict[_Sign, deque[_Row]] = {}
    contents: dict[_Sign, int] = {}
    ambiguous: set[_Sign] = set()
    for row in sorted(rows, key=lambda row: row.place):
        if contents.setdefault(row.sign, row.version) != row.version:
            ambiguous.add(row.sign)
        if row.place in orphans:
            waiting.setdefault(row.sign, deque()).append(row)
    return waiting, ambiguous
