"""Whoever cannot get at the mail system is told what to do."""

import ast
import socket
import ssl
from pathlib import Path

import pytest

import connectors
from connectors.errors import LoginRefused, Unanswered, Unreachable, Untrusted
from connectors.imap import translate

ADVISED = ("Unreachable", "Unanswered", "Untrusted", "LoginRefused", "AppRefused", "Disconnected")
CALLS = [
    (path, call)
    for path in Path(connectors.__path__[0]).rglob("*.py")
    for call in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ADVISED
]


def test_every_such_error_is_made_with_advice() -> None:
    made = {f"{path.name}:{call.lineno}" for path, call in CALLS if len(call.args) + len(call.keywords) < 2}
    assert len(CALLS) > 15
    assert made == set()


@pytest.mark.parametrize("kind", translate.ADVICE)
def test_what_the_server_says_in_its_own_words_gets_advice(kind: type) -> None:
    assert translate.ADVICE[kind]


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (TimeoutError("_ssl.c:975: The handshake operation timed out"), Unanswered,
         "timed out during the TLS handshake"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), Unreachable,
         "what answers there is no TLS: wrong version number"),
        (ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)"),
         Unreachable, "EOF occurred in violation of protocol"),
        (ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed (_ssl.c:1006)"), Untrusted,
         "the certificate was not accepted"),
        (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)"),
         LoginRefused, "the server refuses us: tlsv13 alert certificate required"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)"), LoginRefused,
         "the server refuses us: tlsv1 alert unknown ca"),
        (socket.gaierror(-2, "Name or service not known"), Unreachable, "Name or service not known"),
        (ConnectionResetError(104, "Connection reset by peer"), Unreachable, "Connection reset by peer"),
        (EOFError(), Unreachable, "EOFError"),
    ],
)  # fmt: skip
def test_what_the_operating_system_says_is_told_in_words(error: Exception, kind: type, says: str) -> None:
    told = translate.connecting(error, "mail.example:993")
    assert type(told) is kind
    assert told.message == f"mail.example:993: {says}"
    assert told.advice


@pytest.mark.parametrize(
    ("said", "told", "advice"),
    [
        ("certificate has expired", "the server's certificate has expired", "renewed"),
        ("certificate is not yet valid", "the server's certificate is not valid yet", "clock"),
        ("Hostname mismatch, certificate is not valid for 'a'.", "the server's certificate is made for another name",
         "check host"),
        ("unable to get local issuer certificate", "nobody that this machine trusts has signed", "ca_file"),
        ("self-signed certificate", "nobody that this machine trusts has signed", "ca_file"),
        ("CA signature digest algorithm too weak", "CA signature digest algorithm too weak", "ca_file"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_certificate(said: str, told: str, advice: str) -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.verify_message = said
    found = translate.connecting(error, "mail.example:993")
    assert (type(found), advice in found.advice) == (Untrusted, True)
    assert found.message.startswith(f"mail.example:993: {told}")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Internal error. [2026-11-24 06:01:48] (0.001 + 0.000 secs).", "Internal error. [2026-11-24 06:01:48]"),
        ("Mailbox doesn't exist: a (0.001 + 0.000 + 0.004 secs).", "Mailbox doesn't exist: a"),
        ("Login failed (5 secs).", "Login failed"),
        ("a (1 + 1 secs) b", "a (1 + 1 secs) b"),
        ("bell\x07", "bell"),
    ],
)  # fmt: skip
def test_what_the_server_says_is_quoted_without_its_timing(said: str, told: str) -> None:
    assert translate.closed(said, "mail.example:993").message == f"mail.example:993: the session was ended: {told}"
