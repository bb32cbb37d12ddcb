"""Of a header what is kept apart: the two fields that listings show, as raw bytes, and the digest of its block."""

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from hashlib import sha256

from connectors.body import HEAD_MAX

_LIMIT = 2000
_LINE_ENDS = b"\r\n"
_MESSAGE_ID = re.compile(rb"(?:\A|\n)message-id[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
_SUBJECT = re.compile(rb"(?:\A|\n)subject[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


def heading(block: bytes) -> bytes:
    """What a header block is known again by: its SHA-256, without the line ends at its end.

    Empty for none at all, and for one that may have been cut: by that nothing is to be recognised.
    """
    text = block.rstrip(_LINE_ENDS)
    return sha256(text).digest() if text and len(block) < HEAD_MAX else b""


def message_id(head: bytes) -> bytes:
    """The first Message-ID field's value, unfolded, at most 2,000 bytes; empty if there is none."""
    return _field(_MESSAGE_ID, head).strip()


def subject(head: bytes) -> bytes:
    """The first Subject field's value, unfolded, still encoded, at most 2,000 bytes; empty if there is none."""
    return _field(_SUBJECT, head)


def _field(pattern: re.Pattern[bytes], head: bytes) -> bytes:
    found = pattern.search(head)
    return _FOLD.sub(b"", found[1][:_LIMIT]) if found else b""


def readable(value: bytes) -> str:
    """A raw field as text: RFC 2047 words decoded, 8-bit bytes as UTF-8 or else Latin-1. Escape it to show it."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, MessageError):
        return text  # an unknown charset or broken word is shown as it stands
