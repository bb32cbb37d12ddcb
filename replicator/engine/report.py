"""What a run did, mailbox by mailbox, in the form that `sync --json` prints."""

from dataclasses import asdict, dataclass, field
from typing import Any

from connectors.errors import PARTLY, ReplicationError
from replicator.engine.indexing import Indexed
from replicator.mailstore.mailbox.answers import Counts


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as reports carry it: its stable code, what happened, what to do next, and its exit code."""

    code: str
    message: str
    advice: str
    exit_code: int

    @classmethod
    def of(cls, error: ReplicationError, where: str = "") -> "Trouble":
        """From an error; `where` names what it is about, if its message does not do so itself."""
        message = error.message if not where or f"{where}: " in error.message else f"{where}: {error.message}"
        return cls(error.code, message, error.advice, error.exit_code)

    def reason(self) -> tuple[str, str, str]:
        """Without the exit code: what the books keep."""
        return self.code, self.message, self.advice


@dataclass(slots=True)
class MailboxReport:
    """One mailbox's pass. `error` stopped it; `folder_errors` stopped a folder each; `unaccepted` are in quarantine.

    `indexed` is what the second stage did. `throttled_seconds`, a part of `seconds`, were spent waiting because the
    mail system asked for it.
    """

    mailbox: str
    counts: Counts = field(default_factory=Counts)
    folders: int = 0
    full_passes: int = 0
    unaccepted: int = 0
    seconds: float = 0.0
    throttled_seconds: float = 0.0
    error: Trouble | None = None
    folder_errors: list[Trouble] = field(default_factory=list)
    mirror: str = "off"
    indexed: Indexed = field(default_factory=Indexed)

    @property
    def ok(self) -> bool:
        """Nothing failed, and nothing waits in quarantine that nobody has accepted."""
        return self.error is None and not self.folder_errors and not self.unaccepted

    def as_json(self) -> dict[str, Any]:
        """The fields of the contract."""
        counts = {name: getattr(self.counts, name) for name in Counts.__slots__}
        return {
            "mailbox": self.mailbox,
            "ok": self.ok,
            "error": _trouble_json(self.error),
            "folder_errors": [_trouble_json(trouble) for trouble in self.folder_errors],
            "mirror": self.mirror,
            "folders": self.folders,
            **counts,
            "unaccepted": self.unaccepted,
            "full_passes": self.full_passes,
            "indexed": {**asdict(self.indexed), "seconds": round(self.indexed.seconds, 3)},
            "throttled_seconds": round(self.throttled_seconds, 3),
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class RunReport:
    """One run over all the mailboxes that were asked for, in the order in which they were asked for."""

    run: str
    seconds: float
    mailboxes: list[MailboxReport]

    @property
    def exit_code(self) -> int:
        """0, or what every mailbox failed with, or 3 if only some did, or if only folders or messages did."""
        errors = [mailbox.error for mailbox in self.mailboxes]
        codes = {error.exit_code for error in errors if error is not None}
        if None not in errors and len(codes) == 1:
            return codes.pop()
        return 0 if all(mailbox.ok for mailbox in self.mailboxes) else PARTLY

    def as_json(self) -> dict[str, Any]:
        """The document that `sync --json` prints."""
        return {
            "ok": self.exit_code == 0,
            "run": self.run,
            "seconds": round(self.seconds, 3),
            "mailboxes": [mailbox.as_json() for mailbox in self.mailboxes],
        }


def _trouble_json(trouble: Trouble | None) -> dict[str, str] | None:
    if trouble is None:
        return None
    return {"code": trouble.code, "message": trouble.message, "advice": trouble.advice}
