"""`doctor` and `mailbox discover` against real servers: what shows before anyone logs in, and who sees whom."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.abilities import Discovering, Surveying
from connectors.errors import ConfigError, LoginRefused, Unreachable, Untrusted
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.maildir import CONNECTOR as MAILDIR
from connectors.maildir import MaildirMailbox, MaildirSystem
from fixtures.servers.authority import Authority
from fixtures.servers.cyrus import Cyrus
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.imap_script import settings as scripted_settings
from fixtures.servers.scripted_imap import CUT, Exchange, ScriptedImap
from replicator.cli.running import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot(tls=True) as server:
        yield server


def settings(server: Dovecot, tls: str, **changed: object) -> ImapSettings:
    port = server.tls_port if tls == "implicit" else server.port
    values = {"host": "localhost", "port": port, "tls": tls, "ca_file": server.ca_file, "connect_timeout": 20.0}
    return ImapSettings(**{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_when_the_certificate_ends(server: Dovecot, tls: str) -> None:
    assert isinstance(CONNECTOR, Surveying)
    survey = CONNECTOR.survey(settings(server, tls))
    assert survey.seen.startswith("TLSv1.")
    assert survey.expires is not None
    assert timedelta(days=26) < survey.expires - datetime.now(UTC) < timedelta(days=28)
    assert survey.clock is None


def test_without_tls_there_is_no_certificate(server: Dovecot) -> None:
    assert CONNECTOR.survey(settings(server, "off")).expires is None


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_an_authority_that_nobody_knows(server: Dovecot, tls: str, tmp_path: Path) -> None:
    with pytest.raises(Untrusted, match="certificate"):
        CONNECTOR.survey(settings(server, tls, ca_file=Authority(tmp_path, "Another Authority").ca_file))


def test_doors_that_are_none(server: Dovecot) -> None:
    with pytest.raises(Unreachable):
        CONNECTOR.survey(settings(server, "implicit", port=1))
    with pytest.raises(Unreachable):
        CONNECTOR.survey(settings(server, "implicit", port=server.port))
    with ScriptedImap(greeting="220 mail ESMTP") as other, pytest.raises(Unreachable, match="greeting"):
        CONNECTOR.survey(scripted_settings(other))
    with ScriptedImap(greeting=CUT) as silent, pytest.raises(Unreachable):
        CONNECTOR.survey(scripted_settings(silent))


def configuration(server: Dovecot, password: str, directory: Path) -> None:
    (directory / "password").write_text(password)
    (directory / "password").chmod(0o600)
    (directory / "replicator.toml").write_text(f"""
        [mailstore]
        path = "mailstore"
        key = {{ file = "key" }}
        [source.corp]
        connector = "imap"
        host = "localhost"
        port = {server.tls_port}
        ca_file = "{server.ca_file}"
        [[mailbox]]
        id = "alice@corp.example"
        primary = {{ source = "corp", username = "alice", password = {{ file = "password" }} }}
    """)


def test_a_walk_with_the_doctor(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration(server, "wrong", tmp_path)
    assert run(["doctor"]) == 12  # there is no key yet
    assert "`replicator init` makes it" in capfd.readouterr().out
    assert run(["init"]) == 0
    assert run(["doctor"]) == 14
    out = capfd.readouterr().out
    assert "FAILED   login alice@corp.example" in out
    assert "wrong" not in out
    configuration(server, server.password, tmp_path)
    assert run(["doctor"]) == 0
    assert "its certificate ends on" in capfd.readouterr().out


def login(user: str, password: str = "any") -> ImapMailbox:
    return ImapMailbox(user, lambda: password)


def test_an_administrator_of_cyrus_sees_everyone() -> None:
    assert isinstance(CONNECTOR, Discovering)
    with Cyrus() as server:
        with server.client("admin") as admin:
            for name in ("user/bob", "user/bob/Projects", "user/carol.jones@corp.example", "shared"):
                assert admin.create(name)[0] == "OK"
        reached = ImapSettings("127.0.0.1", server.ports[1], tls="off")
        found = set(CONNECTOR.discover(reached, login("admin")))
        assert found == {"alice", "bob", "carol.jones@corp.example"}
        assert set(CONNECTOR.discover(reached, login("alice"))) == {"alice"}
        proxied = replace(reached, proxy_user="admin", proxy_password=lambda: "any")
        assert set(CONNECTOR.discover(proxied, ImapMailbox("alice"))) == found
        assert set(CONNECTOR.discover(proxied, login("alice"))) == {"alice"}


def test_dovecot_shows_nobody_else(server: Dovecot) -> None:
    with pytest.raises(ConfigError, match="alice no mailboxes of other users"):
        list(CONNECTOR.discover(settings(server, "implicit"), login("alice", server.password)))
    with pytest.raises(LoginRefused):
        list(CONNECTOR.discover(settings(server, "implicit"), login("alice", "wrong")))


@pytest.mark.parametrize(
    ("namespace", "prefix", "rows", "found"),
    [
        ('(("INBOX." ".")) (("user." ".")) NIL', "user.", ("user.john^doe", "user.m&APw-ller"), ["john.doe", "müller"]),
        ('(("" "/")) (("Other Users/" "/")) NIL', "Other Users/", ("Other Users/al%ice",), ["al%ice"]),
    ],
)
def test_names_as_servers_write_them(namespace: str, prefix: str, rows: tuple[str, ...], found: list[str]) -> None:
    separator = prefix[-1]
    script = (
        Exchange('LIST "" "INBOX"', "{tag} OK none"),
        Exchange("NAMESPACE", f"* NAMESPACE {namespace}", "{tag} OK done"),
        Exchange(f'LIST "" "{prefix}%"', *(f'* LIST () "{separator}" "{row}"' for row in rows), "{tag} OK done"),
    )
    with ScriptedImap(*script, capability="IMAP4rev1 NAMESPACE") as server:
        assert list(CONNECTOR.discover(scripted_settings(server), login("admin"))) == found


def test_maildirs_beside_one_that_is_known(tmp_path: Path) -> None:
    assert isinstance(MAILDIR, Discovering)
    for user in ("alice", "bob"):
        for name in ("cur", "new", "tmp"):
            (tmp_path / "home" / user / "Maildir" / name).mkdir(parents=True)
            (tmp_path / "mail" / user / name).mkdir(parents=True)
    (tmp_path / "mail" / "lost+found").mkdir()
    for known, inner in (("home/alice/Maildir", "home/{}/Maildir"), ("mail/bob", "mail/{}")):
        mailbox = MaildirMailbox(tmp_path / known)
        found = list(MAILDIR.discover(MaildirSystem(), mailbox))
        assert found == [str(tmp_path / inner.format(user)) for user in ("alice", "bob")]
        assert MAILDIR.mailbox_name(mailbox) in found
    with pytest.raises(Unreachable):
        list(MAILDIR.discover(MaildirSystem(), MaildirMailbox(tmp_path / "none" / "alice")))
