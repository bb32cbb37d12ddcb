"""Records how another try at quarantined messages ended, and another look at those that were matched unread."""

from collections import Counter
from collections.abc import Mapping, Sequence

from connectors.model import Failure, Ref
from replicator.mailstore.mailbox.answers import Answer, Counts, New
from replicator.mailstore.mailbox.claims import Kind
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.quarantine import FailureRows, Quarantined
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import FolderRow
from replicator.mailstore.mailbox.unverified import Doubt


class Retrial:
    """Gives a quarantined placement its content at last, or a later date for the next try."""

    def __init__(self, database: MailboxDatabase, recorder: Recorder, failures: FailureRows) -> None:
        self._database = database
        self._recorder = recorder
        self._failures = failures

    def record(
        self, folder: FolderRow, tried: Sequence[Quarantined], answers: Mapping[str, Answer], run: str
    ) -> Counts:
        """One commit for all that was tried. What has left meanwhile stays as it is: the next page will say so."""
        counts = Counts()
        known = self._recorder.on_record(folder, (Ref(folder.ref, old.ref) for old in tried))
        with self._database.commit(run) as commit:
            for old in tried:
                answer = answers.get(old.ref)
                if isinstance(answer, Failure):
                    self._failures.repeat(commit, old, answer)
                elif answer is not None:
                    row = known[old.ref]
                    self._recorder.revise(commit, row, flags=row.flags, version=self._version(commit, answer))
                    self._failures.drop(commit, [old.placement])
                    counts.recovered += 1
        return counts

    def reread(self, doubts: Sequence[Doubt], answers: Mapping[Ref, Answer], run: str) -> Counts:
        """One commit for all whose bodies came: the doubt ends, and what turns out to be other content is put right.

        Then the sizes of that side, by which it was matched, are not trusted again.
        """
        counts = Counts()
        came = [(doubt, answer) for doubt in doubts if _is_content(answer := answers.get(doubt.ref))]
        if not came:
            return counts
        with self._database.commit(run) as commit:
            wrong: Counter[str] = Counter()
            for doubt, answer in came:
                row = self._recorder.placement(doubt.placement)
                self._recorder.unverified.drop(commit, doubt.placement)
                version = self._version(commit, answer)
                counts.reread += 1
                if version != row.version:
                    self._recorder.revise(commit, row, flags=row.flags, version=version)
                if not self._recorder.is_one_item(version, row.version):
                    counts.corrected += 1
                    wrong[doubt.side] += 1
            for side, number in wrong.items():
                self._recorder.claims.add(commit, side, Kind.SIZE, number, number)
                self._recorder.claims.add(commit, side, Kind.IDENTITY, number, number)
        return counts

    def _version(self, commit: Commit, answer: Answer | None) -> int:
        assert not isinstance(answer, Failure | None)
        if not isinstance(answer, New):
            return answer.version
        known = self._recorder.held((answer.content.sha256,)).get(answer.content.sha256)
        if known is not None:
            return known.version
        version = commit.new_version()
        self._recorder.insert_versions(commit, {version: answer})
        return version


def _is_content(answer: Answer | None) -> bool:
    return answer is not None and not isinstance(answer, Failure)
