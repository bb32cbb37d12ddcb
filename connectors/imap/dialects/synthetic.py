"""Messages that Exchange makes up in the place of what it cannot convert. They are no mail, and must not pass for it.

    From: Microsoft Exchange Server 2010
    To: Ann <ann@corp.example>
    Subject: Retrieval using the IMAP4 protocol failed for the following
     message: 20004

The words are in the mailbox's language, so they decide nothing. What no delivered, sent or drafted mail has together
does: a sender that is Exchange itself and has no address, neither Received nor Message-ID, plain text as the only part,
and a subject that names IMAP4 and ends with the very UID that was asked for. A mail that quotes or forwards such a
notice has a sender with an address, and another UID.
"""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MOST = 1 << 16
"""A notice quotes a subject and a sender, and nothing more."""

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LAST_NUMBER = re.compile(r"IMAP4.*?(?<!\d)(\d{1,10})\W*\Z", re.S)


def is_made_up(uid: int, raw: bytes) -> bool:
    """Whether this body, given for that UID by an Exchange server, is such a notice."""
    if len(raw) > MOST:
        return False
    fields = _fields(raw)
    kinds = fields.get("content-type", ["text/plain"])
    sender = " ".join(fields.get("from", []))
    return (
        not fields.keys() & {"received", "message-id"}
        and "@" not in sender
        and "microsoft exchange" in sender.lower()
        and len(kinds) == 1
        and kinds[0].strip().lower().startswith("text/plain")
        and _names(fields.get("subject", []), uid)
    )


def _names(subjects: list[str], uid: int) -> bool:
    match = _LAST_NUMBER.search(subjects[0]) if len(subjects) == 1 else None
    return match is not None and int(match[1]) == uid


def _fields(raw: bytes) -> dict[str, list[str]]:
    head = b"" if raw.startswith(b"\r\n") else _FOLD.sub(b"", raw.partition(b"\r\n\r\n")[0])
    fields: dict[str, list[str]] = {}
    for line in head.splitlines():
        name, _, value = line.decode("latin-1").partition(":")
        fields.setdefault(name.strip().lower(), []).append(_decoded(value))
    return fields


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value
