"""Makes folders (CREATE; RFC 6154 for their roles) and renames them, each under exactly the name that was asked for."""

from imapclient.imap_utf7 import encode as encode_utf7

from connectors.errors import FolderGone, FolderRefused
from connectors.imap import tokens, translate
from connectors.imap.folders import INBOX, find_folder, shown, wire_name
from connectors.imap.namespace import personal_prefix
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session, named
from connectors.imap.writing.refusals import folder_refused
from connectors.model import Folder, Role

ANOTHER_NAME = "choose another name"


class Making:
    """Names as this server writes them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._separator: bytes | None = None
        self._asked = False

    def ensure(self, path: tuple[str, ...], role: Role) -> Folder:
        """As `Target.ensure_folder`."""
        self._session.finish()
        name = self._name(path)
        found = self._look(name)
        if found is not None and found.selectable:
            return found
        self._make_above(path)
        self._create(name, role)
        made = self._look(name)
        if made is None or made.path != path or not made.selectable:
            raise FolderRefused(f"folder {'/'.join(path)}: the server made something else of that name", ANOTHER_NAME)
        self._session.call(named(b"SUBSCRIBE", wire_name(made.id)))  # or most clients do not show it
        return made

    def rename(self, folder: Folder, path: tuple[str, ...]) -> Folder:
        """As `Target.rename_folder`. RFC 3501 6.3.5 would move the messages of INBOX and leave the folder."""
        self._session.finish()
        if folder.id == INBOX:
            raise FolderRefused("INBOX cannot be renamed", "move its messages")
        name = self._name(path)
        if self._look(folder.id) is None:
            raise FolderGone(f"folder {shown(folder.id)} is no longer there", translate.ADVICE[FolderGone])
        if self._look(name) is not None:
            raise FolderRefused(f"folder {shown(name)} is there already", ANOTHER_NAME)
        self._make_above(path)
        if self._session.selection is not None and "UNSELECT" in self._session.capabilities:
            self._session.call(Command(b"UNSELECT"))
        self._session.selection = None
        self._rename(folder.id, name)
        renamed = self._look(name)
        if renamed is None or renamed.path != path:
            raise FolderRefused(f"folder {shown(folder.id)}: the server gave it another name than {shown(name)}")
        self._session.call(named(b"SUBSCRIBE", wire_name(name)))
        self._session.call(named(b"UNSUBSCRIBE", wire_name(folder.id)))
        return renamed

    def _make_above(self, path: tuple[str, ...]) -> None:
        """A server may make them by itself, but as names that hold no mail (RFC 3501 6.3.3)."""
        if len(path) > 1 and self._look(self._name(path[:-1])) is None:
            self.ensure(path[:-1], Role.NONE)

    def _create(self, name: str, role: Role) -> None:
        use = role not in (Role.NONE, Role.INBOX) and "CREATE-SPECIAL-USE" in self._session.capabilities
        command = self._session.call(named(b"CREATE", wire_name(name), b" (USE (%b))" % role.encode() if use else b""))
        if use and command.status != "OK":  # a role that the server has not, or that is another folder's already
            command = self._session.call(named(b"CREATE", wire_name(name)))
        if command.status != "OK" and not command.text.upper().startswith("[ALREADYEXISTS]"):
            raise folder_refused(command, f"making folder {shown(name)}")

    def _rename(self, old: str, new: str) -> None:
        command = self._session.call(renaming(wire_name(old), wire_name(new)))
        if command.status != "OK":
            raise folder_refused(command, f"renaming folder {shown(old)} to {shown(new)}")

    def _name(self, path: tuple[str, ...]) -> str:
        """Raises FolderRefused for what no name on this server can be."""
        separator = self._find_separator()
        parts = [_encoded(part) for part in path]
        prefix, text = personal_prefix(self._session), f"folder {'/'.join(path)}"
        if not path or not all(parts) or (path[0] != INBOX and path[0].upper() == INBOX):
            raise FolderRefused(f"{text}: no folder has such a name", ANOTHER_NAME)
        if any(separator in part if separator else len(parts) > 1 for part in parts):
            raise FolderRefused(f"{text}: the server separates levels by {separator.decode()!r}", ANOTHER_NAME)
        if prefix and len(path) > 1 and path[0] == INBOX:
            raise FolderRefused(
                f"{text}: here all folders lie below INBOX, and INBOX has none of its own", ANOTHER_NAME
            )
        name = separator.join(parts) if path[0] == INBOX else prefix + separator.join(parts)
        return name.decode("latin-1")

    def _find_separator(self) -> bytes:
        """Empty on a server without levels."""
        if not self._asked:
            command = self._session.call(Command(b'LIST "" ""', {b"LIST": self._take_separator}))
            if command.status != "OK":
                raise translate.refused(command.text, "asking for the separator of folders")
            self._asked = True
        return self._separator or b""

    def _take_separator(self, parts: Parts) -> None:
        """`* LIST (\\Noselect) "/" ""`."""
        match tokens.parse(parts)[3:4]:
            case [(bytes() | None) as separator]:
                self._separator = separator

    def _look(self, name: str) -> Folder | None:
        """As the server lists it now. Whoever has a `_name` has asked for the personal prefix."""
        roles = {"LIST-EXTENDED", "SPECIAL-USE"} <= self._session.capabilities
        return find_folder(self._session, name, b" RETURN (SPECIAL-USE)" if roles else b"")


def _encoded(part: str) -> bytes:
    """In modified UTF-7. A NUL would pass in it, and ends the name on some servers (Courier)."""
    if "\0" in part:
        raise FolderRefused(f"{part!r} holds a NUL", ANOTHER_NAME)
    try:
        return bytes(encode_utf7(part))
    except UnicodeEncodeError as error:
        raise FolderRefused(f"{part!r} is no text", ANOTHER_NAME) from error


def renaming(old: bytes, new: bytes) -> Command:
    """RENAME with two names, of which one at most may need a literal: names that are made here do not."""
    return named(b"RENAME", old, named(b"", new).line)
