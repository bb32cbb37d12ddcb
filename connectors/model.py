"""The nouns that every package shares: what a mail system is made of, as values.

Each is frozen and slotted, carries no behaviour beyond naming its own parts, and depends on nothing, so that a
third-party connector can be written against this package alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import NewType

from connectors.errors import ReplicationError

Cursor = NewType("Cursor", str)
"""Where a folder's changes resume. Opaque to all but the connector that made it; by custom JSON with a version."""

Mark = NewType("Mark", str)
"""How far a folder was filled at a moment, to tell what came later. Opaque and versioned, as a cursor is."""

BEGINNING = Mark("")
"""Before everything that a folder holds, whoever made the folder."""


class Role(StrEnum):
    """What a folder is for, whatever it is called (RFC 6154 special use; INBOX by RFC 9051 5.1).

    NOT_MAIL is of no RFC: calendars, contacts and their like, which some mail systems list among the folders of mail.
    """

    INBOX = "\\Inbox"
    SENT = "\\Sent"
    DRAFTS = "\\Drafts"
    TRASH = "\\Trash"
    JUNK = "\\Junk"
    ARCHIVE = "\\Archive"
    ALL = "\\All"
    FLAGGED = "\\Flagged"
    IMPORTANT = "\\Important"
    NOT_MAIL = "\\NotMail"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the server lists it.

    `id` is the server's own identity and outlives a rename where the server has such an identity (RFC 8474 MAILBOXID,
    EWS FolderId, Graph id). `path` is its name, one component a level, decoded, without Unicode normalisation.
    Two equal `stamp`s mean that nothing in the folder changed between them; an empty one promises nothing.
    Not `selectable`: the server names it and says that it cannot be opened (IMAP \\Noselect). It may never have held
    mail, have been deleted and left because of what is below it, or be out of reach: that is no deletion. Whoever holds
    mail of it asks `changes`: FolderGone means deleted, FolderRefused that its mail stands as it was last seen.
    """

    id: str
    path: tuple[str, ...]
    role: Role = Role.NONE
    stamp: str = ""
    selectable: bool = True


@dataclass(frozen=True, slots=True)
class Ref:
    """A message in a folder, by the server's own id: IMAP "uidvalidity:uid", EWS ItemId, Graph immutable id."""

    folder: str
    id: str

    @property
    def native(self) -> str:
        """The id as the server's users know it: the IMAP UID without its UIDVALIDITY."""
        return self.id.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Seen:
    """The message exists now, and is new or changed.

    `version` is the changeKey, etag or MODSEQ and changes whenever the message does; empty where the server has none.
    `size` is the server's claim in bytes, 0 where it makes none, and is never trusted (Exchange estimates).
    `arrived_at` is when the server received it, with its offset (IMAP INTERNALDATE).
    `identity` is the server's own id of the content, equal for all copies in the mailbox wherever and however numbered
    they are, and never given to other bytes (RFC 8474 EMAILID, Gmail's X-GM-MSGID); empty where there is none.
    `revision` is for mail systems where a message may be edited under its id: the content may be another if this is. It
    may change without cause (changeKey does with the flags), and is empty where content never changes.
    """

    ref: Ref
    version: str
    flags: frozenset[str]
    arrived_at: datetime
    size: int = 0
    identity: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The message left this folder. It may have been moved, so this says nothing about its content."""

    ref: Ref


Change = Seen | Gone


@dataclass(frozen=True, slots=True)
class Page:
    """A run of changes. Once they are kept, `cursor` is where to resume, and `last` ends the pass."""

    changes: tuple[Change, ...]
    cursor: Cursor
    last: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who a message was really sent to (SMTP envelope or Exchange journal report); only a journal has one."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message with its exact bytes.

    `raw` yields the bytes in order. A small message is a tuple of one chunk and can be read at will. A large one is
    read once, while the `fetch` that yielded it stands still; what the reader leaves is skipped when `fetch` goes on.
    """

    ref: Ref
    raw: Iterable[bytes]
    flags: frozenset[str] = frozenset()
    received_at: datetime | None = None
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One message that could not be had: a value, so that its folder goes on."""

    ref: Ref
    error: ReplicationError


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened in this folder; what, only a pass can tell."""

    folder: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can promise. The engine and the conformance suite ask here, never for the connector's name.

    reports_removals: `changes(since)` yields a Gone for each message that left; else the engine compares inventories.
    reports_flags: flags are part of the mail system at all (a Maildir yes, a journal no).
    exact_bytes: `fetch` gives the bytes that were delivered, the same each time (Exchange re-generates MIME).
    exact_sizes: `Seen.size` is the length of `raw` (to be distrusted until shown).
    stable_folder_ids: `Folder.id` outlives a rename.
    identities: `Seen.identity` says which messages are copies of each other.
    edits: a message may be edited under its id, and `Seen.revision` says when; else content never changes.
    daily_bytes: how many bytes of this mailbox may be fetched in a day; 0 if there is no such limit.
    renews_cursors: a look may give a new cursor, and repeats, though nothing changed, and wear the old cursor out.
    gaps: `changes` may leave something out for good, because the mail system does; rarely, and `inventory` shows it.
    """

    reports_removals: bool
    reports_flags: bool = True
    exact_bytes: bool = True
    exact_sizes: bool = False
    stable_folder_ids: bool = False
    extensions: frozenset[str] = field(default_factory=frozenset)
    daily_bytes: int = 0
    identities: bool = False
    edits: bool = False
    renews_cursors: bool = False
    gaps: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """What can change about a message, as it was at a look: `tag` is `Seen.version`, empty where there is none."""

    tag: str
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stale:
    """The message is no longer as the caller had seen it, so nothing was done. `now` is what it is."""

    now: Version


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is not known whether a write happened: the connection died before its answer, or a move got only half way.

    It may even happen later, when the server comes to it. Look with `Target.find` before it is done again.
    `written` means that it did happen, as what the server does not tell: it is not to be done again.
    """

    error: ReplicationError
    written: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What a mailbox holds and may hold, in bytes and in messages; without a limit, infinitely much.

    `largest` is the size of the largest message that is taken. Not `told`: the server says nothing about its limits.
    """

    used: int = 0
    limit: float = inf
    messages: int = 0
    most_messages: float = inf
    largest: float = inf
    told: bool = True

    @property
    def free(self) -> float:
        """Bytes that may be added; never negative."""
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class TargetCapabilities:
    """What a target can promise beyond what all do. `apply` and the conformance suite ask here.

    atomic: the server itself checks the `if_version` of `set_flags` and `remove`; else, and in `move`, it is compared
    first, and what happens in between is not seen.
    exact_bytes: regular mail is kept as it was appended (Exchange makes MIME anew).
    keeps_flags: flags are part of the mail system at all; which of them, `Target.keeps` says.
    keeps_dates: a message keeps its `received_at`, to the second.
    """

    atomic: bool
    exact_bytes: bool = True
    keeps_flags: bool = True
    keeps_dates: bool = True
    extensions: frozenset[str] = field(default_factory=frozenset)
