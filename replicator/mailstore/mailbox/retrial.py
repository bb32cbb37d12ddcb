"""Records how another try at quarantined messages ended."""

from collections.abc import Mapping, Sequence

from connectors.model import Failure, Ref
from replicator.mailstore.mailbox.answers import Answer, Counts, New
from replicator.mailstore.mailbox.database import Commit, MailboxDatabase
from replicator.mailstore.mailbox.quarantine import FailureRows, Quarantined
from replicator.mailstore.mailbox.recording import Recorder
from replicator.mailstore.mailbox.rows import FolderRow


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

    def _version(self, commit: Commit, answer: Answer) -> int:
        assert not isinstance(answer, Failure)
        if not isinstance(answer, New):
            return answer.version
        known = self._recorder.held((answer.content.sha256,)).get(answer.content.sha256)
        if known is not None:
            return known.version
        version = commit.new_version()
        self._recorder.insert_versions(commit, {version: answer})
        return version
