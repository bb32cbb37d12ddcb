"""How a proof goes over the wire: AUTHENTICATE with or without an initial response (RFC 4959), or LOGIN."""

from collections.abc import Iterator
from dataclasses import replace

from connectors.imap.login.dialog import Answer, Dialog
from connectors.imap.login.redaction import redact
from connectors.imap.login.sasl import Mechanism, status

AT_ONCE = 4096
"""Bytes of a proof that may stand in the line of its command; servers read lines of 8 kB (RFC 7162 4)."""

_LONG = 1000
"""Bytes of a quoted string, after which a literal is what surely arrives."""


def authenticate(dialog: Dialog, mechanism: Mechanism, *, initial_response: bool) -> Answer:
    """The answer; a reason that the server gave in between is put behind its text."""
    at_once = initial_response and len(mechanism.encoded) <= AT_ONCE
    proving = _Proving(mechanism, sent=at_once)
    command = b"AUTHENTICATE %b" % mechanism.name.encode()
    line = b"%b %b" % (command, mechanism.encoded or b"=") if at_once else command
    answer = dialog.ask(line, proving.reply, mechanism.secrets)
    reason = redact(proving.reason, mechanism.secrets)
    return replace(answer, text=f"{answer.text} (status {reason})") if reason else answer


def log_in(dialog: Dialog, name: str, password: str) -> Answer:
    """LOGIN (RFC 3501 6.2.3), name and password as literals where they cannot be quoted, in UTF-8."""
    pieces = list(_pieces(name.encode(), password.encode()))
    return dialog.ask(b"LOGIN " + pieces.pop(0), lambda _: pieces.pop(0) if pieces else b"", [password])


class _Proving:
    """Answers challenges with the proof until that has been sent, and once more for a server that overlooked it."""

    def __init__(self, mechanism: Mechanism, *, sent: bool) -> None:
        self._mechanism = mechanism
        self._sent = int(sent)
        self._refused = False
        self.reason = ""

    def reply(self, challenge: bytes) -> bytes:
        """Whatever comes after the proof and says something is the reason of a refusal."""
        if self._sent == 0 or (self._sent == 1 and not challenge):
            self._sent += 1
            return self._mechanism.encoded
        if self._refused:
            return b"*"
        self._refused, self.reason = True, status(challenge)
        return self._mechanism.after_error


def _pieces(*values: bytes) -> Iterator[bytes]:
    """What is sent at once, each piece after the server has asked for it."""
    said = b""
    for position, value in enumerate(values):
        said += b" " if position else b""
        if len(value) <= _LONG and all(32 <= byte < 127 for byte in value):
            said += b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        else:
            yield said + b"{%d}" % len(value)
            said = value
    yield said
