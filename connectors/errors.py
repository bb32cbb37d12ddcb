"""Every error of the product, in one tree. Each answers two questions: may trying again help, and how wide is it?

    ReplicationError
    ├─ ConfigError            run      permanent   all problems in one report
    ├─ SourceError            source
    │  ├─ Unreachable         source   transient   no connection, refused, DNS, TLS handshake cut
    │  │  └─ Unanswered       source   permanent   nothing came back for as long as the settings allow
    │  ├─ Untrusted           source   permanent   certificate or host name not accepted
    │  ├─ LoginRefused        mailbox  permanent   wrong password, expired token, login disabled
    │  │  └─ AppRefused       source   permanent   no token for the application that logs in for every mailbox
    │  ├─ Disconnected        mailbox  transient   the connection died or stalled in mid-session
    │  ├─ Throttled           mailbox  transient   the server asked for a pause: retry_after seconds
    │  ├─ ServerBusy          mailbox  transient   RFC 5530 UNAVAILABLE, INUSE and their like
    │  ├─ QuotaExceeded       mailbox  permanent   the mailbox that is written to is full
    │  └─ ProtocolError       mailbox  permanent   the server said something that cannot be
    ├─ FolderError            folder
    │  ├─ FolderGone          folder   permanent   deleted or renamed since it was listed
    │  ├─ FolderRefused       folder   permanent   no permission, broken on the server
    │  ├─ Renumbered          folder   permanent   made or numbered anew since a mark or a ref was taken
    │  └─ CursorExpired       folder   a signal: answered by a full pass, shown to no one
    ├─ ItemError              item
    │  ├─ ItemGone            item     permanent   expunged between listing and fetch: not a failure of ours
    │  ├─ ItemBusy            item     transient   locked, being indexed
    │  ├─ ItemTooLarge        item     permanent
    │  ├─ ItemRefused         item     permanent   the server does not take it as it is
    │  └─ ItemUnreadable      item     permanent   the server lists it and cannot give it
    └─ StoreError             run
       ├─ NoMailstore         run      permanent   exit 10
       ├─ Locked              mailbox  transient   another run holds the lock: exit 11
       ├─ KeyRefused          run      permanent   wrong or missing key: exit 12
       ├─ Tampered            run      permanent   bytes are not what was written: exit 13
       ├─ StaleLease          mailbox  permanent   another worker took over while this one slept
       └─ StorageFull         run      permanent   nothing was lost; make room and run again

A connector translates its library's exceptions at its lowest layer, once, in a table. Messages name the mailbox, folder
or message, say what happened and what to do next; they never hold a secret nor message content.
"""

from enum import IntEnum
from typing import ClassVar

PARTLY = 3
"""The exit code of what was done but for some items or mailboxes; it belongs to no single error."""


class Scope(IntEnum):
    """How far an error reaches, from one message to the whole run."""

    ITEM = 1
    FOLDER = 2
    MAILBOX = 3
    SOURCE = 4
    RUN = 5


class ReplicationError(Exception):
    """The root. `message` says what happened to whom, `advice` what to do next; `retry_after` is in seconds."""

    transient: ClassVar[bool] = False
    scope: ClassVar[Scope] = Scope.RUN
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, advice: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        """The stable name that JSON and the books carry."""
        return type(self).__name__

    def __reduce__(self) -> tuple[type["ReplicationError"], tuple[str, str, float | None]]:
        """Errors cross process borders whole."""
        return type(self), (self.message, self.advice, self.retry_after)


class ConfigError(ReplicationError):
    """The configuration cannot be used; the message lists every problem, one a line."""

    exit_code = 2


class SourceError(ReplicationError):
    """The mail system could not be used."""

    scope = Scope.SOURCE
    exit_code = 14


class Unreachable(SourceError):
    """No connection could be made."""

    transient = True


class Unanswered(Unreachable):
    """Whoever is there said nothing for as long as the settings allow. Another try would cost as much: no retry."""

    transient = False


class Untrusted(SourceError):
    """The server's certificate or name was not accepted; nothing was sent to it."""


class LoginRefused(SourceError):
    """The server did not accept the credentials."""

    scope = Scope.MAILBOX


class AppRefused(LoginRefused):
    """The application that logs in for every mailbox of its source gets no token."""

    scope = Scope.SOURCE


class Disconnected(SourceError):
    """The connection died or fell silent in the middle of a session."""

    transient = True
    scope = Scope.MAILBOX


class Throttled(SourceError):
    """The server asked for a pause."""

    transient = True
    scope = Scope.MAILBOX


class ServerBusy(SourceError):
    """The server cannot serve this mailbox now and says so."""

    transient = True
    scope = Scope.MAILBOX


class QuotaExceeded(SourceError):
    """The mailbox takes no more. What was written stands; its user or administrator can make room."""

    scope = Scope.MAILBOX
    exit_code = 1


class ProtocolError(SourceError):
    """The server said something that the protocol does not allow, and that cannot be read around."""

    scope = Scope.MAILBOX


class FolderError(ReplicationError):
    """One folder could not be used."""

    scope = Scope.FOLDER


class FolderGone(FolderError):
    """The folder was deleted or renamed since it was listed."""


class FolderRefused(FolderError):
    """The server refuses this folder, and this folder only."""


class Renumbered(FolderError):
    """The folder was made or numbered anew since the mark or the ref was taken. Nothing was written.

    What stood in it is to be found by its content: `Target.find` from `BEGINNING`.
    """


class CursorExpired(FolderError):
    """The server no longer knows the cursor, or it was made for another numbering. Answered by a full pass."""


class ItemError(ReplicationError):
    """One message could not be taken."""

    scope = Scope.ITEM


class ItemGone(ItemError):
    """The message left between listing and fetch."""


class ItemBusy(ItemError):
    """The server cannot give this message now."""

    transient = True


class ItemTooLarge(ItemError):
    """The message is larger than a limit on the way."""


class ItemRefused(ItemError):
    """The server does not take this message, or this change to it. Nothing was written."""


class ItemUnreadable(ItemError):
    """The server lists the message and cannot give its bytes."""


class StoreError(ReplicationError):
    """The mailstore could not be used."""


class NoMailstore(StoreError):
    """There is no mailstore at that path."""

    exit_code = 10


class Locked(StoreError):
    """Another run holds the lock. Locks are the kernel's, so a dead run holds none."""

    transient = True
    scope = Scope.MAILBOX
    exit_code = 11


class KeyRefused(StoreError):
    """The key is missing, or opens nothing here."""

    exit_code = 12


class Tampered(StoreError):
    """Stored bytes are not what was written."""

    exit_code = 13


class StaleLease(StoreError):
    """Another worker was given this mailbox; what this one still held is dropped."""

    scope = Scope.MAILBOX


class StorageFull(StoreError):
    """The disk took no more. What was acknowledged stands."""
