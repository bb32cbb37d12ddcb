"""Exchange's notices in the place of mail are told from mail, in any language, and no mail is taken for one."""

import pytest

from connectors.imap.dialects.synthetic import MOST, is_made_up
from fixtures.servers.imap_sim.exchange import synthetic

NOTICE = synthetic(20004)
GERMAN = NOTICE.replace(
    b"Subject: Retrieval using the IMAP4 protocol failed for the following\r\n message: 20004",
    b"Subject: =?utf-8?Q?Fehler_beim_Abrufen_=C3=BCber_das_IMAP4-Protokoll:_20004?=",
)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in NOTICE
    return NOTICE.replace(old, new, 1)


@pytest.mark.parametrize(
    "notice",
    [
        NOTICE,
        GERMAN,
        synthetic(20004, sender="Microsoft Exchange Server"),
        synthetic(20004, sender='"Microsoft Exchange Server" <>'),
        NOTICE.replace(b"\r\n message: 20004", b" message: 20004"),
        NOTICE.replace(b"\r\nTo:", b"\r\nDate: Tue, 5 Jan 2016 09:00:00 +0000\r\nTo:"),
        NOTICE.replace(b"Subject: Retrieval", b"subject: retrieval").replace(b"From:", b"FROM:"),
    ],
)
def test_a_notice_is_told(notice: bytes) -> None:
    assert is_made_up(20004, notice)


@pytest.mark.parametrize(
    "mail",
    [
        changed(b"From: Microsoft Exchange Server 2010", b"From: Microsoft Exchange <postmaster@corp.example>"),
        changed(b"From: Microsoft Exchange Server 2010", b"From: Bob"),
        changed(b"MIME-Version", b"Received: from mx.example.test\r\nMIME-Version"),
        changed(b"MIME-Version", b"Message-ID: <1@corp.example>\r\nMIME-Version"),
        changed(b"message: 20004", b"message: 20005"),
        changed(b"message: 20004", b"message: 120004"),
        changed(b"message: 20004", b"message: " + b"9" * 5000),
        changed(b"message: 20004", b"message: " + b"1" * 9995 + b"20004"),
        changed(b"message: 20004", b"message: 20004 and more"),
        changed(b"IMAP4", b"POP3"),
        changed(b"text/plain", b"multipart/mixed"),
        changed(b"Subject: Retrieval", b"Subject: one\r\nSubject: Retrieval"),
        b"Subject: my notes\r\n\r\n" + NOTICE,
        b"\r\n" + NOTICE,
        b"",
        NOTICE + b"x" * MOST,
        b"From: Ann <ann@corp.example>\r\nMessage-ID: <2@corp.example>\r\nContent-Type: text/plain\r\n"
        b"Subject: Fwd: Retrieval using the IMAP4 protocol failed for the following message: 20004\r\n\r\n> " + NOTICE,
        b"From: =?nonsense?Q?=FF?=\r\nSubject: =?utf-8?B?####?= IMAP4 20004\r\n\r\n",
    ],
)
def test_no_mail_is_taken_for_a_notice(mail: bytes) -> None:
    assert not is_made_up(20004, mail)


def test_a_notice_about_another_message_is_a_mail_that_someone_kept() -> None:
    assert not is_made_up(7, NOTICE)
