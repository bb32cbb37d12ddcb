"""A message taken apart to be shown: its header fields and its parts. Never used to store, compare or export."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesFeedParser, BytesHeaderParser

from replicator.mailstore.mailbox.headers import readable

LARGEST = 32 << 20
"""Parts of a larger message are not listed: the standard library's parser needs several times its size in memory."""

# How that parser fails on malformed parameters (`name*1*=…`), unknown charsets and deep nesting, found by fuzzing it.
FAILURES = (TypeError, ValueError, LookupError, AttributeError, RecursionError)

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_NAMING = ("content-type", "content-disposition")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree. `path` counts from 1 on each level, as IMAP does; `size` is after decoding, in bytes."""

    path: str
    content_type: str
    filename: str
    disposition: str
    size: int


@dataclass(frozen=True, slots=True)
class MailView:
    """What is shown of a message. `note` says why the parts are not listed; empty if they are."""

    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    note: str = ""


def view(chunks: Iterable[bytes], size: int) -> MailView:
    """Takes a message apart; whatever its bytes are, it does not fail."""
    if size > LARGEST:
        return MailView(_headers(_beginning(chunks)), (), f"larger than {LARGEST >> 20} MiB; --raw writes it whole")
    raw = b"".join(chunks)
    try:
        parser = BytesFeedParser()
        parser.feed(raw)
        return MailView(_headers(raw), tuple(_parts(parser.close(), "")))
    except FAILURES as error:
        return MailView(_headers(raw), (), f"its MIME structure cannot be read ({type(error).__name__})")


def _beginning(chunks: Iterable[bytes]) -> bytes:
    """The first MiB; the rest is read and dropped, for only the end tells whether all of it was authentic."""
    head = bytearray()
    for chunk in chunks:
        head += chunk[: max((1 << 20) - len(head), 0)]
    return bytes(head)


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    fields = BytesHeaderParser().parsebytes(raw).raw_items()
    return tuple((name, readable(_FOLD.sub(b"", _raw(value))).strip()) for name, value in fields)


def _raw(value: str) -> bytes:
    """The bytes of a field as they came: the parser reads ASCII, and keeps every other byte as half a surrogate."""
    return value.encode("utf-8", "surrogateescape")


def _parts(message: "Message[str, str]", path: str) -> Iterator[Part]:
    children = message.get_payload()
    if not message.is_multipart() or not isinstance(children, list):
        yield _leaf(message, path or "1")
        return
    for number, child in enumerate(children, 1):
        if isinstance(child, Message):
            yield from _parts(child, f"{path}.{number}" if path else str(number))


def _leaf(message: "Message[str, str]", path: str) -> Part:
    payload = message.get_payload(decode=True)
    _decode_fields(message)
    try:
        name = message.get_filename() or ""
    except FAILURES:
        name = "(unreadable)"
    size = len(payload) if isinstance(payload, bytes) else 0
    shown = readable(name.encode("utf-8", "surrogateescape"))
    return Part(path, message.get_content_type(), shown, message.get_content_disposition() or "", size)


def _decode_fields(message: "Message[str, str]") -> None:
    """Puts text in the place of raw 8-bit bytes, which `get_filename` would otherwise replace by question marks."""
    for field in _NAMING:
        value = next((value for name, value in message.raw_items() if name.lower() == field), "")
        if not value.isascii():
            message.replace_header(field, _text(_raw(value)))


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
