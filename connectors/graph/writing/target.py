"""The Graph Target: one mailbox that is written to. What it promises is in `connectors.protocols`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from connectors.errors import Disconnected, FolderRefused
from connectors.graph.client import Client
from connectors.graph.fetch import probe
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.graph.writing import edits, window
from connectors.graph.writing.appending import Appending
from connectors.graph.writing.flags import kept
from connectors.graph.writing.making import Making
from connectors.graph.writing.quota import QUOTA
from connectors.graph.writing.sending import Sending, Undecided
from connectors.model import (
    Folder,
    Gone,
    Mark,
    Message,
    Quota,
    Ref,
    Role,
    Stale,
    TargetCapabilities,
    Unknown,
    Version,
)


class GraphTarget:
    """Folder ids and refs are those of `GraphSource`, immutable. A lost write ends the session; the client is closed.

    There may be a Source of the same mailbox beside it: both keep to what Graph allows of requests at once.
    """

    def __init__(self, client: Client, settings: GraphSettings) -> None:
        """Asks by which way messages may be appended. Raises LoginRefused, AppRefused, Disconnected."""
        sending = Sending(client)
        self._client, self._sending = client, sending
        self._making = Making(sending)
        self._appending = Appending(sending, settings)
        with self._deciding():
            self._appending.prepare()

    @classmethod
    def open(cls, settings: GraphSettings, mailbox: GraphMailbox) -> "GraphTarget":
        """Gets a token and asks for the inbox, so that what is wrong with the mailbox shows at once."""
        client = Client(settings, mailbox)
        try:
            probe(client)
            return cls(client, settings)
        except BaseException:
            client.close()
            raise

    @property
    def capabilities(self) -> TargetCapabilities:
        """By the way that was found. Not atomic: of conditions on messages, Graph's documentation does not speak."""
        return replace(self._appending.capabilities, atomic=False)

    def mark(self, folder: Folder) -> Mark:
        """The ids of what stands in it."""
        with self._asking(folder):
            return window.mark(self._client, folder)

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:
        """As `Target.append`. `op` is kept beside the message, as a property that Outlook does not show."""
        _check_for_mail(folder)
        try:
            return self._appending.append(folder, message, op)
        except Undecided as lost:
            return Unknown(lost.error, lost.written)

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """In the order of their creation, which Graph tells to the second."""
        with self._asking(folder):
            return window.find(self._client, folder, since, matches)

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - the same in all folders
        """Read state, follow-up, and keywords as categories."""
        return kept(flags)

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """PATCH, if it is as it was seen."""
        with self._deciding():
            return edits.set_flags(self._sending, ref, add, remove, if_version)

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """By Graph's own move, which knows no condition."""
        _check_for_mail(to)
        try:
            with self._deciding():
                return edits.move(self._sending, ref, to, if_version)
        except Disconnected as error:
            return Unknown(error)

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """DELETE, if it is as it was seen: into Recoverable Items."""
        with self._deciding():
            return edits.remove(self._sending, ref, if_version)

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:  # noqa: ARG002 - none can be given
        """As `Target.ensure_folder`. Graph can give no role; a folder has the one that it has in Exchange."""
        with self._deciding():
            return self._making.ensure(path)

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """As `Target.rename_folder`."""
        with self._deciding():
            return self._making.rename(folder, path)

    def quota(self) -> Quota:
        """Graph tells nothing of it."""
        self._client.check_open()
        return QUOTA

    def close(self) -> None:
        """What is under way ends by itself."""
        self._appending.close()
        self._client.close()

    @contextmanager
    def _asking(self, folder: Folder) -> Iterator[None]:
        _check_for_mail(folder)
        with self._deciding():
            yield

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """A lost session is over."""
        try:
            self._client.check_open()
            yield
        except Undecided as lost:
            raise lost.error from None
        except Disconnected:
            self._client.close()
            raise


def _check_for_mail(folder: Folder) -> None:
    if folder.role is Role.NOT_MAIL:
        raise FolderRefused(f"folder {'/'.join(folder.path)} is not for mail", "choose another folder")
