"""A message taken apart for Graph: what is shown as its text, and files.

A file is what is attached, the pictures of the text among them. Messages within it are files too, as they are.
"""

import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message
from html import escape
from urllib.parse import quote, unquote

from connectors.graph.writing.pieces import Piece, cut
from connectors.graph.writing.words import readable, text_of

WHOLE = "message.eml"
"""The name under which the message itself is attached to what Graph has of it."""

SEALED = frozenset(
    {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)  # fmt: skip
"""What loses its signature, or all of its sense, once it is taken apart."""

TEXTS = ("text/plain", "text/html")
ENDINGS = {
    "text/plain": "txt", "text/html": "htm", "text/calendar": "ics", "message/rfc822": "eml", "application/pdf": "pdf",
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif",
}  # fmt: skip
"""Of files that came without a name."""

_CID = re.compile(r"""cid:([^"'\s>)]+)""", re.I)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME_MOST = 200
FILES_MOST = 250
"""Of one message. Exchange refuses more, and each may be a request."""


@dataclass(frozen=True, slots=True)
class File:
    """One attachment. `content_id` without its brackets; `inline` is a picture that the text shows."""

    name: str
    media: str
    data: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(slots=True)
class Content:
    """`is_html` tells what `text` is. `whole`: it has to be attached as it is, since some of it is in nothing else."""

    head: Message
    text: str = ""
    is_html: bool = False
    files: list[File] = field(default_factory=list)
    whole: bool = False


@dataclass(slots=True)
class Found:
    """What has been found so far: texts, and which of them are pages."""

    texts: list[tuple[str, bool]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    sealed: bool = False

    def shown(self) -> tuple[str, bool]:
        """All texts, one after the other; pages and text make a page."""
        texts = [each for each in self.texts if each[0]]
        if not any(is_html for _, is_html in texts):
            return "\r\n".join(text for text, _ in texts), False
        return "".join(text if is_html else as_page(text) for text, is_html in texts), True


def take_apart(raw: bytes) -> Content:
    """Whatever the bytes are."""
    message, found = cut(raw), Found()
    _take(message, found)
    text, is_html = found.shown()
    if len(found.files) > FILES_MOST:
        return Content(message.head, text, is_html, whole=True)
    shown = {unquote(name) for name in _CID.findall(text)} if is_html else set()
    return Content(message.head, text, is_html, [_placed(file, shown) for file in found.files], found.sealed)


def as_page(text: str) -> str:
    """Text within a page, line by line."""
    return f"<pre>{escape(text, quote=False)}</pre>"


def _take(part: Piece, found: Found, *, shown: bool = True) -> None:
    """Not `shown`: an alternative to what is, of which only its files are wanted."""
    media = part.media
    found.sealed |= media in SEALED
    if part.inner:
        dropped = _dropped(part.inner) if media == "multipart/alternative" else set()
        for at, inner in enumerate(part.inner):
            _take(inner, found, shown=shown and at not in dropped)
    elif _is_text(part, media):
        if shown:
            found.texts.append((_text(part), media == "text/html"))
    elif (part.begin < part.end or _file_name(part)) and (shown or not media.startswith("text/")):
        found.files.append(_file(part, media, len(found.files) + 1))


def _dropped(parts: list[Piece]) -> set[int]:
    """Of alternatives, all that are less than the best: the last page, else the last text."""
    ranks = [_rank(each) for each in parts]
    best = max(ranks, default=0)
    last = max((at for at, rank in enumerate(ranks) if rank == best), default=0)
    return {at for at, rank in enumerate(ranks) if rank and at != last}


def _rank(part: Piece) -> int:
    """How good an alternative is as what is shown; 0 for calendars and all else that is not shown."""
    if part.inner:
        return max(map(_rank, part.inner), default=0)
    if not part.media.startswith("text/") or part.media == "text/calendar":
        return 0
    return {"text/html": 3, "text/plain": 2}.get(part.media, 1)


def _is_text(part: Piece, media: str) -> bool:
    """Also what calls itself a multipart, and has no parts."""
    if media.startswith("multipart/"):
        return True
    return media in TEXTS and part.head.get_content_disposition() != "attachment" and not _file_name(part)


def _text(part: Piece) -> str:
    """Unicode, with the line ends of Exchange; a NUL is none that JSON should carry."""
    text = text_of(part.data(), str(part.head.get_content_charset() or ""))
    return re.sub(r"\r\n|\r|\n", "\r\n", text.replace("\0", ""))


def _file(part: Piece, media: str, number: int) -> File:
    name = _file_name(part) or _made_up(media, number)
    content_id = readable(str(part.head.get("Content-ID", ""))).strip("<> ")
    return File(name, media, part.data(), content_id)


def _file_name(part: Piece) -> str:
    """RFC 2231, or encoded words where there should be none, as many write them."""
    try:
        found = part.head.get_filename("")
    except (ValueError, LookupError, MessageError):
        return ""
    return _CONTROL.sub("", readable(str(found)))[-_NAME_MOST:].strip()


def _made_up(media: str, number: int) -> str:
    """As Exchange calls what came without a name."""
    return f"ATT{number:05d}.{ENDINGS.get(media, 'dat')}"


def _placed(file: File, shown: set[str]) -> File:
    """In the text if that names it; else it would be seen nowhere."""
    inline = file.content_id != "" and bool({file.content_id, quote(file.content_id)} & shown)
    return File(file.name, file.media, file.data, file.content_id, inline) if inline else file
