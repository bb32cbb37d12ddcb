"""The IMAP Target: one session that writes. What it promises is in `connectors.protocols`."""

from collections.abc import Callable

from connectors.errors import Disconnected, ItemRefused
from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.session import Session
from connectors.imap.writing import edits, window
from connectors.imap.writing.append import Measure, append, take_measure
from connectors.imap.writing.making import Making
from connectors.imap.writing.quota import ask_quota
from connectors.imap.writing.selecting import selected
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


class ImapTarget:
    """Folder ids and refs are those of `ImapSource`. Folders are opened by SELECT, which takes \\Recent from others."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._making = Making(session)

    @classmethod
    def open(cls, settings: ImapSettings, mailbox: ImapMailbox) -> "ImapTarget":
        """Connects and logs in."""
        return cls(connect(settings, mailbox))

    @property
    def capabilities(self) -> TargetCapabilities:
        """By what was agreed on after the login."""
        return TargetCapabilities(
            atomic=self._session.condstore,
            exact_bytes=self._session.dialect.exact_bytes,
            extensions=self._session.capabilities,
        )

    def mark(self, folder: Folder) -> Mark:
        """UIDVALIDITY and UIDNEXT."""
        return window.take_mark(self._session, folder.id)

    def append(self, folder: Folder, message: Message, op: str) -> Ref | Unknown:  # noqa: ARG002 - IMAP keeps no names
        """As `Target.append`. Where the server does not say as what it stands, it is recognised, if only one can be."""
        measure = take_measure(message.raw)
        try:
            flags = self.keeps(folder, message.flags)
            marks = [] if edits.offers(self._session, "UIDPLUS") else [self.mark(folder)]
        except Disconnected as error:
            return Unknown(error)
        uid = self._send(folder.id, message, flags, measure)
        if isinstance(uid, Unknown):
            return uid
        if uid:
            return Ref(folder.id, uid)
        found = [window.recognise(self._session, folder.id, mark, measure.digest) for mark in marks]
        return found[0] if found else window.unnamed(folder.id)

    def _send(self, name: str, message: Message, flags: frozenset[str], measure: Measure) -> str | Unknown:
        """Without its keywords if it is refused with them: only then do some servers say that one is too long."""
        try:
            return append(self._session, name, message, flags, measure)
        except ItemRefused:
            system = frozenset(flag for flag in flags if flag.startswith("\\"))
            if system == flags:
                raise
        return append(self._session, name, message, system, measure)

    def find(self, folder: Folder, since: Mark, matches: Callable[[Message], bool]) -> list[Ref]:
        """UIDs from the mark on."""
        return window.find(self._session, folder.id, since, matches)

    def keeps(self, folder: Folder, flags: frozenset[str]) -> frozenset[str]:
        """By PERMANENTFLAGS, asked when the folder is opened."""
        return selected(self._session, folder.id).permanent.keep(flags) if flags else flags

    def set_flags(
        self, ref: Ref, add: frozenset[str], remove: frozenset[str], if_version: Version | None = None
    ) -> Version | Stale:
        """UID STORE."""
        opened = selected(self._session, ref.folder, ref.id.partition(":")[0])
        return edits.set_flags(self._session, ref, opened.permanent.keep(add), remove, if_version)

    def move(self, ref: Ref, to: Folder, if_version: Version | None = None) -> Ref | Stale | Unknown:
        """UID MOVE, else UID COPY and UID EXPUNGE."""
        try:
            return edits.move(self._session, ref, to.id, if_version)
        except Disconnected as error:
            return Unknown(error)

    def remove(self, ref: Ref, if_version: Version | None = None) -> Gone | Stale:
        """UID EXPUNGE."""
        return edits.remove(self._session, ref, if_version)

    def ensure_folder(self, path: tuple[str, ...], role: Role = Role.NONE) -> Folder:
        """CREATE and SUBSCRIBE."""
        return self._making.ensure(path, role)

    def rename_folder(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """RENAME."""
        return self._making.rename(folder, path)

    def quota(self) -> Quota:
        """GETQUOTAROOT of INBOX."""
        return ask_quota(self._session)

    def close(self) -> None:
        """Says goodbye if it can."""
        self._session.close()
