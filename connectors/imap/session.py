"""One logged-in connection: commands in a row, and a reader that gives each response to the command it belongs to.

Commands are sent without waiting for the answers of earlier ones (RFC 3501 5.5). Rows with a body belong to whoever
fetches bodies, all other responses to the first waiting command that wants their kind. So a listing and two fetches of
bodies can be under way at once, and a slow link is kept busy.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from connectors.body import Body
from connectors.errors import ProtocolError, ReplicationError
from connectors.imap import tokens, translate
from connectors.imap.dialects.dialect import PLAIN
from connectors.imap.selection import Handler, Parts, Selection
from connectors.imap.wire import Wire

STREAM_OVER = 1 << 20
"""Bodies over 1 MiB are not read into memory but given as they come."""

PARTING = 1.0
"""Seconds that a server has to end the connection after LOGOUT. Who opens another one sooner may have one too many."""

HOLD = 4 << 20
"""Bytes of bodies kept while someone waits for another answer."""

WINDOW = 1000
"""Messages listed in one command, and changes in one page."""

_BODY_ROW = re.compile(
    rb'\* \d+ FETCH \(UID (\d{1,10}) FLAGS \(([^()]*)\) INTERNALDATE "([^"]*)" BODY\[\] \{(\d{1,18})\}\r\n'
).fullmatch
_BODY_MARK = re.compile(rb"BODY\[\] ~?\{(\d{1,18})\}\r\n\Z", re.I).search
_KIND = re.compile(rb"\* (?:\d+ )?([A-Za-z]+)").match
_TAGGED = re.compile(rb"(\S+) (OK|NO|BAD)(?: (.*))?\r\n", re.I | re.S).fullmatch
_TEXTS = frozenset((b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"))


@dataclass(slots=True, eq=False)
class Command:
    """A command and what became of it. `wants` are the responses it takes, by kind (FETCH, SEARCH, VANISHED, OK …).

    `rest` is what follows a synchronising literal's mark at the end of `line` (RFC 3501 4.3).
    """

    line: bytes
    wants: Mapping[bytes, Handler] = field(default_factory=dict)
    rest: bytes | None = None
    tag: bytes = b""
    status: str = ""
    text: str = ""

    @property
    def done(self) -> bool:
        """The server has answered it."""
        return self.status != ""


@dataclass(slots=True)
class BodyRow:
    """A row that carries a body; `raw` is None where the server says NIL."""

    uid: int
    flags: bytes
    date: bytes
    raw: Iterable[bytes] | None


class Session:
    """`step` reads one response. `selection` is the open folder; `qresync` and `condstore` are agreed on (RFC 7162).
    `wary` names the folders of which no sizes are asked for. `dialect` is whose server it is.
    `prefix` is that of the user's own folders, None until it was asked for (`namespace`).

    Body rows that come while someone waits for another command are held for `release`. What is too large for that is
    dropped and its UID put into `skipped`, so that it is asked for again.
    """

    def __init__(self, wire: Wire, capabilities: frozenset[str]) -> None:
        self.wire = wire
        self.capabilities = capabilities
        self.qresync = False
        self.condstore = False
        self.dialect = PLAIN
        self.prefix: bytes | None = None
        self.selection: Selection | None = None
        self.window = WINDOW
        self.wary: set[str] = set()
        self._held: deque[BodyRow] = deque()
        self._held_bytes = 0
        self.skipped: set[int] = set()
        self._pending: deque[Command] = deque()
        self._tags = count(1)
        self._continued = False
        self._streaming: Body | None = None

    def send(self, *commands: Command) -> None:
        """Sends, and waits for nothing."""
        self._continued = False
        for command in commands:
            command.tag = b"r%d" % next(self._tags)
            self._pending.append(command)
        self.wire.send(b"".join(b"%b %b\r\n" % (command.tag, command.line) for command in commands))

    def call(self, command: Command) -> Command:
        """Sends, and waits for the answer."""
        self.send(command)
        if command.rest is not None and self.invited(command):
            self.wire.send(command.rest + b"\r\n")
        self.wait(command)
        return command

    def invited(self, command: Command) -> bool:
        """Waits until the server asks for the literal announced last (RFC 3501 7.5); false if it answers instead."""
        self._wait(lambda: self._continued or command.done)
        self._continued = False
        return not command.done

    def wait(self, command: Command) -> None:
        """Until the command is answered; body rows that come meanwhile are held."""
        self._wait(lambda: command.done)

    def finish(self) -> None:
        """Until all commands are answered."""
        while self._pending:
            self.wait(self._pending[-1])

    def step(self) -> BodyRow | None:
        """Reads one response and gives it to its command; one that carries a body is returned."""
        if self._streaming is not None:
            self._streaming.expire()
        line = self.wire.line()
        match = _BODY_ROW(line)
        if match is None:
            return self._take(line)
        size = int(match[4])
        if size > STREAM_OVER:
            return BodyRow(int(match[1]), match[2], match[3], self._stream(size))
        data = self.wire.read(size)
        if (tail := self.wire.line()) != b")\r\n":
            self.wire.parts(tail)
        return BodyRow(int(match[1]), match[2], match[3], (data,))

    def close(self) -> None:
        """Says LOGOUT, if the connection is in a state for it. Never raises."""
        if not self.wire.dead and not self._pending and self._streaming is None:
            with suppress(ReplicationError):  # it may have died unnoticed, which is no harm now
                self.send(Command(b"LOGOUT"))
                self.wire.drain(PARTING)
        self.wire.close()

    def _take(self, line: bytes) -> BodyRow | None:
        kind = _KIND(line)
        if kind is None:
            self._answer(line)
            return None
        word = kind[1].upper()
        if word == b"FETCH" and b"BODY[]" in line:
            return self._unusual_body(line)
        parts = (line,) if word in _TEXTS else self.wire.parts(line)
        if len(parts) > 1 and word == b"FETCH" and any(b"BODY[]" in part for part in parts[::2]):
            return _body_row(parts)
        if word == b"BYE":
            self.wire.dead = True
            raise translate.closed(_text(line[kind.end() :]), self.wire.place)
        for command in self._pending:
            handler = command.wants.get(word)
            if handler is not None:
                handler(parts)
                break
        return None

    def _answer(self, line: bytes) -> None:
        if line.startswith(b"+"):
            self._continued = True
        if line[:1] in b"+*":
            return
        match = _TAGGED(line)
        command = next((each for each in self._pending if match and each.tag == match[1]), None)
        if match is None or command is None:
            self.wire.dead = True
            raise ProtocolError(f"{self.wire.place}: the server sent a line that is no response")
        self._pending.remove(command)
        command.status, command.text = match[2].decode().upper(), _text(match[3] or b"")

    def _unusual_body(self, line: bytes) -> BodyRow | None:
        """The items in another order, more of them, or the body as a quoted string or NIL."""
        mark = _BODY_MARK(line)
        if mark is None or int(mark[1]) <= STREAM_OVER:
            return _body_row(self.wire.parts(line))
        row = _body_row((line[: mark.start()] + b"BODY[] NIL)",))
        if row is not None and row.uid:
            row.raw = self._stream(int(mark[1]))
            return row
        return _body_row(self.wire.parts(line))  # its UID comes behind it, so there is no other way

    def _stream(self, size: int) -> Body:
        chunks = self._rows_end(self.wire.chunks(size))
        self._streaming = Body(chunks, partial(self._skip, chunks))
        return self._streaming

    def _rows_end(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield from chunks
        self.wire.parts(self.wire.line())

    def _skip(self, chunks: Iterator[bytes]) -> None:
        self._streaming = None
        if not self.wire.dead:
            deque(chunks, maxlen=0)

    def release(self) -> BodyRow | None:
        """The next of the rows that were held."""
        row = self._held.popleft() if self._held else None
        self._held_bytes -= _size(row)
        return row

    def forget(self) -> None:
        """Drops what is held: whoever asked for it has gone."""
        self._held.clear()
        self.skipped.clear()
        self._held_bytes = 0

    def _hold(self, row: BodyRow) -> None:
        self._held_bytes += _size(row)
        if not isinstance(row.raw, Body) and self._held_bytes <= HOLD:
            self._held.append(row)
            return
        self._held_bytes -= _size(row)
        self.skipped.add(row.uid)
        if isinstance(row.raw, Body):
            row.raw.expire()

    def _wait(self, until: Callable[[], bool]) -> None:
        while not until():
            row = self.step()
            if row is not None:
                self._hold(row)


def named(verb: bytes, name: bytes, rest: bytes = b"", wants: Mapping[bytes, Handler] | None = None) -> Command:
    """A command about a mailbox: its name quoted, or as a literal where that cannot be (CR, LF, NUL, 8-bit)."""
    if any(byte in b"\r\n\0" or byte > 126 for byte in name):
        return Command(b"%b {%d}" % (verb, len(name)), wants or {}, name + rest)
    escaped = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return Command(b'%b "%b"%b' % (verb, escaped, rest), wants or {})


def _body_row(parts: Parts) -> BodyRow | None:
    """Any row with a body, whatever the order of its items."""
    values = tokens.parse(parts)
    row = tokens.pairs(values[3]) if len(values) > 3 else {}
    if b"BODY[]" not in row:
        return None
    body, date = row[b"BODY[]"], row.get(b"INTERNALDATE")
    return BodyRow(
        uid=tokens.number(row.get(b"UID")),
        flags=b" ".join(tokens.words(row.get(b"FLAGS"))),
        date=date if isinstance(date, bytes) else b"",
        raw=(body,) if isinstance(body, bytes) else None,
    )


def _size(row: BodyRow | None) -> int:
    return len(row.raw[0]) if row is not None and isinstance(row.raw, tuple) else 0


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip()
