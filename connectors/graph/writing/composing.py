"""A message as the JSON of which Graph composes it anew (learn.microsoft.com/graph/api/resources/message).

What of a message is lost that way, docs/microsoft365.md says: most header fields, the layout of its parts, signatures.
The whole message is in memory, and its files are once more, up to the 150 MB that Graph takes.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from connectors.graph.answer import Document
from connectors.graph.writing.flags import as_properties
from connectors.graph.writing.parts import WHOLE, Content, File, take_apart
from connectors.graph.writing.payload import encoded_size
from connectors.graph.writing.people import people
from connectors.graph.writing.sending import packing
from connectors.graph.writing.words import readable

MESSAGE_FLAGS = "Integer 0x0E07"
"""PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6). Said when a message is made, they keep it from being a draft."""

SENT, READ = 4, 1
DELIVERED, SUBMITTED = "SystemTime 0x0E06", "SystemTime 0x0039"
REFERENCES, IN_REPLY_TO = "String 0x1039", "String 0x1042"
INTENT = "String {6f3c2a51-0b7e-4d0c-9a44-5d1f0c9be7a2} Name MailContinuityKey"
"""Which intent a message was written for; shown nowhere."""

HEADERS_MOST = 5
HEADER_LONGEST = 900
LINE_LONGEST = 4000
TEXT_MOST = 1 << 19
"""Characters of text that are shown of a message whose text does not fit into a request; all of it is attached."""

REQUEST_MOST = 3_500_000
"""Bytes of JSON that go out at once: Graph takes 4 MB. All but the text is given half a megabyte."""

URGENT, SLACK = ("1", "2", "high", "urgent"), ("4", "5", "low", "non-urgent")
_OWN = re.compile(r"x-(?!ms-|microsoft-|exchange-|priority$)[!-9;-~]+", re.I).fullmatch


@dataclass(frozen=True, slots=True)
class Composed:
    """`document` without its files. `optional` names what Graph may refuse, and no one would see missing."""

    document: Document
    files: tuple[File, ...] = ()
    optional: Document = field(default_factory=dict)

    def whole(self) -> Document:
        """With the files, for one request."""
        return {**self.document, "attachments": [attachment(file) for file in self.files]}

    def size(self) -> int:
        """Of that request, in bytes, or a little more."""
        return len(packing(self.document)) + sum(encoded_size(len(file.data)) + 1000 for file in self.files)


def compose(raw: bytes, flags: frozenset[str], received_at: datetime | None, op: str) -> Composed:
    """Whatever the bytes are. `op` names the intent."""
    content = take_apart(raw)
    if content.whole:
        content.files.append(File(WHOLE, "message/rfc822", raw))
    elif len(packing(_shown(content))) > REQUEST_MOST - (1 << 19):
        content.text = content.text[:TEXT_MOST]
        content.files.append(File(WHOLE, "message/rfc822", raw))
    head = content.head
    document = {**_headed(head), **_shown(content), **as_properties(flags)}
    document["singleValueExtendedProperties"] = _properties(head, flags, received_at, op)
    return Composed(document, tuple(content.files), _optional(head, document))


def attachment(file: File) -> Document:
    """As Graph has a file."""
    named = {"name": file.name, "contentType": file.media, "isInline": file.inline}
    about = {"contentId": file.content_id} if file.content_id else {}
    content = b64encode(file.data).decode()
    return {"@odata.type": "#microsoft.graph.fileAttachment", **named, **about, "contentBytes": content}


def extended(properties: Iterable[tuple[str, str]]) -> list[Document]:
    """MAPI properties by their names; those without a value are left out."""
    return [{"id": name, "value": value} for name, value in properties if value]


def moment(when: datetime | None) -> str:
    """In whole seconds, as Exchange keeps it; nothing for none."""
    try:
        return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if when else ""
    except (OverflowError, ValueError):  # before the year 1 or after 9999, in UTC
        return ""


def _headed(head: Message) -> Document:
    """What a header says of people, subject and kin."""
    senders, writers = people(_all(head, "Sender")), people(_all(head, "From"))
    document: Document = {
        "subject": readable(_first(head, "Subject")),
        "toRecipients": people(_all(head, "To")),
        "ccRecipients": people(_all(head, "Cc")),
        "bccRecipients": people(_all(head, "Bcc")),
        "replyTo": people(_all(head, "Reply-To")),
        "importance": _importance(head),
    }
    for name, found in (("from", writers or senders), ("sender", senders or writers)):
        document |= {name: found[0]} if found else {}
    message_id = readable(_first(head, "Message-ID"))
    return document | ({"internetMessageId": message_id} if message_id else {})


def _shown(content: Content) -> Document:
    return {"body": {"contentType": "html" if content.is_html else "text", "content": content.text}}


def _properties(head: Message, flags: frozenset[str], received_at: datetime | None, op: str) -> list[Document]:
    bits = SENT | READ * ("\\Seen" in flags)
    dates = (DELIVERED, moment(received_at)), (SUBMITTED, moment(_sent(head)))
    return extended([(MESSAGE_FLAGS, str(bits)), *dates, (INTENT, op)])


def _optional(head: Message, document: Document) -> Document:
    """What threads are made of, and fields of programs, as many as Graph takes; with what they are added to."""
    threads = [(REFERENCES, _line(head, "References")), (IN_REPLY_TO, _line(head, "In-Reply-To"))]
    own = [{"name": name, "value": value} for name in _own_names(head) if (value := _line(head, name))]
    own = [each for each in own if len(each["value"]) <= HEADER_LONGEST][:HEADERS_MOST]
    properties = [*document["singleValueExtendedProperties"], *extended(threads)]
    return {"singleValueExtendedProperties": properties, **({"internetMessageHeaders": own} if own else {})}


def _own_names(head: Message) -> list[str]:
    return list({name.lower(): name for name in head if _OWN(name)}.values())


def _line(head: Message, name: str) -> str:
    found = readable(_first(head, name))
    return found if len(found) <= LINE_LONGEST else ""


def _first(head: Message, name: str) -> str:
    return next(iter(_all(head, name)), "")


def _all(head: Message, name: str) -> list[str]:
    """Fields as they came; the email package would make other objects of some."""
    low = name.lower()
    return [str(value) for key, value in head.raw_items() if key.lower() == low]


def _importance(head: Message) -> str:
    for name in ("Importance", "X-Priority", "Priority"):
        word = readable(_first(head, name)).lower().partition(" ")[0]
        if word in URGENT or word in SLACK:
            return "high" if word in URGENT else "low"
    return "normal"


def _sent(head: Message) -> datetime | None:
    """None for a date that is none."""
    try:
        found = parsedate_to_datetime(readable(_first(head, "Date")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
