"""Every way to log in, against a server that says what no real one says on demand."""

import base64
import json
import logging
import socket
import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import LoginRefused, ProtocolError, ReplicationError, ServerBusy, Throttled
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.login.dialog import Dialog
from connectors.imap.login.handshake import authenticate
from connectors.imap.login.redaction import redact
from connectors.imap.login.sasl import xoauth2
from connectors.imap.wire import Wire
from fixtures.servers.scripted_imap import CUT, Act, Answer, Exchange, ScriptedImap

TOKEN = "eyJhbGciOiJub25lIn0.c2VjcmV0LXRva2Vu.c2ln"
PASSWORD = 'sésame "open" \\ please'
OAUTH = "IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER"
REASON = base64.b64encode(json.dumps({"status": "invalid_token", "scope": TOKEN}).encode()).decode()
NO = "l1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"


def b64(*parts: str) -> str:
    return base64.b64encode("".join(parts).encode()).decode()


XOAUTH2 = b64("user=alice\x01auth=Bearer ", TOKEN, "\x01\x01")


def exactly(line: str, *answers: Answer) -> Exchange:
    """An answer to a challenge, which is a word alone, or a command; as it stands."""
    words = line.split(" ", 1)
    return Exchange("" if len(words) == 1 else rf"{''.join(f'[{each}]' for each in words[1])}\Z", *answers)


def settings(server: ScriptedImap, **changed: object) -> ImapSettings:
    values: dict[str, object] = {"tls": "off", "timeout": 5.0, "connect_timeout": 5.0}
    return ImapSettings(server.host, server.port, **{**values, **changed})


def log_in(server: ScriptedImap, mailbox: ImapMailbox, **changed: object) -> None:
    CONNECTOR.open_source(settings(server, **changed), mailbox).close()


def refusal(server: ScriptedImap, mailbox: ImapMailbox, **changed: object) -> ReplicationError:
    with pytest.raises(ReplicationError) as caught:
        CONNECTOR.open_source(settings(server, **changed), mailbox)
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(secret in shown for secret in (TOKEN, PASSWORD, XOAUTH2))
    assert caught.value.advice or isinstance(caught.value, ProtocolError)
    return caught.value


def sent(server: ScriptedImap) -> list[str]:
    """What came after the first CAPABILITY, up to what comes after a login."""
    return [each for each in server.commands[1:] if each.partition(" ")[0] not in ("CAPABILITY", "ENABLE", "LOGOUT")]


def listened(server: ScriptedImap) -> list[str]:
    """All lines that come, answers to challenges too."""
    lines: list[str] = []
    answers = server.answers

    def listen(tag: str, command: str) -> list[bytes | Act]:
        lines.append(f"{tag} {command}".strip())
        return answers(tag, command)

    server.answers = listen
    return lines


def alice(**changed: object) -> ImapMailbox:
    return ImapMailbox("alice", **{"password": None, **changed})


def token(*tokens: str) -> Callable[[], str]:
    given = iter(tokens)
    return lambda: next(given)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("initial", [True, False], ids=["SASL-IR", "asked for"])
def test_a_token(auth: str, *, initial: bool) -> None:
    bearer = b64("n,a=alice,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer ", TOKEN, "\x01\x01")
    with ScriptedImap(capability=OAUTH + " SASL-IR" * initial) as server:
        text = base64.b64decode(bearer).decode().replace("{port}", str(server.port))
        proof = XOAUTH2 if auth == "xoauth2" else b64(text)
        if initial:
            server._script = [exactly(f"- AUTHENTICATE {auth.upper()} {proof}", "{tag} OK in")]
        else:
            server._script = [Exchange(f"AUTHENTICATE {auth.upper()}\\Z", "+ "), exactly(proof, "{earlier} OK in")]
        log_in(server, alice(token=token(TOKEN)), auth=auth)


def test_names_in_oauthbearer_are_escaped() -> None:
    with ScriptedImap(Exchange("AUTHENTICATE OAUTHBEARER", "{tag} OK in"), capability=OAUTH + " SASL-IR") as server:
        log_in(server, ImapMailbox("a=b,c", token=token(TOKEN)), auth="oauthbearer")
    assert base64.b64decode(sent(server)[0].split()[-1]).startswith(b"n,a=a=3Db=2Cc,\x01")


def test_an_initial_response_that_the_server_overlooks_is_sent_again() -> None:
    script = (Exchange("AUTHENTICATE XOAUTH2", "+ "), Exchange("", "{earlier} OK in"))
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR") as server:
        log_in(server, alice(token=token(TOKEN)), auth="xoauth2")


def test_what_is_too_long_for_one_line_waits_to_be_asked_for() -> None:
    script = (Exchange(r"AUTHENTICATE XOAUTH2\Z", "+ "), Exchange("", "{earlier} OK in"))
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR") as server:
        log_in(server, alice(token=token("e" * 5000)), auth="xoauth2")


@pytest.mark.parametrize(("auth", "after"), [("xoauth2", ""), ("oauthbearer", "AQ==")])
@pytest.mark.parametrize("initial", [True, False], ids=["SASL-IR", "asked for"])
def test_the_reason_of_a_refusal_is_told_and_the_token_is_not(auth: str, after: str, *, initial: bool) -> None:
    proof = [Exchange("AUTHENTICATE", f"+ {REASON}")]
    if not initial:
        proof = [Exchange("AUTHENTICATE", "+ "), Exchange("", f"+ {REASON}")]
    script = (*proof, Exchange("", NO))
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR" * initial) as server:
        lines = listened(server)
        error = refusal(server, alice(token=lambda: TOKEN), auth=auth)
    assert isinstance(error, LoginRefused)
    assert error.message.endswith("Invalid credentials (Failure) (status invalid_token)")
    assert "token" in error.advice
    assert lines[-1] == after


@pytest.mark.parametrize("reason", ["not base64!", b64("not json"), b64("[1]"), b64("{}"), b64("[" * 6000)])
def test_a_reason_that_is_none(reason: str) -> None:
    script = (Exchange("AUTHENTICATE", f"+ {reason}"), Exchange("", NO))
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR") as server:
        error = refusal(server, alice(token=lambda: TOKEN), auth="xoauth2")
    assert error.message.endswith("Invalid credentials (Failure)")


def test_a_server_that_asks_without_end_is_left() -> None:
    script = [Exchange("AUTHENTICATE", f"+ {REASON}"), Exchange("", f"+ {REASON}"), Exchange("", "l1 BAD cancelled")]
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR") as server:
        lines = listened(server)
        assert isinstance(refusal(server, alice(token=lambda: TOKEN), auth="xoauth2"), LoginRefused)
    assert lines[-2:] == ["", "*"]


def test_a_refused_token_is_fetched_anew_once() -> None:
    script = (Exchange("AUTHENTICATE", "{tag} NO expired"), Exchange("AUTHENTICATE", "{tag} OK in"))
    with ScriptedImap(*script, capability=OAUTH + " SASL-IR") as server:
        log_in(server, alice(token=token("old", TOKEN)), auth="xoauth2")
    assert sent(server)[1].endswith(XOAUTH2)


def test_the_same_token_is_not_sent_twice() -> None:
    with ScriptedImap(Exchange("AUTHENTICATE", "{tag} NO no"), capability=OAUTH + " SASL-IR") as server:
        assert isinstance(refusal(server, alice(token=lambda: TOKEN), auth="xoauth2"), LoginRefused)


def test_a_token_is_not_fetched_anew_for_a_server_in_trouble() -> None:
    with ScriptedImap(Exchange("AUTHENTICATE", "{tag} NO [UNAVAILABLE] x"), capability=OAUTH + " SASL-IR") as server:
        assert isinstance(refusal(server, alice(token=token(TOKEN)), auth="xoauth2"), ServerBusy)


def test_the_mailboxs_token_comes_before_the_sources() -> None:
    with ScriptedImap(Exchange("AUTHENTICATE", "{tag} OK in"), capability=OAUTH + " SASL-IR") as server:
        log_in(server, alice(token=token(TOKEN)), auth="xoauth2", token=token("another"))
    assert sent(server)[0].endswith(XOAUTH2)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer", "external"])
def test_a_mechanism_that_is_not_offered_is_not_tried(auth: str) -> None:
    with ScriptedImap(capability="IMAP4rev1 AUTH=PLAIN") as server:
        place = replace(settings(server), tls="off")
        object.__setattr__(place, "auth", auth)  # external needs TLS, which is not what this is about
        with pytest.raises(LoginRefused, match=f"AUTH={auth.upper()}, but AUTH=PLAIN") as caught:
            CONNECTOR.open_source(place, alice(token=token(TOKEN)))
    assert caught.value.advice
    assert sent(server) == []


@pytest.mark.parametrize(
    ("proxy", "capability", "line"),
    [
        ({}, "AUTH=PLAIN SASL-IR", "AUTHENTICATE PLAIN " + b64("alice\0admin\0", PASSWORD)),
        ({"proxy_separator": "*"}, "AUTH=PLAIN SASL-IR", "AUTHENTICATE PLAIN " + b64("\0alice*admin\0", PASSWORD)),
        ({"proxy_separator": "*"}, "", f'LOGIN "alice*admin" {PASSWORD.encode().decode("latin-1")}'),
    ],
    ids=["authorization identity", "user*master by PLAIN", "user*master by LOGIN"],
)
def test_a_proxy_user(proxy: dict[str, str], capability: str, line: str) -> None:
    script = [Exchange("AUTHENTICATE", "{tag} OK in")] if capability else []
    with ScriptedImap(*script, capability=f"IMAP4rev1 {capability}") as server:
        log_in(server, alice(), proxy_user="admin", proxy_password=lambda: PASSWORD, **proxy)
    assert sent(server) == [line]


def test_a_mailbox_with_its_own_password_does_without_the_proxy_user() -> None:
    with ScriptedImap(capability="IMAP4rev1") as server:
        log_in(server, alice(password=lambda: "own"), proxy_user="admin", proxy_password=lambda: PASSWORD)
    assert sent(server) == ['LOGIN "alice" "own"']


def test_no_one_acts_for_another_by_login() -> None:
    with ScriptedImap(capability="IMAP4rev1") as server:
        error = refusal(server, alice(), proxy_user="admin", proxy_password=lambda: PASSWORD)
    assert "AUTH=PLAIN" in error.message
    assert "proxy_separator" in error.advice
    assert sent(server) == []


def test_a_proxy_user_that_is_refused() -> None:
    with ScriptedImap(Exchange("AUTHENTICATE", "{tag} NO no"), capability="IMAP4rev1 AUTH=PLAIN SASL-IR") as server:
        error = refusal(server, alice(), proxy_user="admin", proxy_password=lambda: PASSWORD)
    assert "alice" in error.message
    assert "proxy_user" in error.advice


@pytest.mark.parametrize("proxy", [{}, {"proxy_user": "admin", "proxy_password": lambda: PASSWORD}])
def test_no_password_goes_where_login_is_disabled(proxy: dict[str, object]) -> None:
    with ScriptedImap(capability="IMAP4rev1 LOGINDISABLED") as server:
        error = refusal(server, alice(password=None if proxy else lambda: PASSWORD), **proxy)
    assert "none was sent" in error.message
    assert server.commands == ["CAPABILITY"]


def test_the_secret_is_not_even_fetched_where_it_cannot_be_sent() -> None:
    def fetched() -> str:
        raise AssertionError("asked for")

    with ScriptedImap(capability="IMAP4rev1 LOGINDISABLED") as server:
        assert isinstance(refusal(server, alice(password=fetched)), LoginRefused)


PASSWORDS = [
    *("", "simple", "with space", 'quo"te', "back\\slash", "sésame", "пароль", "密码🔑", "tab\t", "a\r\nb LOGOUT"),
    *("\x7f", "x" * 999, "x" * 2000, "é" * 3000, "{5}", "{5}\r\n", "*", "%"),
]


@pytest.mark.parametrize("password", PASSWORDS, ids=lambda text: ascii(text)[:20])
@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=PLAIN SASL-IR"])
def test_any_password_arrives_as_it_is(password: str, capability: str) -> None:
    with ScriptedImap(capability=capability) as server:
        if capability == "IMAP4rev1":
            log_in(server, alice(password=lambda: password))
            said = sent(server)[0].removeprefix('LOGIN "alice" ').encode("latin-1").decode()
            quotable = password.isascii() and password.isprintable() and len(password) <= 1000
            escaped = "".join(f"\\{each}" if each in '\\"' else each for each in password)
            assert said == (f'"{escaped}"' if quotable else password)
            return
        proof = b64("\0alice\0", password)
        if "SASL-IR" in capability and len(proof) <= 4096:
            server._script = [Exchange(r"AUTHENTICATE PLAIN \S+\Z", "{tag} OK in")]
        else:
            server._script = [Exchange(r"AUTHENTICATE PLAIN\Z", "+ "), Exchange("", "{earlier} OK in")]
        lines = listened(server)
        log_in(server, alice(password=lambda: password))
    assert any(proof in line.split() for line in lines)


def test_a_name_may_need_a_literal_too() -> None:
    with ScriptedImap(capability="IMAP4rev1") as server:
        log_in(server, ImapMailbox("élise", lambda: "sésame"))
    assert sent(server) == ["LOGIN élise sésame".encode().decode("latin-1")]


def test_a_server_that_refuses_the_literal_of_a_name() -> None:
    with ScriptedImap(capability="IMAP4rev1") as server:
        answers = server.answers
        server.answers = lambda tag, command: answers(tag, command) if "LOGIN" not in command else [b"l1 NO no\r\n"]
        assert isinstance(refusal(server, ImapMailbox("élise", lambda: PASSWORD)), LoginRefused)


def test_capabilities_are_those_that_the_server_names_after_the_login() -> None:
    login = Exchange("AUTHENTICATE", "{tag} OK [CAPABILITY IMAP4rev1 CONDSTORE X-AFTER] in")
    with ScriptedImap(login, capability="IMAP4rev1 AUTH=PLAIN SASL-IR X-BEFORE") as server:
        source = CONNECTOR.open_source(settings(server), alice(password=lambda: PASSWORD))
        assert source.capabilities.extensions == {"IMAP4REV1", "CONDSTORE", "X-AFTER"}
        source.close()
    assert server.commands.count("CAPABILITY") == 1


def test_what_comes_unasked_in_a_login_is_read_over() -> None:
    noise = ("* 3 EXISTS", "* OK [ALERT] we close at ten", b"* X {3}\r\na\r\n\r\n", "* CAPABILITY IMAP4rev1 X-AFTER")
    with ScriptedImap(Exchange("LOGIN", *noise, "{tag} OK in"), capability="IMAP4rev1") as server:
        source = CONNECTOR.open_source(settings(server), alice(password=lambda: "p"))
        assert "X-AFTER" in source.capabilities.extensions
        source.close()


@pytest.mark.parametrize("answer", ["nonsense", "other OK in", "+ and?"])
def test_an_answer_that_is_none(answer: str) -> None:
    with ScriptedImap(Exchange("LOGIN", answer, CUT), capability="IMAP4rev1") as server:
        assert isinstance(refusal(server, alice(password=lambda: "p")), ReplicationError)


def test_a_session_of_someone_unknown_is_not_taken() -> None:
    with ScriptedImap(greeting="* PREAUTH welcome back") as server:
        error = refusal(server, alice(password=lambda: PASSWORD))
    assert "PREAUTH" in error.message
    assert server.commands == ["CAPABILITY"]


@pytest.mark.parametrize(
    ("said", "kind", "advises"),
    [
        ("NO [ALERT] Application-specific password required: https://x (Failure)", LoginRefused, "app password"),
        ("NO [WEBALERT https://x] Web login required.", LoginRefused, "browser"),
        ("NO [ALERT] Please log in via your web browser: https://x (Failure)", LoginRefused, "browser"),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Throttled, "max_connections"),
        ("NO [LIMIT] Maximum number of connections from user+IP exceeded", Throttled, "max_connections"),
        ("NO [INUSE] locked", ServerBusy, "next run"),
        ("NO [UNAVAILABLE] Temporary authentication failure.", ServerBusy, "next run"),
        ("BAD User is authenticated but not connected.", ServerBusy, "FullAccess"),
        ("NO LOGIN failed.", LoginRefused, "xoauth2"),
        ("NO AUTHENTICATE failed.", LoginRefused, "xoauth2"),
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", LoginRefused, "password"),
        ("NO [AUTHORIZATIONFAILED] not that one", LoginRefused, "right"),
        ("NO [EXPIRED] x", LoginRefused, "new one"),
        ("NO Your password has expired", LoginRefused, "new one"),
        ("NO [PRIVACYREQUIRED] Plaintext authentication disallowed", LoginRefused, "starttls"),
        ("NO [CONTACTADMIN] x", LoginRefused, "administrator"),
        ("NO Basic authentication is disabled.", LoginRefused, "xoauth2"),
        ("NO [ALERT] Your account is not enabled for IMAP use: IMAP access is disabled", LoginRefused, "use IMAP"),
        ("BAD Client didn't present valid SSL certificate", LoginRefused, "client_certificate"),
    ],
)
def test_what_servers_say(said: str, kind: type[ReplicationError], advises: str) -> None:
    with ScriptedImap(Exchange("LOGIN", f"{{tag}} {said}"), capability="IMAP4rev1") as server:
        error = refusal(server, alice(password=lambda: PASSWORD))
    assert type(error) is kind
    assert advises in error.advice


@pytest.mark.parametrize(
    ("auth", "said", "advises"),
    [
        ("xoauth2", "NO AUTHENTICATE failed.", "service principal"),
        ("xoauth2", "NO no", "meant for this server"),
    ],
)
def test_what_servers_say_to_a_token(auth: str, said: str, advises: str) -> None:
    with ScriptedImap(Exchange("AUTHENTICATE", f"{{tag}} {said}"), capability=OAUTH + " SASL-IR") as server:
        error = refusal(server, alice(token=lambda: TOKEN), auth=auth)
    assert advises in error.advice


@pytest.mark.parametrize("part", [slice(None), slice(0, 30), slice(10, 60)], ids=["whole", "beginning", "middle"])
@pytest.mark.parametrize("secret", ["token", "password"])
@pytest.mark.parametrize("ending", ["{tag} BAD", "{tag} NO", "* BYE"])
def test_a_command_that_the_server_repeats_is_struck_out(
    ending: str, secret: str, part: slice, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proof = XOAUTH2 if secret == "token" else b64("\0alice\0", PASSWORD)
    script = Exchange("AUTHENTICATE", f"{ending} in command: AUTHENTICATE X {proof[part]}...", CUT)
    with ScriptedImap(script, capability=OAUTH + " AUTH=PLAIN SASL-IR") as server:
        if secret == "token":
            error = refusal(server, alice(token=lambda: TOKEN), auth="xoauth2")
        else:
            error = refusal(server, alice(password=lambda: PASSWORD))
    assert proof[part] not in error.message
    assert "***" in error.message
    assert not any(each in caplog.text for each in (TOKEN, PASSWORD, proof, proof[part]))


@pytest.mark.parametrize(
    ("text", "secrets", "told"),
    [
        ("no secret here", ["open sesame"], "no secret here"),
        ("LOGIN alice open sesame", ["open sesame"], "LOGIN alice ***"),
        ('LOGIN alice "a\\"b\\\\c"', ['a"b\\c'], 'LOGIN alice "***"'),
        ("AUTH b3BlbiBzZXNhbWU=", ["open sesame"], "AUTH ***"),
        ("user alice: no", ["", ""], "user alice: no"),
        ("first aaaaaaaa…", ["aaaaaaaabbbbbbbb"], "first ***"),
        ("a cat sat at a mat", ["a"], "*** cat sat at *** mat"),
    ],
)
def test_redaction(text: str, secrets: list[str], told: str) -> None:
    assert redact(text, secrets) == told


def test_the_talk_of_a_login_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedImap(Exchange("AUTHENTICATE", "{tag} OK in"), capability=OAUTH + " SASL-IR") as server:
        log_in(server, alice(token=token(TOKEN)), auth="xoauth2")
    with ScriptedImap(capability="IMAP4rev1") as server:
        log_in(server, alice(password=lambda: "open sesame"))
    assert not any(secret in caplog.text for secret in (TOKEN, XOAUTH2, "open sesame"))


LINES = st.sampled_from([b"+", b"*", b"l1", b" ", b"OK", b"NO", b"BYE", b"[CAPABILITY", b"]", b"{3}", b"\r\n"])


@given(st.lists(LINES | st.binary(max_size=6), max_size=30).map(b"".join))
def test_whatever_a_server_says_is_an_answer_or_an_error_of_ours(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        dialog = Dialog(Wire(ours, b"", "mail.example:993"))
        try:
            said_so = authenticate(dialog, xoauth2("alice", TOKEN), initial_response=True).status
        except ReplicationError as error:
            said_so = error.code
    assert said_so in {"OK", "NO", "BAD", "Disconnected", "ProtocolError", "ServerBusy", "Throttled"}
