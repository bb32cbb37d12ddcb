"""One message into a folder, by APPEND (RFC 3501 6.3.11), in pieces, so that it never stands in memory as a whole.

Nothing in the bytes is changed. A literal is announced and waited for, so that the server can refuse it before it is
sent; small ones go at once where the server lets them (RFC 7888).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from connectors.errors import ItemRefused, ItemTooLarge, SourceError
from connectors.imap.folders import shown, wire_name
from connectors.imap.session import Command, Session, named
from connectors.imap.writing.flags import written
from connectors.imap.writing.quota import largest_message
from connectors.imap.writing.refusals import ADVICE, message_refused
from connectors.model import Message, Unknown

AT_ONCE = 1 << 16
"""Bytes sent without being asked for, where the server sets no limit of its own: a refusal then costs no more."""

LITERAL_MINUS = 4096
"""The limit that LITERAL- sets (RFC 7888 section 5)."""

CHUNK = 1 << 16
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APPENDUID = re.compile(r"\[APPENDUID (\d{1,10}) (\d{1,10})\]", re.I).match


@dataclass(frozen=True, slots=True)
class Measure:
    """What has to be known of a message before its first byte is sent."""

    size: int
    binary: bool
    digest: bytes


class RawFailed(Exception):
    """Carries an error of the bytes that are being read through the sending, whose error it is not."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


def append(session: Session, folder: str, message: Message, flags: frozenset[str], measure: Measure) -> str | Unknown:
    """The message's id, "uidvalidity:uid", or empty if the server took it and does not say.

    Raises what `Target.append` raises. Unknown if the connection dies, at whatever point.
    """
    what = f"a message of {measure.size} bytes for folder {shown(folder)}"
    _check(session, measure, what)
    try:
        command = Sending(session, measure).send(folder, flags, message)
    except RawFailed as failed:
        raise failed.error from failed.error.__cause__
    except SourceError as error:
        session.close()
        return Unknown(error)
    if command.status != "OK":
        raise message_refused(session, folder, command, what)
    match = _APPENDUID(command.text)
    return f"{match[1]}:{match[2]}" if match else ""


def take_measure(raw: Iterable[bytes]) -> Measure:
    """Reads the message once. Raises ValueError for what cannot be read a second time."""
    if iter(raw) is raw:
        raise ValueError("a message is read twice while it is appended, and this one can be read only once")
    size, binary, digest = 0, False, sha256()
    for chunk in raw:
        size += len(chunk)
        binary = binary or b"\0" in chunk
        digest.update(chunk)
    return Measure(size, binary, digest.digest())


def internal_date(when: datetime) -> bytes:
    """RFC 3501's date-time, which has whole minutes of offset and years of four digits."""
    offset = when.utcoffset()
    if offset is None:
        raise ValueError("received_at has no time zone")
    if offset.total_seconds() % 60:
        when = when.astimezone(UTC)
    return f'"{when.day:2d}-{MONTHS[when.month - 1]}-{when.year:04d} {when:%H:%M:%S %z}"'.encode("ascii")


def _check(session: Session, measure: Measure, what: str) -> None:
    """Refuses what the server has said that it does not take."""
    largest = largest_message(session)
    if measure.size > largest:
        raise ItemTooLarge(f"{what}: the server takes {largest} at most (APPENDLIMIT)", ADVICE[ItemTooLarge])
    if measure.binary and "BINARY" not in session.capabilities:
        raise ItemRefused(f"{what}: it holds a NUL, and the server takes none (BINARY, RFC 3516)", ADVICE[ItemRefused])
    if not measure.size:
        raise ItemRefused(f"{what}: IMAP cannot append an empty message", ADVICE[ItemRefused])


class Sending:
    """One APPEND on its way. Whatever goes wrong before its last byte is sent ends the session, so nothing is kept."""

    def __init__(self, session: Session, measure: Measure) -> None:
        self._session = session
        self._measure = measure
        self._command = Command(b"")

    def send(self, folder: str, flags: frozenset[str], message: Message) -> Command:
        """The command once it is answered."""
        date = b" " + internal_date(message.received_at) if message.received_at else b""
        rest = b" %b%b %b" % (written(flags), date, self._announced())
        session = self._session
        session.finish()
        if self._announce(named(b"APPEND", wire_name(folder), rest)):
            self._send_body(message.raw)
        session.wait(self._command)
        return self._command

    def _announce(self, command: Command) -> bool:
        """Up to the mark of the literal; false if the server refuses already."""
        session, self._command = self._session, command
        session.send(command)
        if command.rest is not None:
            if not session.invited(command):
                return False
            session.wire.send(command.rest + b"\r\n")
        return self._at_once() or session.invited(command)

    def _at_once(self) -> bool:
        offered = self._session.capabilities
        limit = AT_ONCE if "LITERAL+" in offered else LITERAL_MINUS
        return self._measure.size <= limit and bool(offered & {"LITERAL+", "LITERAL-", "IMAP4REV2"})

    def _announced(self) -> bytes:
        mark = b"~" if self._measure.binary else b""
        return b"%b{%d%b}" % (mark, self._measure.size, b"+" if self._at_once() else b"")

    def _send_body(self, raw: Iterable[bytes]) -> None:
        """A server drops what it was not sent to the end (RFC 3501 6.3.11), but only once the connection has ended."""
        try:
            for chunk in self._measured(raw):
                for start in range(0, len(chunk), CHUNK):  # a silence is timed, not how long all of it takes
                    self._session.wire.send(chunk[start : start + CHUNK])
            self._session.wire.send(b"\r\n")
        except BaseException:
            self._session.close()
            raise

    def _measured(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        """In pieces that are neither tiny nor large. The last is held back until it is known to be the last."""
        left, held = self._measure.size, bytearray()
        for piece in filter(None, _reading(raw)):
            left -= len(piece)
            if left < 0:
                break
            if len(held) >= CHUNK:
                yield bytes(held)
                held.clear()
            held += piece
        if left:
            raise ValueError(f"a message of {self._measure.size} bytes had others when it was read again")
        yield bytes(held)


def _reading(raw: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from raw
    except SourceError as error:  # it may come from another mail system
        raise RawFailed(error) from error
