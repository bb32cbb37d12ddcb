"""Works through one page within its commit: what arrives, changes and leaves, in the order in which it is told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from connectors.model import Change, Failure, Gone, Ref, Seen
from replicator.mailstore.mailbox.answers import Answer, Counts, Matched, New
from replicator.mailstore.mailbox.claims import Kind
from replicator.mailstore.mailbox.database import Commit
from replicator.mailstore.mailbox.rows import QUARANTINED, FolderRow, PlacementRow, encode_flags

if TYPE_CHECKING:
    from replicator.mailstore.mailbox.recording import Recorder


class PageWork:
    """One page under way. New placements are held back until `write`, so that a page may change its mind about them."""

    def __init__(
        self,
        recorder: "Recorder",
        commit: Commit,
        folder: FolderRow,
        known: Mapping[str, PlacementRow],
        answers: Mapping[Ref, Answer],
    ) -> None:
        self.counts = Counts()
        self.begun: dict[bytes, int] = {}
        self._recorder = recorder
        self._commit = commit
        self._folder = folder
        self._known = dict(known)
        self._answers = answers
        self._number = folder.next_number
        self._arriving: dict[str, PlacementRow] = {}
        self._failures: dict[int, Failure] = {}
        self._new_versions: dict[int, New] = {}
        self._unverified: dict[int, int] = {}  # since which change
        self._revisions: dict[int, str] = {}
        self._begun: set[bytes] = set()  # roots of items
        self._learnt: dict[str, int] = {}
        self._doubled = 0  # identities that stood for two contents
        self._sizes = [0, 0]  # compared, wrong
        news = [answer for answer in answers.values() if isinstance(answer, New)]
        self._kin = {new.content.sha256: new.kin for new in news}
        wanted = {sha256 for new in news for sha256 in (new.content.sha256, new.kin) if sha256}
        self._versions = {sha256: held.version for sha256, held in recorder.held(wanted).items()}

    def take(self, change: Change) -> None:
        """One change."""
        row = self._arriving.get(change.ref.id) or self._known.get(change.ref.id)
        here = row is not None and row.died is None
        if isinstance(change, Gone):
            if row is not None and here:
                self._leave(row)
        elif row is not None and here and (change.ref not in self._answers or row.stands_for(change)):
            self._reflag(self._renew(row, change), encode_flags(change.flags))
        elif change.ref in self._answers:
            if row is not None and here:
                self._leave(row)
            self._arrive(change, self._answers[change.ref], first=row is None)

    def write(self) -> int:
        """Writes what arrived, and returns the folder's next free number."""
        self.begun = self._recorder.insert_versions(self._commit, self._new_versions)
        self._recorder.insert_placements(self._commit, self._arriving.values())
        self._recorder.failures.add(self._commit, self._failures)
        self._recorder.unverified.add(self._commit, self._unverified)
        self._recorder.revisions.put(self._commit, self._revisions)
        self._judge()
        return self._number

    def _judge(self) -> None:
        """Records what the source claimed of messages whose bytes came: identities to go by, and how right it was."""
        side, claims = self._folder.side, self._recorder.claims
        known, contradicted = self._recorder.identities.learn(self._commit, side, self._learnt)
        claims.add(self._commit, side, Kind.IDENTITY, known + self._doubled, contradicted + self._doubled)
        claims.add(self._commit, side, Kind.SIZE, *self._sizes)

    def _arrive(self, change: Seen, answer: Answer, *, first: bool) -> None:
        placement = self._commit.new_placement()
        version, outcome, size = self._settle(placement, answer)
        if first:
            self.counts.seen += 1
            setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)
        self.counts.bytes += size
        if isinstance(answer, Matched):
            self._go_on(placement, answer)
        elif not isinstance(answer, Failure):
            self._compare(change, version, size)
        if change.revision and version != QUARANTINED:
            self._revisions[placement] = change.revision
        self._arriving[change.ref.id] = PlacementRow(
            id=placement,
            folder=self._folder.id,
            number=self._number,
            ref=change.ref.id,
            arrived=change.arrived_at.isoformat(),
            born=self._commit.change,
            died=None,
            since=self._commit.change,
            flags=encode_flags(change.flags),
            version=version,
        )
        self._number += 1

    def _renew(self, row: PlacementRow, change: Seen) -> PlacementRow:
        """The row with what its message says now, if that was asked for: another version of the item, or the same."""
        answer = self._answers.get(change.ref)
        if row.id in self._revisions:  # told before in this page; the body was read after all that the page tells
            self._revisions[row.id] = change.revision
            return row
        if answer is None or row.ref in self._arriving or self._is_told(row, change):
            return row
        if not isinstance(answer, Failure):
            self._revisions[row.id] = change.revision
            self._recorder.unverified.drop(self._commit, row.id)
        elif row.version == QUARANTINED:
            return row  # which is tried again in its turn
        if isinstance(answer, New) and answer.kin not in self._versions:
            answer = self._akin_to(row.version, answer)
        version, _, size = self._settle(row.id, answer)
        self.counts.bytes += size
        return row if version == row.version else self._rewrite(row, version)

    def _akin_to(self, version: int, answer: New) -> New:
        kin = self._recorder.digest_of(version)
        if not kin:
            return answer  # of a row in quarantine: it begins an item
        self._versions[kin], self._kin[answer.content.sha256] = version, kin
        return replace(answer, kin=kin)

    def _is_told(self, row: PlacementRow, change: Seen) -> bool:
        """The page before told it too, and was recorded after this one was looked up: its answer stands."""
        stamp = self._recorder.revisions.of((row.id,)).get(row.id, "") if change.revision else ""
        return stamp == change.revision

    def _rewrite(self, row: PlacementRow, version: int) -> PlacementRow:
        if row.version == QUARANTINED:
            self._recorder.failures.drop(self._commit, [row.id])
            self.counts.recovered += 1
        elif version != QUARANTINED:
            self.counts.edited += 1
        new = self._known[row.ref] = self._recorder.revise(self._commit, row, flags=row.flags, version=version)
        return new

    def _settle(self, placement: int, answer: Answer) -> tuple[int, str, int]:
        """The version that an answer leads to, how it counts, and how many bytes it brought."""
        if isinstance(answer, Failure):
            self._failures[placement] = answer
            return QUARANTINED, "quarantined", 0
        if isinstance(answer, Matched):
            return answer.version, "merged", 0
        if not isinstance(answer, New):
            return answer.version, "merged", answer.size
        sha256, size = answer.content.sha256, answer.content.size
        if sha256 in self._versions:
            return self._versions[sha256], "merged", size
        root = self._root(sha256)
        is_known = root in self._versions or root in self._begun or root in self._recorder.begun
        self._begun.add(root)
        version = self._versions[sha256] = self._commit.new_version()
        self._new_versions[version] = replace(answer, kin=b"" if root == sha256 else root)
        return version, "merged" if is_known else "stored", size

    def _root(self, sha256: bytes) -> bytes:
        """The content that begins its item: kin was read before it, but may be told after it, or not at all."""
        while sha256 not in self._versions and (kin := self._kin.get(sha256)):
            sha256 = kin
        return sha256

    def _go_on(self, placement: int, match: Matched) -> None:
        """Marks a placement that was matched without its body; the one that it continues ends here."""
        since = match.since
        old = self._recorder.placement(match.old) if match.old else None
        if old is not None and old.died is None:
            self._recorder.close(self._commit, [old])
            since = self._recorder.unverified.drop(self._commit, old.id)
            self.counts.removed += 1
        if match.unverified:  # a doubt keeps its age, or a server that numbers anew in each run would never be asked
            self._unverified[placement] = since or self._commit.change
            self.counts.unverified += 1

    def _compare(self, change: Seen, version: int, size: int) -> None:
        """What the listing said of a message, now that its bytes are here."""
        if change.size:
            self._sizes[0] += 1
            self._sizes[1] += change.size != size
        if change.identity:
            self._doubled += self._learnt.setdefault(change.identity, version) != version

    def _reflag(self, row: PlacementRow, flags: str) -> None:
        if flags == row.flags:
            return
        if row.ref in self._arriving:
            self._arriving[row.ref] = replace(row, flags=flags)
            return
        self._known[row.ref] = self._recorder.revise(self._commit, row, flags=flags, version=row.version)
        self.counts.flags_changed += 1

    def _leave(self, row: PlacementRow) -> None:
        self.counts.removed += 1
        left = replace(row, died=self._commit.change)
        if row.ref in self._arriving:
            self._arriving[row.ref] = left
            self._failures.pop(row.id, None)
            return
        self._known[row.ref] = left
        self._recorder.close(self._commit, [row])
