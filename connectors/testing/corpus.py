"""Ugly mail, made up: what real servers hold and tidy programs trip over. A source hands each on as it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A message and what is wrong with it."""

    name: str
    raw: bytes


def plain(number: int, body: bytes = b"Nothing to see here.\r\n") -> bytes:
    """An ordinary message that can be told by its number."""
    head = f"From: ann@example.test\r\nTo: bob@example.test\r\nSubject: conformance {number:04d}\r\n"
    mark = f"Message-ID: <{number:04d}@example.test>\r\nDate: Tue, 2 Jan 2024 03:04:05 +0100\r\n\r\n"
    return (head + mark).encode() + body


def large(number: int, size: int) -> bytes:
    """A message of about that many bytes, in lines that differ, so that no part of it can stand for another."""
    lines = (b"%075d\r\n" % line for line in range(size // 77))
    return plain(number, b"".join(lines))


def _multipart(body: bytes) -> bytes:
    return b'Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="cut"\r\n\r\n' + body


_BASE64 = b"--cut\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"

UGLY = (
    Sample("empty", b""),
    Sample("one line end", b"\r\n"),
    Sample("no headers", b"\r\nOnly a body.\r\n"),
    Sample("no body", b"Subject: head only\r\n"),
    Sample("no last line end", b"Subject: cut\r\n\r\nthe end is missing"),
    Sample("no blank line before the body", b"Subject: run on\r\nthis is no header\r\n"),
    Sample("line ends of one LF", b"Subject: unix\nX-A: b\n\nline\nline\n"),
    Sample("line ends of one CR", b"Subject: old\r\n\r\nline\rline\r"),
    Sample("line ends of every kind", b"Subject: mixed\r\n\r\na\nb\r\nc\rd\r\r\ne\n\r"),
    Sample("NUL", b"Subject: zero\r\n\r\nbe\0fore\r\n"),
    Sample("control characters", b"Subject: bell\r\n\r\n" + bytes(range(1, 32)) + b"\x7f\r\n"),
    Sample("8-bit headers, Latin-1", b"Subject: Gr\xfc\xdfe\r\nFrom: J\xf6rg <j@example.test>\r\n\r\n\xe4\r\n"),
    Sample("8-bit headers, UTF-8", "Subject: Grüße \N{HOT BEVERAGE}\r\n\r\nü\r\n".encode()),
    Sample(
        "every byte but NUL, CR, LF", b"Subject: bytes\r\n\r\n" + bytes(sorted({*range(256)} - {0, 10, 13})) + b"\r\n"
    ),
    Sample("a line of 100 kB", b"Subject: long\r\n\r\n" + b"x" * 100_000 + b"\r\n"),
    Sample("a header of 100 kB", b"X-Long: " + b"y" * 100_000 + b"\r\nSubject: long\r\n\r\nbody\r\n"),
    Sample("a thousand headers", b"".join(b"X-H%d: v\r\n" % n for n in range(1000)) + b"\r\nbody\r\n"),
    Sample("two of each header", b"Subject: a\r\nSubject: b\r\nMessage-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\nbody\r\n"),
    Sample("two of the same, first", b"Subject: twin\r\nMessage-ID: <twin@x>\r\n\r\nbody\r\n"),
    Sample("two of the same, second", b"Subject: twin\r\nMessage-ID: <twin@x>\r\n\r\nbody\r\n"),
    Sample("an impossible date", b"Date: Sun, 31 Feb 2099 25:61:61 +9999\r\nSubject: when\r\n\r\nbody\r\n"),
    Sample("From_ lines and dots", b"Subject: quoted\r\n\r\nFrom here\r\n>From there\r\n.\r\n..\r\n"),
    Sample("an IMAP literal in it", b"Subject: {10}\r\n\r\n* 1 FETCH (BODY[] {5}\r\nabcde)\r\n) \r\n"),
    Sample("parts without an end", _multipart(b"--cut\r\n\r\ntext\r\n")),
    Sample("parts without a beginning", _multipart(b"no boundary at all\r\n")),
    Sample("a boundary that is not named", b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n"),
    Sample("base64 with rubbish in it", _multipart(_BASE64 + b"JVBE*!Ri0x\r\nLjQK\xff\r\n=\r\n--cut--\r\n")),
    Sample("base64 in lines of every length", _multipart(_BASE64 + b"JV\r\nBERi0x\r\n\r\nLjQK\r\n--cut--\r\n")),
    Sample("a part within itself", _multipart(_multipart(b"--cut\r\n\r\ntext\r\n--cut--\r\n"))),
    Sample("a charset that no one knows", b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla\r\n"),
)
