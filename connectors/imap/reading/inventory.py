"""Which UIDs a folder holds: SEARCH, and ESEARCH where it is offered (RFC 4731), whose answer is short."""

from array import array

from connectors.imap import uids
from connectors.imap.reading.examine import refusal
from connectors.imap.selection import Parts, Selection, row_uids
from connectors.imap.session import Command, Session


def search(session: Session, name: str, criteria: bytes = b"ALL", highest: int = uids.MOST) -> "array[int]":
    """The UIDs of the open folder that meet the criteria, ascending, none beyond `highest`."""
    found = array("I")

    def take(parts: Parts) -> None:
        found.extend(uids.expand(uids.read_ranges(_listed(parts[0]), highest)))

    wants = {b"SEARCH": take, b"ESEARCH": take}
    returning = b"RETURN (ALL) " if "ESEARCH" in session.capabilities else b""
    command = session.call(Command(b"UID SEARCH %b%b" % (returning, criteria), wants))
    if command.status == "BAD" and returning:  # announced, and not understood
        command = session.call(Command(b"UID SEARCH " + criteria, wants))
    if command.status != "OK":
        raise refusal(session, name, command)
    return uids.ordered(found)


def changed_since(session: Session, selection: Selection, modseq: int, uidnext: int) -> "array[int]":
    """The UIDs that are new or changed, by CONDSTORE (RFC 7162 3.1.4)."""
    found = array("I")

    def take(parts: Parts) -> None:
        found.extend(uid for uid in row_uids(parts) if uid <= selection.highest)

    if not selection.exists or (selection.modseq == modseq and selection.uidnext == uidnext):
        return found
    command = session.call(Command(b"UID FETCH 1:* (UID) (CHANGEDSINCE %d)" % modseq, {b"FETCH": take}))
    if command.status != "OK":
        raise refusal(session, selection.name, command)
    if 0 < uidnext < selection.uidnext:  # n:* also names the last message when n is beyond it
        found.extend(
            uid for uid in search(session, selection.name, b"UID %d:*" % uidnext, selection.highest) if uid >= uidnext
        )
    return uids.ordered(found)


def _listed(line: bytes) -> bytes:
    """`* SEARCH 2 3 (MODSEQ 9)` or `* ESEARCH (TAG "r1") UID ALL 2:3`."""
    upper = line[:200].upper()
    if upper.startswith(b"* SEARCH"):
        return line[8:].partition(b"(")[0]
    _, found, rest = line.partition(b" ALL ")
    return rest.partition(b" ")[0] if found else b""
