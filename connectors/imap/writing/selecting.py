"""Opens folders for writing (SELECT, RFC 3501 6.3.1). Only a Target does; reading keeps to EXAMINE."""

import re
from dataclasses import dataclass

from connectors.errors import FolderRefused, Renumbered
from connectors.imap.folders import shown, wire_name
from connectors.imap.reading.examine import refusal
from connectors.imap.selection import Handler, Parts, Selection
from connectors.imap.session import Session, named
from connectors.imap.writing.flags import PermanentFlags

_PERMANENT = re.compile(rb"\* OK \[PERMANENTFLAGS \(([^()]*)\)\]", re.I).match
_READ_ONLY = re.compile(r"\[READ-ONLY\]", re.I).match

ALL = PermanentFlags(frozenset(), any=True)


@dataclass(slots=True)
class Opened(Selection):
    """A folder open for writing. Without a word about flags all can be changed for good (RFC 3501 6.3.1)."""

    permanent: PermanentFlags = ALL

    def handlers(self) -> dict[bytes, Handler]:
        """What takes the responses to SELECT."""
        handlers = Selection.handlers(self)
        code = handlers[b"OK"]

        def take(parts: Parts) -> None:
            code(parts)
            if match := _PERMANENT(parts[0]):
                self.permanent = PermanentFlags.parse(match[1])

        return handlers | {b"OK": take}


def select(session: Session, name: str) -> Opened:
    """Opens the folder anew, so that all it says is of now. Raises FolderGone, FolderRefused."""
    session.finish()
    session.selection = None
    opened = Opened(name)
    option = b" (CONDSTORE)" if session.condstore else b""
    command = session.call(named(b"SELECT", wire_name(name), option, opened.handlers()))
    if command.status == "BAD" and option:
        opened = Opened(name)
        command = session.call(named(b"SELECT", wire_name(name), b"", opened.handlers()))
    if command.status != "OK":
        raise refusal(session, name, command)
    if not opened.uidvalidity:
        raise FolderRefused(f"{shown(name)}: the server gives no UIDVALIDITY, by which messages are told apart")
    if _READ_ONLY(command.text):
        raise FolderRefused(f"folder {shown(name)} can only be read", "grant the right to write in it")
    if not session.condstore:
        opened.modseq = 0
    session.selection = opened
    return opened


def selected(session: Session, name: str, uidvalidity: str = "") -> Opened:
    """The folder as it is open for writing, else opened. Raises Renumbered if it has another UIDVALIDITY than that."""
    opened = session.selection
    if not isinstance(opened, Opened) or opened.name != name:
        opened = select(session, name)
    if uidvalidity and str(opened.uidvalidity) != uidvalidity:
        text = f"folder {shown(name)} was made or numbered anew: UIDVALIDITY was {uidvalidity}, is {opened.uidvalidity}"
        raise Renumbered(text, "what stands in it is to be found by its content")
    return opened
