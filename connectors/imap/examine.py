"""Opens folders, for reading only (EXAMINE, RFC 3501 6.3.2).

SELECT is never used: it would take \\Recent away from the user's own client.
"""

from connectors.errors import CursorExpired, FolderGone, FolderRefused, ProtocolError, ReplicationError
from connectors.imap import tokens, translate
from connectors.imap.folders import Listing, is_listed, wire_name
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
        raise FolderRefused(f"{name}: the server gives no UIDVALIDITY, so its messages cannot be told apart for long")
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


def count_messages(session: Session, name: str) -> int:
    """By opening the folder anew if it is open, else by STATUS, which is not for open ones (RFC 3501 6.3.10)."""
    if session.selection is not None and session.selection.name == name:
        return examine(session, name).exists
    listing = Listing()
    command = session.call(named(b"STATUS", wire_name(name), b" (MESSAGES)", {b"STATUS": listing.take_status}))
    if command.status != "OK":
        raise refusal(session, name, command)
    if not listing.status:
        raise ProtocolError(f"folder {name}: the server did not say how many messages it holds")
    return tokens.number(next(iter(listing.status.values())).get(b"MESSAGES"))


def refusal(session: Session, name: str, command: Command) -> ReplicationError:
    """Why a command about a folder failed. Without a code, LIST tells a folder that is gone from a refused one."""
    error = translate.refused(command.text, f"folder {name}")
    if isinstance(error, FolderRefused) and not is_listed(session, name):
        return FolderGone(f"folder {name} is no longer there")
    return error


def _open(session: Session, name: str, option: bytes = b"") -> tuple[Selection, Command]:
    session.selection = None  # a refused EXAMINE leaves no folder open
    selection = Selection(name)
    return selection, session.call(named(b"EXAMINE", wire_name(name), option, selection.handlers()))
