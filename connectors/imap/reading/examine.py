"""Opens folders, for reading only (EXAMINE, RFC 3501 6.3.2).

SELECT would take \\Recent away from the user's own client. It is used where EXAMINE tells UIDs that it does not keep:
Courier gives the same ones to other messages later, under the same UIDVALIDITY.
"""

from connectors.errors import CursorExpired, FolderGone, FolderRefused, ProtocolError, ReplicationError
from connectors.imap import tokens, translate
from connectors.imap.folders import Listing, find_folder, shown, wire_name
from connectors.imap.selection import Selection
from connectors.imap.session import Command, Session, named


def examine(session: Session, name: str, resync: tuple[int, int] | None = None) -> Selection:
    """Opens the folder; `resync` is (uidvalidity, modseq) to hear of all changes since then (RFC 7162 3.2.5).

    Raises FolderGone or FolderRefused; CursorExpired if the folder opens, but not with `resync`.
    """
    session.finish()
    option = b" (QRESYNC (%d %d))" % resync if resync else b" (CONDSTORE)" if session.condstore else b""
    selection, command = _open(session, name, option)
    if command.status == "BAD" and option:
        said = command.text
        selection, command = _open(session, name)
        if resync and command.status == "OK":
            raise CursorExpired(f"{name}: the server does not resynchronise: {said}")
    if command.status != "OK":
        raise refusal(session, name, command)
    if not selection.uidvalidity:
        raise FolderRefused(f"{shown(name)}: the server gives no UIDVALIDITY, by which messages are told apart")
    if not session.condstore:
        selection.modseq = 0
    session.selection = selection
    return selection


def opened(session: Session, name: str, uidvalidity: int = 0) -> Selection:
    """The folder as it is open already, else opened; with `uidvalidity`, CursorExpired if it was numbered anew."""
    selection = session.selection
    if selection is None or selection.name != name:
        selection = examine(session, name)
    if uidvalidity and selection.uidvalidity != uidvalidity:
        raise CursorExpired(f"{name}: the server numbered its messages anew (UIDVALIDITY {selection.uidvalidity})")
    return selection


def refresh(session: Session, name: str) -> Selection:
    """The folder as it is now: opened, or if it is open, told by NOOP what happened since (RFC 3501 6.1.2)."""
    selection = session.selection
    if selection is None or selection.name != name:
        return examine(session, name)
    session.finish()
    session.call(Command(b"NOOP"))
    return selection


def count_messages(session: Session, name: str) -> int:
    """By opening the folder anew if it is open, else by STATUS, which is not for open ones (RFC 3501 6.3.10)."""
    if session.selection is not None and session.selection.name == name:
        return examine(session, name).exists
    listing = Listing()
    command = session.call(named(b"STATUS", wire_name(name), b" (MESSAGES)", {b"STATUS": listing.take_status}))
    if command.status != "OK":
        raise refusal(session, name, command)
    said = listing.status.get(wire_name(name))
    if said is None and listing.status:
        said = next(reversed(listing.status.values()))  # under another spelling of the name; others' come before
    if said is None or b"MESSAGES" not in said:
        raise ProtocolError(f"folder {shown(name)}: the server did not say how many messages it holds")
    return tokens.number(said[b"MESSAGES"])


def refusal(session: Session, name: str, command: Command) -> ReplicationError:
    """Why a command about a folder failed. Without a code, LIST tells a folder that is gone from a refused one.

    LIST may name a deleted folder because of those below it (RFC 3501 6.3.4), and one that it cannot look into: as
    \\Noselect either way. Then the words of the refusal decide, since a fault must not pass for a deletion. Nor does
    LIST decide against a code: it leaves out what is below a directory that the server may not read.
    """
    error = translate.refused(command.text, f"folder {shown(name)}")
    if not isinstance(error, FolderRefused) or translate.says_refused(command.text):
        return error
    listed = find_folder(session, name)
    if listed is None or (not listed.selectable and translate.says_not_there(command.text)):
        return FolderGone(f"folder {shown(name)} is no longer there", translate.ADVICE[FolderGone])
    return error


def _open(session: Session, name: str, option: bytes = b"") -> tuple[Selection, Command]:
    session.selection = None  # a refused EXAMINE leaves no folder open
    selection = Selection(name)
    return selection, session.call(named(session.dialect.opening, wire_name(name), option, selection.handlers()))
