"""Changes of one message: its flags (STORE), its place (MOVE, RFC 6851), its end (UID EXPUNGE, RFC 4315).

A condition is checked by the server where that has CONDSTORE (UNCHANGEDSINCE, RFC 7162 3.1.3), for flags and removals;
else what the message is now is compared first, and a change between that look and the write goes unseen.
"""

import re
from dataclasses import dataclass

from connectors.errors import FolderError, ItemGone, ItemRefused, ReplicationError, SourceError
from connectors.imap import tokens
from connectors.imap.folders import shown, wire_name
from connectors.imap.reading.listing import read_flags
from connectors.imap.selection import Parts
from connectors.imap.session import Command, Session, named
from connectors.imap.writing.flags import written
from connectors.imap.writing.refusals import ADVICE, message_refused
from connectors.imap.writing.selecting import selected
from connectors.model import Gone, Ref, Stale, Unknown, Version

DELETED = frozenset({"\\Deleted"})
_MODIFIED = re.compile(r"\[MODIFIED [\d,:]+\]", re.I).match
_COPYUID = re.compile(rb"\[COPYUID (\d{1,10}) \d+ (\d{1,10})\]", re.I).search


@dataclass(slots=True)
class Look:
    """What FETCH rows say of one message; later ones add to earlier ones."""

    uid: int
    flags: frozenset[str] | None = None
    modseq: int = 0

    def take(self, parts: Parts) -> None:
        """Any FETCH row; those of other messages, and those without a UID, say nothing."""
        values = tokens.parse(parts)
        items = tokens.pairs(values[3]) if len(values) > 3 else {}
        if tokens.number(items.get(b"UID")) != self.uid:
            return
        if b"FLAGS" in items:
            self.flags = read_flags(b" ".join(tokens.words(items[b"FLAGS"])))
        self.modseq = tokens.number(items.get(b"MODSEQ")) or self.modseq


@dataclass(slots=True)
class CopyUid:
    """Where a message went (RFC 4315): in the tagged answer, of a MOVE in an untagged one."""

    found: str = ""

    def take(self, parts: Parts) -> None:
        """`* OK [COPYUID 7 12 3] moved`."""
        self.read(parts[0])

    def read(self, text: bytes) -> None:
        """The code, wherever it stands."""
        if match := _COPYUID(text):
            self.found = f"{match[1].decode()}:{match[2].decode()}"


@dataclass(slots=True)
class Edit:
    """One message of the open folder, as it is `now`. Begun by `begin`, which opens the folder and looks."""

    session: Session
    ref: Ref
    uid: int
    now: Version
    modseq: int

    @property
    def what(self) -> str:
        """As its user knows it."""
        return f"message {self.uid} in {shown(self.ref.folder)}"

    def is_stale(self, seen: Version | None) -> bool:
        """The message is not what the caller saw; by its tag, if both sides have one."""
        if seen is None:
            return False
        tagged = seen.tag and self.now.tag
        return seen.tag != self.now.tag if tagged else _plain(seen.flags) != self.now.flags

    def store(self, sign: str, flags: frozenset[str], seen: Version | None) -> bool:
        """Changes flags on the condition that nothing happened since `now`; false if something did."""
        condition = b"(UNCHANGEDSINCE %d) " % self.modseq if seen and self.modseq else b""
        text = b"UID STORE %d %b%bFLAGS.SILENT %b" % (self.uid, condition, sign.encode(), written(flags))
        look = Look(self.uid)
        change = Command(text, {b"FETCH": look.take})
        again = _look_command(self.session, look)
        self.session.send(change, again)
        self.session.wait(again)
        if look.flags is None or again.status != "OK":
            raise ItemGone(f"{self.what} has left")
        self.now, self.modseq = _version(look), look.modseq
        if _MODIFIED(change.text):
            return False
        if change.status != "OK":
            raise message_refused(self.session, self.ref.folder, change, f"{self.what}, flags {sorted(flags)}")
        return True


def begin(session: Session, ref: Ref) -> Edit:
    """Raises Renumbered, ItemGone, FolderGone, FolderRefused."""
    uidvalidity, _, uid = ref.id.partition(":")
    selected(session, ref.folder, uidvalidity)
    session.finish()
    look, what = Look(int(uid)), f"message {uid} in {shown(ref.folder)}"
    command = session.call(_look_command(session, look))
    if command.status == "OK" and look.flags is None:  # it may have come since the folder was opened
        session.call(Command(b"NOOP"))
        command = session.call(_look_command(session, look))
    if command.status != "OK":
        raise message_refused(session, ref.folder, command, what)
    if look.flags is None:
        raise ItemGone(f"{what} has left")
    return Edit(session, ref, int(uid), _version(look), look.modseq)


def set_flags(
    session: Session, ref: Ref, add: frozenset[str], remove: frozenset[str], seen: Version | None
) -> Version | Stale:
    """As `Target.set_flags`; `add` holds only what the folder keeps. With a condition and CONDSTORE, in one STORE."""
    edit = begin(session, ref)
    if edit.is_stale(seen):
        return Stale(edit.now)
    wanted = (edit.now.flags | add) - remove
    added, removed = wanted - edit.now.flags, edit.now.flags - wanted
    if added and removed and seen and edit.modseq:
        return edit.now if edit.store("", wanted, seen) else Stale(edit.now)
    for sign, flags in (("+", added), ("-", removed)):
        if flags and not edit.store(sign, flags, seen):
            return Stale(edit.now)
    return edit.now


def remove(session: Session, ref: Ref, seen: Version | None) -> Gone | Stale:
    """As `Target.remove`. What was marked as deleted since it was seen, as by a lost try of this, is removed too."""
    _need(session, "UIDPLUS", f"message {ref.native} in {shown(ref.folder)}: the server can expunge only all at once")
    edit = begin(session, ref)
    if seen and edit.is_stale(seen) and edit.now.flags - DELETED != _plain(seen.flags) - DELETED:
        return Stale(edit.now)
    marked = edit.now.flags >= DELETED
    if not marked and not edit.store("+", DELETED, seen):
        return Stale(edit.now)
    try:
        expunge(edit)
    except (ItemRefused, FolderError):
        if not marked:
            edit.store("-", DELETED, None)
        raise
    return Gone(ref)


def expunge(edit: Edit) -> None:
    """Takes this message out, which is marked as deleted. Raises ItemRefused if it stays."""
    command = edit.session.call(Command(b"UID EXPUNGE %d" % edit.uid))
    if command.status != "OK":
        raise message_refused(edit.session, edit.ref.folder, command, edit.what)
    look = Look(edit.uid)
    edit.session.call(Command(b"NOOP"))  # what has been expunged may be shown until the client can have been told
    edit.session.call(_look_command(edit.session, look))
    if look.flags is not None:
        raise ItemRefused(f"{edit.what}: the server keeps it, marked as deleted", "grant the right to expunge")


def move(session: Session, ref: Ref, to: str, seen: Version | None) -> Ref | Stale | Unknown:
    """As `Target.move`."""
    edit = begin(session, ref)
    if edit.is_stale(seen):
        return Stale(edit.now)
    if not offers(session, "MOVE"):
        _need(session, "UIDPLUS", f"{edit.what}: the server can neither move a message nor expunge a single one")
    try:
        return _moved(edit, to)
    except SourceError as error:
        if not session.wire.dead:
            raise
        return Unknown(error)


def _moved(edit: Edit, to: str) -> Ref | Unknown:
    session, where = edit.session, CopyUid()
    moves = offers(session, "MOVE")
    verb = b"UID MOVE %d" if moves else b"UID COPY %d"
    command = session.call(named(verb % edit.uid, wire_name(to), b"", {b"OK": where.take}))
    if command.status != "OK":
        raise message_refused(session, to, command, f"{edit.what}, on its way to {shown(to)}")
    where.read(command.text.encode())
    try:
        if not moves:
            edit.store("+", DELETED, None)
            expunge(edit)
    except ReplicationError as error:
        return Unknown(error)
    if where.found:
        return Ref(to, where.found)
    text = f"{edit.what}: the server does not say as what it stands in {shown(to)}"
    return Unknown(ItemGone(text, "look for it by its content"))


def offers(session: Session, extension: str) -> bool:
    """By its name, or as part of IMAP4rev2 (RFC 9051 appendix E)."""
    return bool({extension, "IMAP4REV2"} & session.capabilities)


def _need(session: Session, extension: str, text: str) -> None:
    if not offers(session, extension):
        raise ItemRefused(f"{text} ({extension})", ADVICE[ItemRefused])


def _look_command(session: Session, look: Look) -> Command:
    items = b"(UID FLAGS MODSEQ)" if session.condstore else b"(UID FLAGS)"
    return Command(b"UID FETCH %d %b" % (look.uid, items), {b"FETCH": look.take})


def _version(look: Look) -> Version:
    return Version(str(look.modseq) if look.modseq else "", look.flags or frozenset())


def _plain(flags: frozenset[str]) -> frozenset[str]:
    return flags - {"\\Recent"}
