"""Files that come to a message after it was made: small ones by one request, large ones in ranges.

learn.microsoft.com/graph/outlook-large-attachments: under 3 MB, and from there to 150 MB.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from connectors.errors import ItemBusy, ItemRefused, ItemTooLarge, ProtocolError, QuotaExceeded
from connectors.graph.answer import Document, Refusal
from connectors.graph.translate import Asked
from connectors.graph.writing.composing import attachment
from connectors.graph.writing.parts import File
from connectors.graph.writing.refusals import SMALLER, refused
from connectors.graph.writing.sending import JSON, Outgoing, Sending, packing

SMALL = 3 << 20
"""What 3 MB are, is not said: a file that is just below is tried both ways."""

SURELY_SMALL = 2_900_000
REQUEST = 4 << 20
RANGE = 12 * 320 << 10
"""Bytes at once: a multiple of 320 KiB below 4 MB."""


class Uploads:
    """What is sent was counted when the message was begun."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._links = sending.client.links

    def add(self, message_id: str, file: File, asked: Asked) -> None:
        """One more file. Raises what Graph's refusal means, Undecided."""
        path = f"{self._links.message(message_id)}/attachments"
        whole = packing(attachment(file)) if len(file.data) < SMALL else b""
        if whole and len(whole) < REQUEST:
            try:
                self._send(path, whole, asked)
            except ItemTooLarge:
                if len(file.data) < SURELY_SMALL:
                    raise
            else:
                return
        url = self._begin(path, file, asked)
        for begin in range(0, len(file.data), RANGE):
            self._put(url, file.data, begin, asked)

    def _begin(self, path: str, file: File, asked: Asked) -> str:
        item = {"attachmentType": "file", "name": file.name, "size": len(file.data), "contentType": file.media,
                "isInline": file.inline}  # fmt: skip
        about = {"contentId": file.content_id} if file.content_id else {}
        body = packing({"AttachmentItem": {**item, **about}})
        try:
            made = self._send(f"{path}/createUploadSession", body, asked)
        except ItemRefused as error:  # the clouds of the US government have no such sessions
            text = f"{error.message}; a file of {len(file.data)} bytes cannot be sent otherwise"
            raise ItemTooLarge(text, SMALLER) from error
        return self._checked((made or {}).get("uploadUrl"), asked)

    def _checked(self, url: object, asked: Asked) -> str:
        """Any host that Graph names: no token goes there, but mail. So only by TLS, or where Graph itself is local."""
        text = url if isinstance(url, str) else ""
        try:
            parts = urlsplit(text)
            local = (
                parts.scheme == "http" and not self._links.root.startswith("https:") and _is_loopback(parts.hostname)
            )
        except ValueError:
            parts, local = urlsplit(""), False
        if (parts.scheme != "https" and not local) or not parts.hostname or "@" in parts.netloc:
            text = f"{asked.name}: Graph names no safe address to which a file can be sent"
            raise ProtocolError(text, "check base_url; if it is right, look at the proxy between")
        return text

    def _put(self, url: str, data: bytes, begin: int, asked: Asked) -> None:
        piece = data[begin : begin + RANGE]
        where = f"bytes {begin}-{begin + len(piece) - 1}/{len(data)}"
        headers = {"Content-Type": "application/octet-stream", "Content-Range": where}
        found = self._sending.attempt(Outgoing("PUT", url, piece, headers, upload=0, with_token=False), asked)
        if isinstance(found, Refusal):
            raise self._refused(found, asked)

    def _refused(self, found: Refusal, asked: Asked) -> Exception:
        """By the address of an upload: what it says of rights and places is about itself, which can be had anew."""
        if found.status in (401, 403, 404, 410, 416) and not isinstance(refused(found, asked), QuotaExceeded):
            text = f"{asked.name}: a file could not be sent: the server answers {found.status} {found.code}"
            return ItemBusy(text.rstrip(), "nothing: it is tried again")
        return self._sending.refused(found, asked)

    def _send(self, path: str, body: bytes, asked: Asked) -> Document | None:
        outgoing = Outgoing("POST", self._links.url(path), body, {"Content-Type": JSON}, upload=0)
        found = self._sending.attempt(outgoing, asked)
        if isinstance(found, Refusal):
            raise self._sending.refused(found, asked)
        return found


def check_size(files: tuple[File, ...], largest: int, asked: Asked) -> None:
    """Raises ItemTooLarge."""
    if any(len(file.data) > largest for file in files):
        text = f"{asked.name}: one of its files is larger than the {largest // 1_000_000} MB that Graph takes"
        raise ItemTooLarge(text, SMALLER)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
