"""What the header block of a part says of the part (RFC 2045, 2183, 2231): its type, its encoding, its parameters."""

import re
from typing import NamedTuple

MESSAGES = (b"message/rfc822", b"message/global")
"""The media types whose body is a message with a header block of its own."""


class Entity(NamedTuple):
    """The content fields of one header block, as far as they steer reading. Of repeated fields the first counts.

    `media` and `encoding` are in lower case, and empty where nothing is said; the values stand as they were.
    """

    media: bytes = b""
    encoding: bytes = b""
    content_type: bytes = b""
    disposition: bytes = b""
    content_id: bytes = b""

    @property
    def boundary(self) -> bytes:
        """Of a multipart; empty where there is none."""
        found = _BOUNDARY.search(self.content_type)
        return _unquoted(found).rstrip() if found else b""

    @property
    def presentation(self) -> tuple[bytes, bytes]:
        """What is said of how it is shown: type and disposition with all their parameters but the boundary."""
        return _BOUNDARY.sub(b"", self.content_type).strip(), self.disposition.strip()

    @property
    def charset(self) -> str:
        """In lower case; empty where nothing is said."""
        found = _CHARSET.search(self.content_type)
        return _unquoted(found).decode("ascii", "replace").strip().lower() if found else ""

    @property
    def method(self) -> str:
        """Of a text/calendar (RFC 5546), in upper case."""
        found = _METHOD.search(self.content_type)
        return _unquoted(found).decode("ascii", "replace").strip().upper() if found else ""

    @property
    def is_named(self) -> bool:
        """Whether it has a file name, in either field, however that is written."""
        return bool(_FILENAME.search(self.disposition) or _NAME.search(self.content_type))

    @property
    def is_attached(self) -> bool:
        """Whether the sender wanted it shown as a file, not in line."""
        return self.disposition.lstrip()[:10].lower() == b"attachment"


def read_entity(block: bytes) -> Entity:
    """Of a header block that starts with a line end."""
    values: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(block):
        values.setdefault(name.lower(), value)
    content_type = values.get(b"type", b"")
    return Entity(
        media=b"".join(content_type.partition(b";")[0].lower().split(None, 1)[:1]),
        encoding=values.get(b"transfer-encoding", b"").strip().lower(),
        content_type=content_type,
        disposition=values.get(b"disposition", b""),
        content_id=values.get(b"id", b"").strip().strip(b"<>"),
    )


_FIELD = re.compile(
    rb"\ncontent-(type|transfer-encoding|disposition|id)[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE
)
_VALUE = rb'[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))'
_BOUNDARY, _CHARSET, _METHOD = (
    re.compile(rb";[ \t\r\n]*" + name + _VALUE, re.IGNORECASE | re.DOTALL)
    for name in (b"boundary", b"charset", b"method")
)
_NAME, _FILENAME = (
    re.compile(rb";[ \t\r\n]*" + name + rb"(?:\*[0-9*]*)?[ \t\r\n]*=", re.IGNORECASE) for name in (b"name", b"filename")
)
_QUOTED = re.compile(rb"\\(.)|\r?\n", re.DOTALL)


def _unquoted(parameter: re.Match[bytes]) -> bytes:
    return parameter[2] if parameter[1] is None else _QUOTED.sub(lambda pair: pair[1] or b"", parameter[1])
