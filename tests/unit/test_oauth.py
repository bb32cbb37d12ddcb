"""Tokens for an application, from a token endpoint on loopback that checks the proof for real."""

import logging
import pickle
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.errors import (
    AppRefused,
    LoginRefused,
    ReplicationError,
    Throttled,
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.oauth import App, GivenTokens, authority_problem
from connectors.oauth.app import AppTokens
from fixtures.servers.authority import Authority
from fixtures.servers.tokens import Reply, TokenServer

SCOPE = "https://outlook.office365.com/.default"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def client_file(authority: Authority) -> Path:
    return authority.issue_client("app", kind="rsa")


@pytest.fixture(params=["https", "http"])
def server(request: pytest.FixtureRequest, authority: Authority, client_file: Path) -> Iterator[TokenServer]:
    with TokenServer(authority if request.param == "https" else None) as server:
        server.register(client_file)
        yield server


@pytest.fixture
def app(server: TokenServer, authority: Authority, client_file: Path) -> App:
    about = (server.tenant, server.client_id, client_file.read_text, SCOPE, server.url)
    return App(*about, ca_file=authority.ca_file, timeout=5.0)


def refusal(app: App) -> ReplicationError:
    """What asking for a token raises; and that it is said of whom, with advice, and without what was sent."""
    with pytest.raises(ReplicationError) as caught:
        AppTokens(app).token()
    error = caught.value
    assert error.advice
    assert "eyJ" not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None  # a request's error has the request with it, and that has the proof
    assert error.__context__ is None or error.__suppress_context__
    assert isinstance(pickle.loads(pickle.dumps(error)), type(error))
    return error


def test_a_token_is_asked_for_once(server: TokenServer, app: App) -> None:
    tokens = AppTokens(app)
    assert [tokens.token(), tokens.token()] == [server.issued[0]] * 2
    (form,) = server.forms
    assert form["scope"] == SCOPE
    assert "client_secret" not in form


def test_the_authority_may_end_in_the_tenant(server: TokenServer, app: App) -> None:
    assert AppTokens(replace(app, authority=f"{server.url}/{server.tenant}/")).token() == server.issued[0]


def test_a_token_that_is_about_to_expire_is_replaced(server: TokenServer, app: App) -> None:
    server.expires_in = 200
    tokens = AppTokens(app)
    assert [tokens.token(), tokens.token()] == server.issued
    assert len(set(server.issued)) == 2


def test_a_token_stays_good_while_it_cannot_be_replaced_early(server: TokenServer, app: App) -> None:
    token = {"access_token": "first", "expires_in": 3600, "refresh_in": -1, "token_type": "Bearer"}
    tokens = AppTokens(app)
    server.replies += [Reply(200, server._discovery()), Reply(200, token), Reply(503)]
    assert [tokens.token(), tokens.token(), tokens.token()] == ["first", "first", server.issued[0]]


def test_a_refused_token_is_renewed_once_for_all_who_had_it(server: TokenServer, app: App) -> None:
    tokens = AppTokens(app)
    first = tokens.token()
    second = tokens.renew(first)
    assert [first, second] == server.issued
    assert tokens.renew(first) == second
    assert tokens.token() == second
    assert len(server.forms) == 2


def test_a_certificate_that_is_not_registered(server: TokenServer, app: App, authority: Authority) -> None:
    another = authority.issue_client("another", kind="rsa")
    error = refusal(replace(app, certificate=another.read_text))
    assert isinstance(error, AppRefused)
    assert "AADSTS700027" in error.message
    assert "Trace" not in error.message
    assert "certificate" in error.advice


@pytest.mark.parametrize(
    ("changed", "says", "advises"),
    [
        ({"client_id": "22222222-2222-4333-8444-555555555555"}, "AADSTS700016", "client_id"),
        ({"scope": "mail"}, "AADSTS1002012", "scope"),
        ({"tenant": "nowhere.example"}, "no such tenant", "tenant"),
    ],
)
def test_an_application_that_is_not_known(app: App, changed: dict[str, str], says: str, advises: str) -> None:
    error = refusal(replace(app, **changed))
    assert isinstance(error, AppRefused)
    assert says in error.message
    assert advises in error.advice


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(429, {"error": "temporarily_unavailable"}, {"Retry-After": "7"}), Throttled),
        (Reply(503, b"<html>", {"Retry-After": "7"}), Unreachable),
        (Reply(200, b"<html>eyJabcdefgh.eyJabcdefgh.abc"), Unreachable),
        (Reply(200, b"[1]"), Unreachable),
        (Reply(407, b"<html>"), AppRefused),
        (Reply(400, b"<html>eyJabcdefgh.eyJabcdefgh.abc"), AppRefused),
        (Reply(302, {}, {"Location": "https://elsewhere.example/"}), Unreachable),
        (Reply(200, {}), AppRefused),
    ],
    ids=lambda value: f"{value.status}-{len(str(value.body))}" if isinstance(value, Reply) else "",
)
@pytest.mark.parametrize("earlier", [0, 1], ids=["discovery", "token"])
def test_an_authority_in_trouble(
    server: TokenServer, app: App, reply: Reply, kind: type, earlier: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies += [Reply(200, server._discovery())] * earlier + [reply]
    error = refusal(app)
    assert type(error) is kind
    assert error.retry_after == (7 if "Retry-After" in reply.headers else None)
    assert "eyJ" not in caplog.text


@pytest.mark.parametrize("earlier", [0, 1], ids=["discovery", "token"])
def test_a_redirect_is_not_followed(server: TokenServer, app: App, earlier: int) -> None:
    """It would take the proof along."""
    moved = Reply(307, {}, {"Location": f"{server.url}/elsewhere"})
    server.replies += [Reply(200, server._discovery())] * earlier + [moved]
    assert isinstance(refusal(app), Unreachable)
    assert "/elsewhere" not in server.paths


def test_the_authority_is_verified(server: TokenServer, app: App, tmp_path: Path) -> None:
    if app.url.startswith("http:"):
        assert AppTokens(replace(app, ca_file=None)).token()
        return
    for ca_file in (None, Authority(tmp_path).ca_file):
        assert isinstance(refusal(replace(app, ca_file=ca_file)), Untrusted)
    assert server.forms == []


def test_no_one_listens(app: App) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert type(refusal(replace(app, authority=f"https://127.0.0.1:{port}"))) is Unreachable


def test_silence_is_waited_for_once(app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert isinstance(refusal(replace(app, authority=address, timeout=0.2)), Unanswered)


def test_no_secret_is_in_a_log_a_repr_or_another_process(
    server: TokenServer, app: App, client_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = AppTokens(app)
    token = tokens.token()
    proof = server.forms[0]["client_assertion"]
    key = client_file.read_text().splitlines()[1]
    for text in (caplog.text, repr(tokens), repr(app)):
        assert not any(secret in text for secret in (token, proof, key))


def test_another_process_asks_for_its_own(server: TokenServer, app: App) -> None:
    tokens = AppTokens(replace(app, certificate=GivenFile(app.certificate)))
    token = tokens.token()
    pickled = pickle.dumps(tokens)
    assert token.encode() not in pickled
    assert pickle.loads(pickled).token() == server.issued[1]


class GivenFile:
    """A secret that can be pickled."""

    def __init__(self, secret: object) -> None:
        self._text = secret() if callable(secret) else str(secret)

    def __call__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return GivenFile, (self._text,)


def test_a_certificate_that_was_replaced_is_read_anew(
    server: TokenServer, app: App, authority: Authority, client_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "app.pem"
    file.write_text(authority.issue_client("not registered", kind="rsa").read_text())
    tokens = AppTokens(replace(app, certificate=file.read_text))
    with pytest.raises(AppRefused):
        tokens.token()
    file.write_text(client_file.read_text())
    assert tokens.token() == server.issued[0]


def test_a_certificate_that_cannot_be_used(authority: Authority, client_file: Path) -> None:
    pem = client_file.read_text()
    key, certificate = pem[: pem.index("-----BEGIN CERT")], pem[pem.index("-----BEGIN CERT") :]
    another = authority.issue_client("another one", kind="rsa").read_text()
    elliptic = authority.issue_client("elliptic").read_text()
    encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
    cases = {
        "": "no private key",
        certificate: "no private key",
        encrypted + certificate: "key",
        key: "no certificate",
        key + another[another.index("-----BEGIN CERT") :]: "another key",
        elliptic: "not RSA",
        key + "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n": "that can be read",
    }
    for text, says in cases.items():
        error = refusal(App("tenant", "client", lambda text=text: text, SCOPE, "http://127.0.0.1:1"))
        assert isinstance(error, AppRefused)
        assert says in error.message


def test_the_certificate_may_stand_among_others_of_its_chain(
    server: TokenServer, app: App, authority: Authority
) -> None:
    chain = authority.ca_file.read_text() + app.certificate()
    assert AppTokens(replace(app, certificate=lambda: chain)).token() == server.issued[0]


@pytest.mark.parametrize("printed", ["", "two words", "a\x01b", "{}", "tökén", "a\nb"])
def test_what_a_command_prints_must_be_a_token(printed: str) -> None:
    with pytest.raises(LoginRefused) as caught:
        GivenTokens(lambda: printed).token()
    assert caught.value.advice
    assert not printed or printed not in caught.value.message


def test_a_command_is_asked_each_time() -> None:
    given = iter(["eyJ.a-b_c.d", " second==\n"])
    tokens = GivenTokens(lambda: next(given))
    assert tokens.token() == "eyJ.a-b_c.d"
    assert tokens.renew("eyJ.a-b_c.d") == "second=="


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://login.microsoftonline.us", ""),
        ("https://login.example:8443/realms/mail", ""),
        ("http://127.0.0.1:8080", ""),
        ("http://[::1]:8080", ""),
        ("http://localhost", ""),
        ("http://login.example", "loopback"),
        ("http://localhost.example", "loopback"),
        ("login.microsoftonline.com", "no https address"),
        ("ftp://login.example", "no https address"),
        ("https://", "no https address"),
        ("https://login.example:port", "no address"),
        ("https://user:secret@login.example", "more than a host"),
        ("https://login.example/?a", "more than a host"),
    ],
)
def test_an_authority_is_an_https_address(address: str, says: str) -> None:
    found = authority_problem(address)
    assert says in found
    assert (found == "") == (says == "")
    assert "secret" not in found


def test_msal_is_loaded_by_those_only_who_ask_it() -> None:
    code = (
        "import sys\n"
        "from connectors.imap import ImapSettings\n"
        "ImapSettings('h', auth='xoauth2', tenant='t', client_id='c', certificate=lambda: '')\n"
        "import connectors.imap.reading.source\n"
        "print([name for name in ('msal', 'requests', 'jwt', 'cryptography') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
