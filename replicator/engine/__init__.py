"""The engine: replicates mailboxes into the mailstore, a page at a time. docs/algorithm.md has its invariants."""

from replicator.engine.report import MailboxReport, RunReport
from replicator.engine.running import synchronise

__all__ = ["MailboxReport", "RunReport", "synchronise"]
