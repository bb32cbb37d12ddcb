"""Times mail-deduplicate: PYTHON -m bench.deduplicate NAME SPOOL, by the Python of an environment of its own.

It is under the GPL, so that nothing of ours depends on it or imports it: `bench.fingerprints` installs it into a
directory that goes away, and this runs there. The hash of a mail is made as its `mdedup` makes it: the mail is read
from a file by the class that it gives to Maildir, and hashed with its own settings.
"""

import io
import logging
from importlib.metadata import version

from mail_deduplicate.cli import DEFAULT_HASH_HEADERS, DEFAULT_MINIMAL_HEADERS
from mail_deduplicate.mail import TimeSource, TooFewHeaders
from mail_deduplicate.mail_box import MaildirDedupMail

from bench.spool import Way, header_blocks, main

SETTINGS = {
    "hash_headers": tuple(name.lower() for name in DEFAULT_HASH_HEADERS),
    "minimal_headers": DEFAULT_MINIMAL_HEADERS,
    "time_source": TimeSource.DATE_HEADER,
}


def read(raw: bytes) -> MaildirDedupMail:
    mail = MaildirDedupMail(io.BytesIO(raw))
    mail.conf = SETTINGS
    return mail


def header_hash(raw: bytes) -> str:
    """As by default: ten header fields, the body not looked at."""
    return read(raw).hash_key()


def body_hash(raw: bytes) -> str:
    """As with `--hash-body normalized`: the text of all parts without white space, too."""
    mail = read(raw)
    return mail.hash_key() + mail.hash_normalized_body


WAYS = {
    "mail-deduplicate": Way(header_hash, refusals=(TooFewHeaders,)),
    "mail-deduplicate, with body": Way(body_hash, refusals=(TooFewHeaders,)),
    "mail-deduplicate, headers": Way(header_hash, header_blocks, (TooFewHeaders,)),
}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    main(WAYS, {"mail-deduplicate": version("mail-deduplicate")})
