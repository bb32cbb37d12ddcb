"""The contract between a mail system and the engine. The docstrings promise; `connectors.testing` checks.

Reading (`Source`) and writing (`Target`) are apart, so that a read-only source stays small. All calls raise only
`ReplicationError`s; in reading, one message's trouble is a `Failure`, never an exception.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from connectors.model import (
    Capabilities,
    Cursor,
    Failure,
    Folder,
    Gone,
    Hint,
    Mark,
    Message,
    Page,
    Quota,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)


class Source(Protocol):
    """One mailbox to read. Not thread-safe: one thread at a time."""

    @property
    def capabilities(self) -> Capabilities:
        """What this source promises; stands from the first call of `folders` on."""
        ...

    def folders(self) -> Iterator[Folder]:
        """Every folder that can hold mail, parents before children; never none at all, but an error instead.

        A folder that the server names and will not open is listed too, with `selectable` false: what it held has not
        left because of that. `changes` tells whether it is FolderRefused or FolderGone. One that may hold mail, though
        it cannot be read just now, is selectable: else what was never had of it would be missed in silence.

        A `stamp` is taken before anything that a later `changes` of this session reports, so that it can be kept with
        that pass: whatever happened after it differs from it.
        """
        ...

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        """What changed since the cursor; with None, everything (a full pass).

        At least one page, the last and only the last with `last`. A page's cursor covers that page and all before it,
        never a change not yet yielded: resuming with it yields the rest, and what happened meanwhile. A full pass ends
        with a cursor no later than its *start*, so what changed while it ran comes again; repeats are allowed, gaps
        are not. A page ends at 16 MB of `Seen.size`, after one larger message, or at a thousand-odd changes. An
        unchanged folder yields one empty page with the cursor it was asked with; where the mail system wears cursors
        out (`Capabilities.renews_cursors`) perhaps repeats, and the newest cursor, which is to be kept.

        Raises CursorExpired if the cursor cannot be used, which after a reconnect may be in the middle; FolderGone,
        FolderRefused. The session outlives each of them.
        May be interleaved with `fetch` of the same folder: the engine asks for page n+1 while page n is fetched.
        """
        ...

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        """The messages, of one folder, each ref answered exactly once, in any order.

        `refs` is consumed lazily and may be endless; it may call back into `changes`. A source that can pipeline asks
        for more while answers are under way. A message that has left is answered by Failure(ItemGone).
        """
        ...

    def inventory(self, folder: Folder) -> Iterator[Ref]:
        """The ids of all messages in the folder now, without bodies: positive evidence of presence.

        In any order; one that was cut and began anew may name a message twice.
        """
        ...

    def count(self, folder: Folder) -> int:
        """The server's own count of messages, asked now and not computed from what was listed."""
        ...

    def close(self) -> None:
        """Ends the session. Never raises; more than once does no harm."""
        ...


@runtime_checkable
class Wary(Protocol):
    """A source that can list a folder more carefully than it usually does. Optional."""

    def beware(self, folder: Folder) -> None:
        """Sessions have died while this folder was listed: leave out whatever the server has to open messages for.

        Holds for this session. A row may then lack what is optional: its size is 0.
        """
        ...


@runtime_checkable
class Delayed(Protocol):
    """A source that knows how long the mail system kept it waiting. Optional."""

    @property
    def throttled_seconds(self) -> float:
        """Spent so far in pauses that the server asked for (Throttled, ServerBusy)."""
        ...


@runtime_checkable
class Heading(Protocol):
    """A source that can give the beginning of messages without the rest. Optional."""

    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        """The header block of each message, of one folder: the bytes with which what `fetch` gives begins.

        In any order. With or without the empty line behind it, and at most some 64 KiB. What cannot be had so is left
        out, and the caller fetches it. May be called while `fetch` or `changes` of the same folder is under way.
        """
        ...


class Watcher(Protocol):
    """A source that can say when to look. A hint names a folder and promises nothing else."""

    def watch(self, folders: Iterable[Folder]) -> Iterator[Hint]:
        """Hints until closed."""
        ...


class Target(Protocol):
    """One mailbox to write to. Not thread-safe: one thread at a time.

    Folders and refs are those of the same connector's Source: what one names, the other knows.

    A write is tried once and never again by the target. When its answer is lost, `append` and `move`, which would
    happen twice if they were done twice, return Unknown; all others raise Disconnected and may simply be called again.
    Errors other than these mean that nothing was written. After Unknown or Disconnected the session is over.

    To append exactly once: keep `mark(folder)` on record, append, keep the ref. If that was interrupted, or Unknown:
    `find(folder, mark, matches)`, always with the first mark, and append again only if nothing is found. A message of
    equal content that stood there before the mark is another message, and so it stays.
    """

    @property
    def capabilities(self) -> TargetCapabilities:
        """Stands from the beginning."""
        ...

    def mark(self, folder: Folder) -> Mark:
        """How far the folder is filled now: whatever is appended from here on stands after it, and nothing else.

        It outlives the session. Raises FolderGone, FolderRefused.
        """
        ...

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        """Adds the message: its exact bytes, `received_at` (now, if None), and the flags among its own that are kept.

        A server may alter or refuse what is no regular mail (line ends other than CRLF, none at the end, a NUL, headers
        that are none): whoever appends reads back and compares. Regular mail is kept to the byte, with `exact_bytes`.
        `op` names this intent, the same for each try, for a mail system that can keep such a name beside a message.
        `message.raw` is read more than once, each time anew (a tuple, or an object whose `iter` begins from the start),
        so that its length is known and no more than a piece of it is in memory; a ValueError if it gives other bytes
        the second time. An exception of its own passes through. Either way nothing is written, and the session is over.
        `message.ref` and `envelope` mean nothing here. Messages appended one after the other stand in that order.

        Raises QuotaExceeded; ItemTooLarge, ItemRefused; FolderGone, FolderRefused.
        """
        ...

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """What stands in the folder now, came after the mark, and matches; in the order in which it came.

        `matches` is called once a message and may read its `raw` or not; from `BEGINNING`, of all there are.
        Raises Renumbered, as the window is lost, if the folder is not the one that was marked, if it was set back to an
        older state, or if the mark cannot be read; FolderGone, FolderRefused; the ItemError of a message that cannot be
        read, since it may be the one.
        """
        ...

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        """Those of the flags that the folder can keep for good. What it cannot, `append` and `set_flags` leave out.

        System flags and keywords as in `Seen.flags`. Whoever must not lose any in silence lists the difference, and
        reads back: some servers say only of a message at hand that a keyword is too long, or one too many.
        """
        ...

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """Adds and removes flags, and touches no others; gives what the message is then.

        With `if_version`, only if the message still is that: its `tag` where the server has any, else its flags.
        Adding what is there, or removing what is not, is no error. Raises ItemGone, ItemRefused, Renumbered.
        """
        ...

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """Takes the message out of its folder and into another, with its flags and date; gives its ref there.

        The copy stands before the original goes: after Unknown it may be in either or in both, never in neither. So
        whoever moves keeps `mark(to)` on record first, finds it there, and removes what is left of it here.
        Raises ItemGone, ItemRefused, Renumbered, QuotaExceeded; FolderGone and FolderRefused of either folder.
        """
        ...

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """Takes this message out of its folder for good, and no other: not even one that is marked as deleted.

        Raises ItemGone if it is not there, so a repetition shows; ItemRefused if the server can expunge only all at
        once; Renumbered.
        """
        ...

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:
        """The folder of that path; made, with those above it, if it is not there, and shown to its user's clients.

        `role` is set on what is made, where the server can do that; the answer says what it has. A folder that stood
        is left as it is. Raises FolderRefused for a name that the server does not take; QuotaExceeded.
        """
        ...

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """The same folder, its messages and what is below it, under another path; those above it are made.

        Raises FolderRefused if there is one of that path, if it is INBOX, or the server does not take the name;
        FolderGone.
        """
        ...

    def quota(self) -> Quota:
        """What fits, as far as the server tells; asked now."""
        ...

    def close(self) -> None:
        """Ends the session. Never raises; more than once does no harm."""
        ...


class Spool(Protocol):
    """Where a connector that is pushed to (SMTP) puts a message before it says that it has it."""

    def put(self, message: Message) -> Ref:
        """Durable on return."""
        ...


class Connector(Protocol):
    """A mail system that can be named in the configuration (entry-point group `mailbox_replicator.connectors`).

    `source_settings` and `mailbox_settings` are frozen dataclasses; their fields are the keys that the configuration
    accepts, their types and defaults what it checks, so that a connector's settings need no code in the CLI.
    A field of type `Secret` is given as `{ env = }`, `{ file = }`, `{ command = }` or `{ keyring = }`.
    A field of type `PrivateFile` is given as `{ file = }`. What a field with `init=False` holds is the connector's own.
    """

    @property
    def name(self) -> str:
        """As the configuration names it."""
        ...

    @property
    def source_settings(self) -> type:
        """The dataclass of a `[source.NAME]` table."""
        ...

    @property
    def mailbox_settings(self) -> type:
        """The dataclass of a mailbox's `primary` or `standby` table."""
        ...

    def open_source(self, source: Any, mailbox: Any) -> Source:
        """Connects and logs in. Raises Unreachable, Untrusted, LoginRefused."""
        ...


@runtime_checkable
class Writable(Connector, Protocol):
    """A connector whose mail systems can be written to. Optional."""

    def open_target(self, source: Any, mailbox: Any) -> Target:
        """Connects and logs in, with the same settings as `open_source`. Raises as that does."""
        ...


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """A file that must stay a file, such as a certificate with its key; no one but its owner may have access to it."""

    path: Path


Secret = Callable[[], str]
"""Gives the secret when it is needed and keeps no copy; its repr says where it comes from, never what it is."""
