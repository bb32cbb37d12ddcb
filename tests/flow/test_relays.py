"""The servers that change mail in passing: each starts, relays, refuses one by one, ends, and has its known ways."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from fixtures.servers.cyrus import Cyrus
from fixtures.servers.dovecot import HOST
from fixtures.servers.dovecot_lmtp import DovecotLmtp
from fixtures.servers.exim import Exim
from fixtures.servers.onward import WAYS
from fixtures.servers.postfix import Postfix
from fixtures.servers.submission import Refused, Relayed, wire_lines

ROOT = Path(__file__).resolve().parents[2]
Server = type[Postfix | Exim | Cyrus | DovecotLmtp]
SERVERS: tuple[Server, ...] = (Postfix, Exim, Cyrus, DovecotLmtp)
HEAD = (
    b"From: a@example.org\r\nTo: b@example.org\r\n"
    b"Date: Tue, 3 Mar 2020 10:11:12 +0100\r\nMessage-ID: <%d@example.org>\r\n"
)
TEXT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
WORDS = "Grüße\r\n".encode()


def message(number: int, head: bytes = b"Subject: x\r\n", text: bytes = b"hello\r\n") -> bytes:
    return HEAD % number + head + b"\r\n" + text


def body(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def arrived(result: Relayed) -> bytes:
    assert isinstance(result, bytes), result
    return result


def members(pid: int, root: Path) -> list[int]:
    """The living processes of a server: of its session, or at work in its directory, or told about it."""
    return [int(process.name) for process in Path("/proc").glob("[0-9]*") if is_member(process, pid, root)]


def is_member(process: Path, pid: int, root: Path) -> bool:
    try:
        state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
        told = str(root).encode() in (process / "cmdline").read_bytes()
        inside = (process / "cwd").readlink().is_relative_to(root)
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is somebody else's
        return False
    return state != "Z" and (int(session) == pid or told or inside)


def wait_for_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        watched = os.pidfd_open(pid)
        assert select.select([watched], [], [], 20)[0], f"{pid} lives on"
        os.close(watched)


@pytest.mark.parametrize("server", SERVERS)
def test_it_starts_relays_in_order_and_leaves_nothing(server: Server) -> None:
    mail = [message(number, text=b"number %d\r\n.\r\n..dots\r\nend\r\n" % number) for number in range(12)]
    with server() as relay:
        results = relay.relay(mail)
        pid, root = relay.pid, relay.root
        assert members(pid, root)
        port = relay.port if isinstance(relay, DovecotLmtp) else relay.ports[0]
    assert [body(arrived(one)) for one in results] == [body(one) for one in mail]
    assert all(b"Message-ID: <%d@example.org>" % at in arrived(one) for at, one in enumerate(results))
    assert members(pid, root) == []
    assert not root.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((HOST, port), timeout=5)


@pytest.mark.parametrize("server", SERVERS)
def test_it_can_be_asked_again(server: Server) -> None:
    with server() as relay:
        for number in range(2):
            assert b"<%d@example.org>" % number in arrived(relay.relay([message(number)])[0])


@pytest.mark.parametrize("server", SERVERS)
def test_it_ends_with_killed_tests(server: Server) -> None:
    script = f"""
import os, signal
from {server.__module__} import {server.__name__} as Server
relay = Server().__enter__()
print(relay.pid, relay.root, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid, root = int(done.stdout.split()[0]), Path(done.stdout.split()[1])
    for member in [pid, *members(pid, root)]:
        wait_for_end(member)
    assert members(pid, root) == []
    shutil.rmtree(root)


def test_a_refused_message_does_not_stop_the_rest() -> None:
    nul, bare = message(1, text=b"a\0b\r\n"), message(1, text=b"a\nb\r\n")
    with Cyrus() as cyrus, DovecotLmtp() as dovecot:
        answers = {"NUL": cyrus.relay([nul, message(2)]), "bare newlines": cyrus.append([bare, message(2)])}
        answers["zero byte"] = dovecot.append([b"", message(2)])
    for reason, (refused, last) in answers.items():
        assert isinstance(refused, Refused)
        assert reason in refused.reason
        assert b"<2@" in arrived(last)


def test_what_comes_back_to_the_sender_is_refused() -> None:
    long, utf8 = message(1, text=b"x" * 2000 + b"\r\n"), message(1, "Subject: Grüße\r\n".encode())
    with Exim() as exim, Postfix() as postfix:
        first, refused, last = exim.relay([message(0), long, message(2)], ["modern"])
        assert refused == Refused("message has lines too long for transport")
        assert b"<0@" in arrived(first)
        assert b"<2@" in arrived(last)
        first, refused, last = postfix.relay([message(0), utf8, message(2)], ["old"])
        assert isinstance(refused, Refused)
        assert "SMTPUTF8 is required" in refused.reason
        assert b"<0@" in arrived(first)
        assert b"<2@" in arrived(last)


def test_postfix_mends_and_reencodes() -> None:
    eight_bit = HEAD % 1 + b"Bcc: c@example.org\r\n" + TEXT + WORDS
    with Postfix() as postfix:
        modern, old, final = map(arrived, postfix.relay([eight_bit] * 3, WAYS))
        (bare,) = map(arrived, postfix.relay([b"From: a\r\n\r\nhello\r\n"], ["modern"]))
        (folded,) = map(arrived, postfix.relay([message(2, text=b"y" * 2500 + b"\r\n")], ["modern"]))
    assert modern.endswith(TEXT + WORDS)
    assert b"\r\nBcc:" not in modern
    assert old.endswith(b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n")
    assert final.startswith(b"Return-Path: <back-2@origin.test>\r\nX-Original-To: copy-2@final.test\r\nDelivered-To: ")
    assert b"\r\nMessage-Id: <" in bare
    assert b"\r\nDate: " in bare
    assert b"\r\nFrom: a@postfix.test\r\n" in bare
    pieces = body(folded).split(b"\r\n ")
    assert [len(piece) for piece in pieces] == [998, 997, 507]
    assert b"".join(pieces) == b"y" * 2500 + b"\r\n"


def test_exim_adds_and_leaves_the_rest() -> None:
    original = HEAD % 1 + TEXT + WORDS
    with Exim() as exim:
        modern, old, final = map(arrived, exim.relay([original] * 3, WAYS))
        (bare,) = map(arrived, exim.relay([b"From: a\r\n\r\nhello\r\n"], ["modern"]))
    assert modern.endswith(original)
    assert old.endswith(original)
    assert final.endswith(original)
    assert final.startswith(b"Return-path: <back-2@origin.test>\r\nEnvelope-to: copy-2@final.test\r\nDelivery-date: ")
    assert b"essage-I" not in bare


def test_cyrus_crosses_out_eight_bits_of_headers() -> None:
    original = message(1, "Subject: Grüße\r\n".encode())
    with Cyrus() as cyrus:
        delivered, appended = arrived(cyrus.relay([original])[0]), arrived(cyrus.append([original])[0])
        (bare,) = map(arrived, cyrus.relay([b"From: a\r\n\r\nhello\r\n"]))
    assert appended == original.replace("Grüße".encode(), b"GrXXXXe")
    assert delivered.endswith(appended)
    assert b"\r\nMessage-ID: <cmu-lmtpd-" in bare
    assert b"\r\nDate: " in bare
    with Cyrus(munge8bit=False) as cyrus:
        assert cyrus.append([original]) == [original]


def test_dovecot_leaves_all_but_nuls_and_line_ends() -> None:
    original = message(1, "Subject: Grüße\r\n".encode(), b"a\0b\r\n")
    with DovecotLmtp() as dovecot:
        (delivered,) = map(arrived, dovecot.relay([original]))
        appended, mixed = map(arrived, dovecot.append([message(1), message(2, text=b"a\nb\r\n")]))
    assert delivered.endswith(original.replace(b"\0", b"\x80"))
    assert delivered.startswith(b"Return-Path: <back@origin.test>\r\nDelivered-To: alice\r\nReceived: ")
    assert appended == message(1)
    assert mixed == message(2, text=b"a\r\nb\r\n")


@pytest.mark.parametrize(
    ("kept", "sent"), [(b"a\nb\n", b"a\r\nb\r\n"), (b"a\r\nb\nc", b"a\r\nb\nc"), (b"", b""), (b"a\r\r\n", b"a\r\r\n")]
)
def test_line_ends_of_a_file(kept: bytes, sent: bytes) -> None:
    assert wire_lines(kept) == sent
