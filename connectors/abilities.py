"""What a connector may be able to do beside opening a mailbox. All of it is optional, and asked for by `isinstance`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Discovering(Protocol):
    """A connector that can say which mailboxes a mail system has. Optional."""

    def discover(self, source: Any, mailbox: Any) -> Iterator[str]:
        """Those that the login of `mailbox` may see, each by the name that `mailbox_name` would give it.

        Raises what `open_source` raises, and ConfigError where the mail system does not tell this login.
        """
        ...

    def mailbox_name(self, mailbox: Any) -> str:
        """What `discover` calls the mailbox with these settings."""
        ...


@runtime_checkable
class Overseeing(Protocol):
    """A connector whose sources log in by themselves: it discovers before any mailbox is configured. Optional."""

    def oversee(self, source: Any) -> Iterator[tuple[str, ...]]:
        """Each mailbox, by all the names that `Discovering.mailbox_name` might give it; the first is for people.

        Raises as `Discovering.discover`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Survey:
    """How a mail system's door looks. `expires` is when its certificate ends, `clock` what time it says it is."""

    seen: str
    expires: datetime | None = None
    clock: datetime | None = None


@runtime_checkable
class Surveying(Protocol):
    """A connector that can look at a mail system without logging in. Optional; for `doctor`."""

    def survey(self, source: Any) -> Survey:
        """Connects, and hangs up. Raises Unreachable, Untrusted."""
        ...


@runtime_checkable
class Exacting(Protocol):
    """A connector of which a mailbox's settings must fit those of its source. Optional."""

    def misfits(self, source: Any, mailbox: Any) -> list[str]:
        """What does not go together, a line each; a line that begins with a setting of the mailbox is said of it."""
        ...
