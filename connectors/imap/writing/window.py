"""Marks: the UIDVALIDITY and UIDNEXT of a folder, and what came since (RFC 3501 2.3.1.1)."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256

from connectors.errors import ItemGone, Renumbered, ReplicationError
from connectors.imap.folders import shown
from connectors.imap.reading.fetch import Fetch
from connectors.imap.reading.inventory import search
from connectors.imap.session import Session
from connectors.imap.writing.selecting import select
from connectors.model import BEGINNING, Mark, Message, Ref, Unknown

VERSION = 1


def take_mark(session: Session, name: str) -> Mark:
    """By opening the folder anew.

    STATUS is not to be asked of the open folder (RFC 3501 6.3.10), and of one that was never opened Courier tells a
    UIDVALIDITY that changes when it is. Where UIDNEXT is not told, the number after the last message is as good: there
    is no message between them.
    """
    opened = select(session, name)
    uidnext = opened.uidnext or max(search(session, name), default=0) + 1
    fields = {"v": VERSION, "uidvalidity": opened.uidvalidity, "uidnext": uidnext}
    return Mark(json.dumps(fields, separators=(",", ":")))


def find(session: Session, name: str, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
    """As `Target.find`."""
    session.finish()
    opened = select(session, name)
    first = 1 if since == BEGINNING else _first(since, name, opened.uidvalidity, opened.uidnext)
    uids = [uid for uid in search(session, name, b"UID %d:*" % first) if uid >= first]  # n:* always names the last one
    refs = (Ref(name, f"{opened.uidvalidity}:{uid}") for uid in uids)
    found = {message.ref for message in _messages(session, refs) if matches(message)}
    return [ref for ref in (Ref(name, f"{opened.uidvalidity}:{uid}") for uid in uids) if ref in found]


def recognise(session: Session, name: str, since: Mark, digest: bytes) -> Ref | Unknown:
    """What was just appended, where the server does not say: the one of these bytes, or the only one that came."""
    came: list[Ref] = []
    equal: list[Ref] = []

    def judge(message: Message) -> bool:
        came.append(message.ref)
        if _digest(message) == digest:
            equal.append(message.ref)
        return True

    try:
        find(session, name, since, judge)
    except ReplicationError as error:
        return Unknown(error, written=True)
    found = next((candidates[0] for candidates in (equal, came) if len(candidates) == 1), None)
    return found or unnamed(name)


def unnamed(name: str) -> Unknown:
    """It was written. Who appends has a mark on record, and knows the message better than by its bytes."""
    text = f"folder {shown(name)}: the server does not say as what the message stands in it"
    return Unknown(ItemGone(text, "look for it by its content"), written=True)


def _digest(message: Message) -> bytes:
    digest = sha256()
    for chunk in message.raw:
        digest.update(chunk)
    return digest.digest()


def _messages(session: Session, refs: Iterator[Ref]) -> Iterator[Message]:
    for answer in Fetch(session, refs).answers():
        if isinstance(answer, Message):
            yield answer
        elif not isinstance(answer.error, ItemGone):
            raise answer.error


def _first(since: Mark, name: str, uidvalidity: int, uidnext: int) -> int:
    """The first UID of the window. Raises Renumbered."""
    place = f"folder {shown(name)}"
    try:
        match json.loads(since):
            case {"v": 1, "uidvalidity": int(marked), "uidnext": int(first)}:
                if marked == uidvalidity and (not uidnext or first <= uidnext):
                    return first
                text = f"marked at {marked}:{first}, now at {uidvalidity}:{uidnext}"
                raise Renumbered(f"{place} was made, numbered or set back anew: {text}", "look through all of it")
    except ValueError as error:
        raise Renumbered(f"{place}: this is not a mark of this connector", "look through all of it") from error
    raise Renumbered(f"{place}: this is not a mark of this connector", "look through all of it")
