"""What a NO or BAD to a command that writes means, in one table: by response code (RFC 5530), else by its words."""

import re

from connectors.errors import (
    FolderError,
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemRefused,
    ItemTooLarge,
    QuotaExceeded,
    ReplicationError,
)
from connectors.imap import translate
from connectors.imap.folders import wire_name
from connectors.imap.reading.examine import refusal
from connectors.imap.session import Command, Session, named
from connectors.imap.translate import LATER, SPOKEN, Kinds, Spoken

COMMON: Kinds = {code: kind for code, kind in LATER.items() if code != "LIMIT"} | {"OVERQUOTA": QuotaExceeded}
"""LIMIT asks for no pause in writing (RFC 5530: a limit of the implementation), unless its words are about a rate."""

MESSAGE: Kinds = COMMON | {
    "TRYCREATE": FolderGone,
    "NONEXISTENT": FolderGone,
    "NOPERM": FolderRefused,
    "READ-ONLY": FolderRefused,
    "TOOBIG": ItemTooLarge,  # RFC 4469, and RFC 7889 for APPENDLIMIT
    "EXPUNGEISSUED": ItemGone,
    "CANNOT": ItemRefused,
    "BADCHARSET": ItemRefused,
    "UNKNOWN-CTE": ItemRefused,  # RFC 3516, of a binary literal
}
"""Of APPEND, COPY, MOVE, STORE and EXPUNGE. A message is blamed for what no one is: the next one goes on."""

FOLDER: Kinds = COMMON | {"NONEXISTENT": FolderGone}
"""Of CREATE and RENAME."""

SPOKEN_OF_MESSAGE: Spoken = (
    *SPOKEN,
    (re.compile(r"quota|mailbox (is )?full|(no|insufficient|not enough) (disk )?space", re.I), QuotaExceeded),
    (re.compile(r"too (large|big)|exceeds? .*size|size .*(exceed|limit)|maximum .*size", re.I), ItemTooLarge),
    (re.compile(r"read.?only|permission denied|access denied", re.I), FolderRefused),
)
SPOKEN_OF_FOLDER: Spoken = (*SPOKEN, SPOKEN_OF_MESSAGE[len(SPOKEN)])

ADVICE: dict[type[ReplicationError], str] = {
    QuotaExceeded: "make room in it or raise its quota, then go on",
    ItemTooLarge: "raise the server's limit, or bring it there by another way",
    ItemRefused: "look at the message, and at what this server takes",
}


def message_refused(session: Session, folder: str, command: Command, what: str) -> ReplicationError:
    """Why a write of one message failed. No message is blamed where the folder itself cannot be opened."""
    error = translate.write_refused(command.text, what, MESSAGE, SPOKEN_OF_MESSAGE, ItemRefused)
    if isinstance(error, ItemRefused) and translate.says_not_there(command.text):
        error = FolderGone(error.message, translate.ADVICE[FolderGone])
    if isinstance(error, ItemRefused):
        error = _folder_trouble(session, folder) or error
    return advised(error)


def folder_refused(command: Command, what: str) -> ReplicationError:
    """Why a folder could not be made or renamed."""
    error = translate.write_refused(command.text, what, FOLDER, SPOKEN_OF_FOLDER, FolderRefused)
    if isinstance(error, FolderRefused):
        error.advice = "choose another name, or make it on the server"
    return advised(error)


def advised(error: ReplicationError) -> ReplicationError:
    """With what to do about it."""
    error.advice = error.advice or ADVICE.get(type(error), "")
    return error


def _folder_trouble(session: Session, folder: str) -> FolderError | None:
    probe = session.call(named(b"STATUS", wire_name(folder), b" (MESSAGES)"))
    error = None if probe.status == "OK" else refusal(session, folder, probe)
    return error if isinstance(error, FolderError) else None
