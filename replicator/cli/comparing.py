"""The part of `verify --source` that asks the mail systems, mailbox by mailbox, and what it found."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.errors import PARTLY, ReplicationError, StoreError, Tampered
from replicator.cli.display import human_bytes, print_error, print_note, print_text
from replicator.mailstore.problem import Problem
from replicator.sourcecheck import Finding, Kind, SourceCheck

if TYPE_CHECKING:
    from replicator.config import Config
    from replicator.engine.opening import Jobs
    from replicator.mailstore import Mailstore
    from replicator.progress import Advance


@dataclass(slots=True)
class Comparison:
    """Counts of messages by kind, and what is worth a line. `failed` are mailboxes and sides that were not compared to
    the end; so many others were `compared`."""

    counts: Counter[Kind] = field(default_factory=Counter)
    bytes: int = 0
    differing: list[Problem] = field(default_factory=list)
    unread: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    compared: int = 0
    codes: set[int] = field(default_factory=set)

    def add(self, finding: Finding) -> None:
        """Counts it, and keeps what is an error."""
        self.counts[finding.kind] += finding.count
        self.bytes += finding.bytes
        if finding.kind is Kind.DIFFERS:
            self.differing.append(Problem(finding.where, finding.what))
        elif finding.kind is Kind.UNREAD:
            self.unread.append(Problem(finding.where, f"not compared: {finding.what}"))

    def fail(self, where: str, error: ReplicationError) -> None:
        """A side that cannot be read does not stop the others."""
        self.failed.append(Problem(where, f"not compared: {error.message}"))
        self.codes.add(error.exit_code)

    def errors(self) -> list[Problem]:
        """What makes the exit code, all of it."""
        return [*self.differing, *self.unread, *self.failed]

    @property
    def exit_code(self) -> int:
        """13 for differing bytes; else what every side failed with, or 3 if only some did, or single messages."""
        if self.differing or Tampered.exit_code in self.codes:
            return Tampered.exit_code
        if self.failed and not self.compared and len(self.codes) == 1:
            return next(iter(self.codes))
        return PARTLY if self.errors() else 0

    def as_json(self) -> dict[str, int]:
        """What was compared, and what could not be because it stands on one side only."""
        return {
            "messages": self.counts[Kind.SAME] + self.counts[Kind.DIFFERS],
            "bytes": self.bytes,
            "differing": self.counts[Kind.DIFFERS],
            "gone": self.counts[Kind.GONE],
            "absent": self.counts[Kind.ABSENT],
            "unread": self.counts[Kind.UNREAD],
        }

    def show(self, *, quiet: bool) -> None:
        """In words."""
        for problem in self.errors():
            print_error(f"{problem.where}: {problem.what}")
        if quiet:
            return
        counts = self.as_json()
        words = f"read again at the source: {counts['messages']}, {human_bytes(self.bytes)}"
        print_text(f"{words}; {counts['differing']} differ, {counts['unread']} could not be read")
        print_text(f"gone there since: {counts['gone']}; come there since the last pass: {counts['absent']}")


def comparable(config: "Config", mailstore: "Mailstore", names: Sequence[str], *, quiet: bool) -> list[str]:
    """Those of the mailboxes that have a source; stderr is told of the others."""
    left: dict[str, str] = {}
    for name in names:
        if mailstore.keyring.about(name).retired is not None:
            left[name] = "retired"
        elif name not in config.mailboxes:
            left[name] = "not in the configuration"
    for name, why in left.items() if not quiet else ():
        print_note(f"{name} is {why}: not compared")
    return [name for name in names if name not in left]


def compare(
    config: "Config",
    mailstore: "Mailstore",
    names: Sequence[str],
    share: float,
    clock: Callable[[], float],
    advance: "Advance",
) -> Comparison:
    """Every side of these mailboxes, which are `comparable`. `share` is how many messages in a hundred are read."""
    from replicator.engine.opening import Jobs

    chance = random.Random()  # noqa: S311 - draws a sample for an operator; audits have a draw of their own
    jobs = Jobs(config, time.sleep, chance)
    found = Comparison()
    for name in names:
        try:
            store = mailstore.mailbox(name)
        except StoreError as error:
            found.fail(name, error)
            continue
        check = SourceCheck(name, store, lambda: chance.random() * 100 < share, clock)
        _compare_mailbox(found, jobs, name, check, advance)
    return found


def _compare_mailbox(found: Comparison, jobs: "Jobs", name: str, check: SourceCheck, advance: "Advance") -> None:
    for side in jobs.job(name, full=False, wait=False).sides:
        try:
            for finding in check.run(side):
                found.add(finding)
                advance(finding.count, finding.bytes)
        except ReplicationError as error:
            found.fail(name if side.name == "primary" else f"{name} ({side.name})", error)
        else:
            found.compared += 1
