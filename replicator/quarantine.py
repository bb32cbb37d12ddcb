"""What could not be taken, over all mailboxes: as it is listed, accepted, and made due for another try."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from replicator.listing import listed_fields
from replicator.mailstore import Mailstore
from replicator.mailstore.mailbox.failures import FailureBook
from replicator.mailstore.mailbox.store import MailboxStore


def entry(name: str, store: MailboxStore, placement: int) -> dict[str, Any] | None:
    """A placement as `list` gives it, with its mailbox and why it is in quarantine; None for one that there is not.

    Where it is in quarantine no more, `code` and `reason` are null.
    """
    listed = store.find(placement)
    if listed is None:
        return None
    failure = FailureBook(store.database).get(placement)
    why = asdict(failure) if failure else dict.fromkeys(("code", "reason", "attempts", "tried", "due", "accepted"))
    return {"mailbox": name, **listed_fields(listed), **why}


def entries(name: str, store: MailboxStore) -> Iterator[dict[str, Any]]:
    """All that is in quarantine of a mailbox, in the order in which it came."""
    for placement in FailureBook(store.database).placements():
        if (found := entry(name, store, placement)) is not None:
            yield found


def accept(mailstore: Mailstore, store: MailboxStore, placements: Iterable[int], *, wait: bool = False) -> int:
    """Lets these be: they count in no exit code any more. How many had not been accepted. Raises Locked."""
    with _writing(mailstore, store, wait=wait) as run:
        return FailureBook(store.database).accept(placements, run)


def hasten(mailstore: Mailstore, store: MailboxStore, now: float, *, wait: bool = False) -> None:
    """Makes all that is in quarantine due, so that the next pass tries it. Raises Locked."""
    with _writing(mailstore, store, wait=wait) as run:
        FailureBook(store.database).hasten(run, now)


@contextmanager
def _writing(mailstore: Mailstore, store: MailboxStore, *, wait: bool) -> Iterator[str]:
    """The right to write, as a pass has it; gives the name of the run."""
    run = secrets.token_hex(8)
    with mailstore.lease(store, wait=wait) as epoch, mailstore.writer(store, epoch):
        store.begin(run, epoch)
        yield run
