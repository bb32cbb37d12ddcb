"""The ways to read mail that are measured, but for those of foreign programs: python -m bench.readers NAME SPOOL.

All libraries are loaded in each process, so that the floor's memory is what any of them starts from.
"""

import email
import email.policy
import hashlib
import logging
from importlib.metadata import version
from itertools import pairwise

import mailparser

from bench.spool import Way, header_block, header_blocks, main
from reconcile.canonical.fields import read_fields
from reconcile.fingerprint import Fingerprint, fingerprint
from reconcile.heading import Heading, read_heading
from reconcile.verdict import Verdict, judge

FIELDS = ("Message-ID", "Date", "From", "To", "Cc", "Subject")
LIBRARIES = ("mail-parser", "pybase64", "xxhash")
HOP = b"Received: from relay.example.net by mx.example.org; Fri, 1 Jan 2027 00:00:00 +0000\r\n"
"""What makes a message a copy of itself, with other bytes."""


def fingerprint_stored(raw: tuple[bytes, bytes]) -> Fingerprint:
    """Of a message whose SHA-256 is known, as it is of all that a mailstore reads."""
    return fingerprint(*raw)


def with_digests(messages: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [(raw, hashlib.sha256(raw).digest()) for raw in messages]


def heading(block: bytes) -> Heading:
    return read_heading(read_fields(block))


def heading_of_message(raw: bytes) -> Heading:
    return heading(header_block(raw))


def pairs(messages: list[bytes]) -> list[tuple[Fingerprint, Fingerprint]]:
    """Each message with a copy of it that went one hop further, and with its neighbour."""
    found = [fingerprint(raw) for raw in messages]
    copies = [fingerprint(HOP + raw) for raw in messages]
    return [*zip(found, copies, strict=True), *pairwise(found)]


def verdict(pair: tuple[Fingerprint, Fingerprint]) -> Verdict:
    return judge(*pair)


def mail_parser_contents(raw: bytes) -> tuple[object, ...]:
    """What a comparison of two messages would need."""
    mail = mailparser.parse_from_bytes(raw)
    return mail.message_id, mail.date, mail.from_, mail.to, mail.cc, mail.subject, mail.body, mail.attachments


def mail_parser_headers(block: bytes) -> tuple[object, ...]:
    mail = mailparser.parse_from_bytes(block)
    return mail.message_id, mail.date, mail.from_, mail.to, mail.cc, mail.subject


def email_contents(raw: bytes) -> tuple[object, ...]:
    """The same with the modern interface of Python's own library."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    text = mail.get_body(("plain", "html"))
    files = [part.get_content() for part in mail.iter_attachments()] if mail.is_multipart() else []
    return *(str(mail[name]) for name in FIELDS), text.get_content() if text else "", files


def email_headers(block: bytes) -> list[str]:
    mail = email.message_from_bytes(block, policy=email.policy.default)
    return [str(mail[name]) for name in FIELDS]


def digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


# Python's library raises these at odd charsets and fields.
_ODD = (LookupError, ValueError, AttributeError)
_PARSER = (mailparser.exceptions.MailParserError, *_ODD)

MESSAGE_WAYS = {
    "ours": Way(fingerprint),
    "ours, of the mailstore": Way(fingerprint_stored, with_digests),
    "mail-parser, parse": Way(mailparser.parse_from_bytes, refusals=_PARSER),
    "mail-parser, contents": Way(mail_parser_contents, refusals=_PARSER),
    "email, parse": Way(email.message_from_bytes),
    "email, contents": Way(email_contents, refusals=_ODD),
    "floor": Way(digest),
}
HEADER_WAYS = {
    "ours, headers": Way(heading, header_blocks),
    "ours, headers of a message": Way(heading_of_message),
    "mail-parser, headers": Way(mail_parser_headers, header_blocks, _PARSER),
    "email, headers": Way(email_headers, header_blocks, _ODD),
}
PAIR_WAYS = {"ours, judge": Way(verdict, pairs)}

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # mail-parser warns of much that it reads
    main(MESSAGE_WAYS | HEADER_WAYS | PAIR_WAYS, {name: version(name) for name in LIBRARIES})
