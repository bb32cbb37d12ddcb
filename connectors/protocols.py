"""The contract between a mail system and the engine. The docstrings promise; `connectors.testing` checks.

Reading (`Source`) and writing (`Target`) are apart, so that a read-only source stays small. All calls raise only
`ReplicationError`s; one message's trouble is a `Failure`, never an exception.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from connectors.model import Capabilities, Cursor, Failure, Folder, Hint, Message, Page, Ref


class Source(Protocol):
    """One mailbox to read. Not thread-safe: one thread at a time."""

    @property
    def capabilities(self) -> Capabilities:
        """What this source promises; stands from the first call of `folders` on."""
        ...

    def folders(self) -> Iterator[Folder]:
        """Every folder that can hold mail, parents before children; never none at all, but an error instead.

        A folder that the server names and will not open is listed too, with `selectable` false: what it held has not
        left because of that. `changes` tells whether it is FolderRefused or FolderGone.

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
        unchanged folder yields one empty page with the cursor it was asked with.

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


class Watcher(Protocol):
    """A source that can say when to look. A hint names a folder and promises nothing else."""

    def watch(self, folders: Iterable[Folder]) -> Iterator[Hint]:
        """Hints until closed."""
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


Secret = Callable[[], str]
"""Gives the secret when it is needed and keeps no copy; its repr says where it comes from, never what it is."""
