"""The talk before a session: one command at a time, and answers to what the server asks back (RFC 3501 2.2.1)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from connectors.errors import ProtocolError
from connectors.imap import translate
from connectors.imap.login.redaction import redact
from connectors.imap.wire import Wire

_TAGGED = re.compile(rb"(\S+) (OK|NO|BAD)(?: (.*))?\r\n", re.I | re.S).fullmatch
_LISTED = re.compile(rb"\* CAPABILITY (.*)\r\n", re.I).fullmatch
_CODED = re.compile(rb"\[CAPABILITY ([^\]]*)\]", re.I).match

_LITERAL = 1 << 20
"""More than anyone has to say before a login."""

Reply = Callable[[bytes], bytes]
"""What to say to a challenge, each without its line break and the plus sign."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended: OK, NO or BAD, and what the server said to it."""

    status: str
    text: str


class Dialog:
    """`capabilities` are those that the server has named in this talk, None before it did."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.capabilities: frozenset[str] | None = None
        self._secrets: tuple[str, ...] = ()
        self._tags = count(1)

    def ask(self, command: bytes, reply: Reply | None = None, secrets: Iterable[str] = ()) -> Answer:
        """Sends a command and reads on until it is answered. Raises Disconnected, and what a BYE means.

        Wherever the server repeats one of the secrets, it is struck out.
        """
        self._secrets = tuple(secrets)
        tag = b"l%d" % next(self._tags)
        self.wire.send(b"%b %b\r\n" % (tag, command))
        while True:
            line = self.wire.line()
            if line.startswith(b"+"):
                self._challenged(line, reply)
            elif line.startswith(b"* "):
                self._untagged(line)
            else:
                return self._answer(tag, line)

    def _challenged(self, line: bytes, reply: Reply | None) -> None:
        if reply is None:
            raise ProtocolError(f"{self.wire.place}: the server asks for more, where there is no more")
        self.wire.send(reply(line[1:].strip()) + b"\r\n")

    def _untagged(self, line: bytes) -> None:
        if line[2:5].upper() == b"BYE":
            raise translate.turned_away(self._text(line[5:]), self.wire.place)
        if listed := _LISTED(line):
            self._note(listed[1])
        elif line[2:5].upper() == b"OK " and (coded := _CODED(line[5:])):
            self._note(coded[1])
        else:
            self.wire.parts(line, _LITERAL)

    def _answer(self, tag: bytes, line: bytes) -> Answer:
        match = _TAGGED(line)
        if match is None or match[1] != tag:
            raise ProtocolError(f"{self.wire.place}: the server sent a line that is no response")
        text = match[3] or b""
        if coded := _CODED(text):
            self._note(coded[1])
        return Answer(match[2].decode().upper(), self._text(text))

    def _note(self, names: bytes) -> None:
        self.capabilities = frozenset(names.decode("ascii", "replace").upper().split())

    def _text(self, said: bytes) -> str:
        return redact(said.decode("utf-8", "replace").strip(), self._secrets)
