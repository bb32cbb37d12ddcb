"""What a check finds wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`where` names a file, record, mailbox or message by opaque ids and hashes; `what` says what is wrong with it."""

    where: str
    what: str
