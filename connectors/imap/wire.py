"""Bytes in and out of one connection: lines of any length, literals, large ones in chunks.

imaplib's own reading is left as soon as the login is done: it ends at lines of 1 MB (a SEARCH over 140,000 messages),
copies literals, and knows no pipelining.
"""

import io
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from connectors.errors import ProtocolError
from connectors.imap.translate import disconnected

BUFFER = 1 << 18
CHUNK = 1 << 18
MAX_LINE = 1 << 27
"""128 MB: the UIDs of ten million messages in one SEARCH. More is no IMAP."""

_LITERAL = re.compile(rb"~?\{(\d+)\}\r\n\Z")


class Wire:
    """One connection after login. Every failure is Disconnected and leaves it `dead`."""

    def __init__(self, sock: socket.socket, unread: bytes, place: str) -> None:
        self._sock = sock
        self._file = io.BufferedReader(_Incoming(sock, unread), BUFFER)
        self.place = place
        self.dead = False

    def send(self, data: bytes) -> None:
        """All of it."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def line(self) -> bytes:
        """Up to and with the next CRLF. A bare LF is taken for one."""
        try:
            line = self._file.readline(MAX_LINE)
        except (OSError, ValueError) as error:
            raise self._lost(error) from error
        if line[-2:] == b"\r\n":
            return line
        if len(line) >= MAX_LINE:
            self.close()
            raise ProtocolError(f"{self.place}: a line of more than {MAX_LINE} bytes")
        if line[-1:] != b"\n":
            raise self._lost(EOFError("closed by the server"))
        return line[:-1] + b"\r\n"

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        try:
            data = self._file.read(size)
        except (OSError, ValueError) as error:
            raise self._lost(error) from error
        if len(data) != size:
            raise self._lost(EOFError("closed by the server"))
        return data

    def chunks(self, size: int) -> Iterator[bytes]:
        """So many bytes in pieces, to be read to the end before anything else is."""
        while size:
            chunk = self.read(min(size, CHUNK))
            size -= len(chunk)
            yield chunk

    def parts(self, line: bytes, limit: int = MAX_LINE) -> tuple[bytes, ...]:
        """The rest of a response that begins with this line: text and literals by turns, without the `{n}` marks."""
        parts: list[bytes] = []
        while mark := _LITERAL.search(line, max(0, len(line) - 32)):
            size = int(mark[1])
            if size > limit:
                self.close()
                raise ProtocolError(f"{self.place}: a literal of {size} bytes where none so large can be")
            parts += (line[: mark.start()], self.read(size))
            line = self.line()
        return (*parts, line)

    def drain(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        """Waits for the server to end the connection, so many seconds at most: so long it is one of those it allows."""
        end = clock() + seconds
        try:
            while (left := end - clock()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(BUFFER):
                    return
        except OSError:
            return  # it has ended, or takes its time

    def close(self) -> None:
        """No more reading, not even of what has come already. The socket is its owner's to close."""
        self.dead = True
        self._file.close()

    def _lost(self, error: Exception) -> Exception:
        self.close()
        return disconnected(error, self.place)


class _Incoming(io.RawIOBase):
    """The socket as a raw file, after what imaplib had read already."""

    def __init__(self, sock: socket.socket, unread: bytes) -> None:
        self._sock = sock
        self._unread = unread

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """One `recv`."""
        if not self._unread:
            return self._sock.recv_into(buffer)
        count = min(len(buffer), len(self._unread))
        buffer[:count], self._unread = self._unread[:count], self._unread[count:]
        return count


def unread(imap: Any, timeout: float) -> bytes:
    """What imaplib has buffered from the socket and not used, without waiting for more."""
    if hasattr(imap, "_readbuf"):  # from Python 3.14 on
        return b"".join(imap._readbuf)
    imap.sock.settimeout(0)
    try:
        return bytes(imap.file.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    finally:
        imap.sock.settimeout(timeout)
