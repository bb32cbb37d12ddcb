"""What the Maildir and mbox targets write, as Dovecot reads it: bytes, flags, keywords, dates, folders."""

import imaplib
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from connectors.maildir import CONNECTOR as MAILDIR
from connectors.maildir import MaildirMailbox, MaildirSystem
from connectors.mbox import CONNECTOR as MBOX
from connectors.mbox import MboxMailbox, MboxSystem
from connectors.model import Message, Ref
from connectors.protocols import Target
from fixtures.witness import encode, quoted
from tests.reader import reading

WHEN = datetime(2019, 8, 7, 6, 5, 4, tzinfo=timezone(timedelta(hours=5, minutes=45)))
FLAGS = frozenset({"\\Seen", "\\Flagged", "Work", "$Label1"})
RAW = b"Subject: kept\r\n\r\nFrom here on\r\n>From there\r\n\xff\r\n"
FOLDERS = (("INBOX",), ("Entwürfe", "保管"), ("R&D",))


def fill(target: Target) -> None:
    for path in FOLDERS:
        folder = target.ensure_folder(path)
        target.mark(folder)
        for _ in range(2):
            assert isinstance(target.append(folder, Message(Ref("", ""), (RAW,), FLAGS, WHEN), "op"), Ref)


def read(client: imaplib.IMAP4, path: tuple[str, ...]) -> list[tuple[bytes, set[str], datetime]]:
    status, counted = client.select(quoted(encode("/".join(path))), readonly=True)
    assert (status, counted) == ("OK", [b"2"]), path
    _, rows = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    found = []
    for row, rest in zip(rows[::2], rows[1::2], strict=True):
        assert isinstance(row, tuple)
        assert isinstance(rest, bytes)
        flags = re.search(rb"FLAGS \(([^)]*)\)", row[0] + rest)
        date = re.search(rb'INTERNALDATE "([^"]*)"', row[0] + rest)
        assert flags is not None
        assert date is not None
        arrived_at = datetime.strptime(date[1].decode(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
        found.append((row[1], set(flags[1].decode().split()) - {"\\Recent"}, arrived_at))
    return found


def test_a_maildir_that_was_written(tmp_path: Path) -> None:
    root = tmp_path / "mail"
    for part in ("cur", "new", "tmp"):
        (root / part).mkdir(parents=True)
    fill(MAILDIR.open_target(MaildirSystem(), MaildirMailbox(root)))
    with reading(root, "maildir:{mail}") as client:
        for path in FOLDERS:
            assert read(client, path) == [(RAW, set(FLAGS), WHEN.astimezone(UTC))] * 2


def test_an_mbox_that_was_written(tmp_path: Path) -> None:
    """Dovecot does not take the quoting away."""
    root = tmp_path / "mail"
    root.mkdir()
    (root / "INBOX").touch()
    fill(MBOX.open_target(MboxSystem(), MboxMailbox(root)))
    stored = RAW.replace(b"From here", b">From here").replace(b"\r\n>From there", b"\r\n>>From there")
    with reading(root, "mbox:{mail}:INBOX={mail}/INBOX:UTF-8") as client:
        for path in (("INBOX",), ("Entwürfe.sbd", "保管"), ("R&D",)):
            assert read(client, path) == [(stored, set(), WHEN.astimezone(UTC))] * 2
