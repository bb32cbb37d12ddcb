"""Which folders there are (LIST; RFC 5258, 5819, 6154) and whether anything changed in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from imapclient.imap_utf7 import decode as decode_utf7

from connectors.errors import ServerBusy
from connectors.imap import tokens, translate
from connectors.imap.dialects.arrangement import arranged, without_mail
from connectors.imap.namespace import any_below_inbox, own_name, personal_prefix
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session, named
from connectors.model import Folder, Role

INBOX = "INBOX"
NO_SELECT, NOT_THERE = b"\\noselect", b"\\nonexistent"
ROLES = {role.value.lower().encode("ascii"): role for role in Role if role is not Role.NONE}


@dataclass(slots=True)
class Listing:
    """Collects LIST and STATUS responses, by raw name. `prefix` is left out of paths (`namespace`)."""

    rows: dict[bytes, tuple[frozenset[bytes], bytes | None]] = field(default_factory=dict)
    status: dict[bytes, dict[bytes, tokens.Value]] = field(default_factory=dict)
    prefix: bytes = b""

    def take_row(self, parts: Parts) -> None:
        """`* LIST (attributes) separator name`; a second row for a name replaces the first."""
        match tokens.parse(parts)[2:5]:
            case [list() as attributes, (bytes() | None) as separator, (bytes() | None) as name]:
                # An atom NIL at this place is a folder of that name: mailbox names are strings (RFC 3501 section 9).
                found = frozenset(each.lower() for each in tokens.words(attributes))
                self.rows[_canonical(b"NIL" if name is None else name)] = (found, separator)

    def take_status(self, parts: Parts) -> None:
        """`* STATUS name (items)`."""
        match tokens.parse(parts)[2:4]:
            case [(bytes() | None) as name, list() as items]:
                self.status[_canonical(b"NIL" if name is None else name)] = tokens.pairs(items)

    def folders(self) -> list[Folder]:
        """Those that exist, parents before children (RFC 5258 3: \\NonExistent is only a name)."""
        found = [self._folder(name) for name, (attributes, _) in self.rows.items() if NOT_THERE not in attributes]
        return arranged(found)

    def _folder(self, name: bytes) -> Folder:
        attributes, separator = self.rows[name]
        role = next((ROLES[each] for each in sorted(attributes) if each in ROLES), Role.NONE)
        path = _path(own_name(name, self.prefix, self.rows), separator)
        return Folder(
            id=name.decode("latin-1"),
            path=path,
            role=Role.INBOX if path == ("INBOX",) else role,
            stamp=_stamp(self.status.get(name, {})),
            selectable=NO_SELECT not in attributes,
        )


def list_folders(session: Session) -> Iterator[Folder]:
    """All folders, in one command with the status of each where the server can do that.

    INBOX always exists (RFC 9051 5.1), so a list without it is no list: ServerBusy, or all mail would seem deleted.
    """
    listing = Listing()
    wants = {b"LIST": listing.take_row, b"STATUS": listing.take_status}
    options = _options(session)
    command = session.call(Command(b'LIST "" "*"' + options, wants))
    if command.status != "OK" and options and not translate.refused(command.text, "").transient:
        command = session.call(Command(b'LIST "" "*"', wants))
    if command.status != "OK":
        raise translate.refused(command.text, "listing the folders")
    if any_below_inbox(listing.rows):
        listing.prefix = personal_prefix(session)
    found = listing.folders()
    if not any(folder.id == INBOX for folder in found):
        text = f"{session.wire.place}: the server listed {len(found)} folders, and INBOX is not among them"
        raise ServerBusy(text, "nothing was taken for deleted; if it stays so, look at the account on the server")
    yield from without_mail(found) if session.dialect.other_items else found


def find_folder(session: Session, name: str, options: bytes = b"") -> Folder | None:
    """The folder as the server lists it now, below the personal prefix as far as that is known."""
    listing = Listing(prefix=session.prefix or b"")
    session.call(named(b'LIST ""', wire_name(name), options, {b"LIST": listing.take_row}))
    return next((folder for folder in listing.folders() if folder.id == name), None)


def shown(name: str) -> str:
    """A folder's id as its user reads it."""
    return _decode(wire_name(name))


def wire_name(name: str) -> bytes:
    """A folder's id as the bytes that the server lists it by."""
    return name.encode("latin-1")


def _options(session: Session) -> bytes:
    offered = session.capabilities
    if "LIST-EXTENDED" not in offered and "LIST-STATUS" not in offered:
        return b""
    wanted = [b"SPECIAL-USE"] if "SPECIAL-USE" in offered else []
    if "LIST-STATUS" in offered and session.condstore:
        wanted.append(b"STATUS (UIDVALIDITY UIDNEXT MESSAGES HIGHESTMODSEQ)")
    return b" RETURN (%b)" % b" ".join(wanted) if wanted else b""


def _stamp(status: dict[bytes, tokens.Value]) -> str:
    """Empty without a HIGHESTMODSEQ: nothing else changes with flags."""
    names = (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ")
    if not tokens.number(status.get(b"HIGHESTMODSEQ")):
        return ""
    return ":".join(str(tokens.number(status.get(name))) for name in names)


def _canonical(name: bytes) -> bytes:
    return wire_name(INBOX) if name.upper() == wire_name(INBOX) else name


def _path(name: bytes, separator: bytes | None) -> tuple[str, ...]:
    parts = name.split(separator) if separator else [name]
    if parts[0].upper() == b"INBOX":
        parts[0] = b"INBOX"
    return tuple(_decode(part) for part in parts)


def _decode(part: bytes) -> str:
    """Modified UTF-7 (RFC 3501 5.1.3); what is none, as the UTF-8 or Latin-1 that it probably is."""
    try:
        if not part.isascii():
            return part.decode("utf-8")
        decoded: str = decode_utf7(part)
        decoded.encode("utf-8")  # UTF-16 halves alone are no text
    except UnicodeError:
        return part.decode("latin-1")
    return decoded
