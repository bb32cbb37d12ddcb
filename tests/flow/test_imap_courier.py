"""The IMAP source against Courier, beyond what every source is asked: numbers that are not kept, mail that left."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.errors import CursorExpired, ItemGone
from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.model import Failure, Folder, Message, Ref
from fixtures.servers.courier import Courier

INBOX = Folder("INBOX", ("INBOX",))


@pytest.fixture
def server() -> Iterator[Courier]:
    with Courier(users=("alice",)) as running:
        yield running


@contextmanager
def opened(server: Courier) -> Iterator[ImapSource]:
    settings = ImapSettings(server.host, server.port, tls="off", timeout=20)
    source = ImapSource(connect(settings, ImapMailbox("alice", lambda: server.password)))
    try:
        yield source
    finally:
        source.close()


def deliver(server: Courier, name: str, subject: str) -> None:
    """Into the Maildir, as the mail system does. Courier numbers new files in the order of their names."""
    path = server.maildir("alice", "INBOX") / "new" / name
    path.write_text(f"Subject: {subject}\n\nbody\n")
    if os.geteuid() == 0:
        os.chown(path, server.account.pw_uid, server.account.pw_gid)


def held(source: ImapSource) -> dict[Ref, bytes]:
    """What each ref stands for."""
    answers = source.fetch(source.inventory(INBOX))
    return {answer.ref: b"".join(answer.raw) for answer in answers if isinstance(answer, Message)}


def test_a_number_goes_on_to_mean_the_same_message(server: Courier) -> None:
    """By EXAMINE, "late" would be told as UID 1 and not be kept so; then "early" would be that."""
    deliver(server, "1700000009.M1P1.host", "late")
    with opened(server) as source:
        before = held(source)
    deliver(server, "1700000001.M1P1.host", "early")
    with server.client("alice") as client:
        client.select("INBOX")
    with opened(server) as source:
        after = held(source)
    assert len(before), len(after) == (1, 2)
    assert before.items() <= after.items()


def test_an_empty_folder_keeps_its_numbering(server: Courier) -> None:
    with opened(server) as source:
        (page,) = source.changes(INBOX, None)
    numbering = server.maildir("alice", "INBOX") / "courierimapuiddb"
    assert numbering.read_text().split()[1] in page.cursor
    with opened(server) as source:
        (again,) = source.changes(INBOX, page.cursor)
    assert again == page


def test_what_courier_makes_up_for_expunged_mail_is_no_mail(server: Courier) -> None:
    """Another session expunges the mail in the middle of the fetch; then Courier serves a notice in its place."""
    with server.client("alice") as client:
        for number in range(40):
            client.append("INBOX", "", None, b"Subject: %d\r\n\r\nbody\r\n" % number)
        client.select("INBOX")
        with opened(server) as source:
            refs = list(source.inventory(INBOX))
            answers = source.fetch(iter(refs))
            first = next(answers)
            client.uid("STORE", "1:*", "+FLAGS.SILENT", "(\\Deleted)")
            client.expunge()
            rest = list(answers)
    assert isinstance(first, Message)
    assert [answer.ref for answer in (first, *rest)] == refs
    assert not [one for one in rest if isinstance(one, Message) and b"message unavailable" in b"".join(one.raw)]
    gone = [one for one in rest if isinstance(one, Failure)]
    assert gone
    assert {type(one.error) for one in gone} == {ItemGone}


def test_a_lost_numbering_expires_cursors(server: Courier) -> None:
    with server.client("alice") as client:
        client.append("INBOX", "", None, b"Subject: one\r\n\r\nbody\r\n")
    with opened(server) as source:
        cursor = [page.cursor for page in source.changes(INBOX, None)][-1]
    server.number_anew("alice", "INBOX")
    with opened(server) as source:
        with pytest.raises(CursorExpired):
            next(source.changes(INBOX, cursor))
        (page,) = source.changes(INBOX, None)
        assert len(page.changes) == 1
