"""What the configuration may say of logins: every problem at once, with its key and line."""

import re
from pathlib import Path

import pytest

from connectors.abilities import Exacting
from connectors.errors import ConfigError, LoginRefused
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.connection import make_context
from connectors.protocols import PrivateFile
from connectors.registry import connectors
from fixtures.servers.authority import Authority
from replicator.config import Config, load_config

LOGINS = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text("utf-8").split("\n## Logins\n")[1]
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", LOGINS.split("\n## ")[0], re.M | re.S)
HEAD = """
[mailstore]
path = "mailstore"
key = { file = "mailstore.key" }

[source.m365]
connector = "imap"
host = "outlook.office365.com"
"""
APP = """tenant = "contoso.example"
client_id = "app"
certificate = { file = "app.pem" }
"""
MAILBOX = """
[[mailbox]]
id = "alice@contoso.example"
primary = { source = "m365", username = "alice@contoso.example" }
"""


def load(directory: Path, text: str) -> Config:
    file = directory / "replicator.toml"
    file.write_text(text)
    return load_config(file, connectors())


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, text)
    return [line.removeprefix("replicator.toml:") for line in caught.value.message.splitlines()[1:]]


def settings(config: Config) -> ImapSettings:
    found = config.sources["m365"].settings
    assert isinstance(found, ImapSettings)
    return found


def test_the_connector_checks_its_mailboxes() -> None:
    assert isinstance(CONNECTOR, Exacting)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_an_application_logs_in_for_every_mailbox(tmp_path: Path, auth: str) -> None:
    found = settings(load(tmp_path, f'{HEAD}auth = "{auth}"\n{APP}{MAILBOX}'))
    assert found.app_tokens is not None
    assert found.scope == "https://outlook.office365.com/.default"
    assert found.authority == "https://login.microsoftonline.com"
    assert "app_tokens" not in repr(found)
    assert load(tmp_path, f'{HEAD}auth = "{auth}"\n{APP}{MAILBOX}').sources["m365"].settings.scope == found.scope


@pytest.mark.parametrize("place", ["source", "mailbox"])
@pytest.mark.parametrize("form", ['command = ["get-token", "alice"]', 'env = "TOKEN"'])
def test_a_token_may_be_of_the_source_or_of_the_mailbox(tmp_path: Path, place: str, form: str) -> None:
    token = f"token = {{ {form} }}"
    mailbox = MAILBOX.replace(" }\n", f", {token} }}\n") if place == "mailbox" else MAILBOX
    source = f"{token}\n" if place == "source" else ""
    config = load(tmp_path, f'{HEAD}auth = "xoauth2"\n{source}{mailbox}')
    assert (settings(config).token is None) == (place == "mailbox")


def test_a_proxy_user(tmp_path: Path) -> None:
    found = settings(load(tmp_path, f'{HEAD}proxy_user = "admin"\nproxy_password = {{ env = "ADMIN" }}\n{MAILBOX}'))
    assert (found.proxy_user, found.proxy_separator) == ("admin", None)


def test_external_with_a_certificate(tmp_path: Path) -> None:
    text = f'{HEAD}auth = "external"\nclient_certificate = {{ file = "client.pem" }}\n{MAILBOX}'
    assert settings(load(tmp_path, text)).client_certificate == PrivateFile(tmp_path / "client.pem")


LINE = HEAD.count("\n") + 1
HERE = f"{LINE}: source.m365"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('auth = "xoauth"', f'{HERE}.auth: \'xoauth\' is not possible here; did you mean "xoauth2"?'),
        ('token = { env = "T" }', f'{HERE}.token: goes with auth = "xoauth2" or "oauthbearer"'),
        ('tenant = "t"', f'{HERE}.tenant: goes with auth = "xoauth2" or "oauthbearer"'),
        ('auth = "xoauth2"\ntenant = "t"', f"{LINE - 3}: source.m365: an application has tenant, client_id and "
         "certificate: client_id and certificate are missing"),
        (f'auth = "xoauth2"\n{APP.replace("contoso.example", "a/../b")}', f"{LINE + 1}: source.m365.tenant: is neither "
         "a GUID nor a domain name"),
        ('authority = "http://login.example"', f'{HERE}.authority: "http://login.example" would send the '
         "certificate's proof in clear: http is for loopback addresses only"),
        (f'auth = "xoauth2"\ntoken = {{ env = "T" }}\n{APP}', f"{LINE + 1}: source.m365.token: goes without tenant, "
         "client_id and certificate"),
        ('proxy_user = "admin"', f"{HERE}.proxy_user: and proxy_password go together"),
        ('proxy_separator = "*"', f"{HERE}.proxy_separator: goes with proxy_user"),
        ('auth = "xoauth2"\nproxy_user = "a"\nproxy_password = { env = "P" }', f"{LINE + 2}: source.m365."
         'proxy_password: goes with auth = "password"'),
        ('proxy_password = "literal"', f"{HERE}.proxy_password: a secret is never written here: use {{ env = }}, "
         "{ file = }, { command = [] } or { keyring = }"),
        ('token = "literal"', f"{HERE}.token: a secret is never written here: use {{ env = }}, "
         "{ file = }, { command = [] } or { keyring = }"),
        ('client_certificate = "client.pem"', f"{HERE}.client_certificate: a file with a private key is given as "
         "{ file = }"),
        ('client_certificate = { env = "C" }', f"{HERE}.client_certificate: a file with a private key is given as "
         "{ file = }"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be(tmp_path: Path, source: str, found: str) -> None:
    assert found in problems(tmp_path, f"{HEAD}{source}\n{MAILBOX}")


@pytest.mark.parametrize(
    ("source", "mailbox", "found"),
    [
        ("", "", 'primary: "password" is missing'),
        ('auth = "xoauth2"', "", 'primary: "token" is missing, here or in the source; or the source has tenant, '
         "client_id and certificate"),
        ('auth = "xoauth2"', 'password = { env = "P" }', 'primary.password: is not used with auth = "xoauth2"'),
        ("", 'password = { env = "P" }, token = { env = "T" }', 'primary.token: is not used with auth = "password"'),
        ('proxy_user = "a"\nproxy_password = { env = "P" }', 'password = { env = "P" }',
         "primary.password: is not used: the source logs in as proxy_user"),
        ('auth = "external"', "", 'primary: "client_certificate" is missing, here or in the source'),
        ("", 'password = "literal"', "primary.password: a secret is never written here: use { env = }, { file = }, "
         "{ command = [] } or { keyring = }"),
    ],
)  # fmt: skip
def test_a_mailbox_that_does_not_fit_its_source(tmp_path: Path, source: str, mailbox: str, found: str) -> None:
    text = f"{HEAD}{source}\n{MAILBOX}" if not mailbox else f"{HEAD}{source}\n{MAILBOX[:-3]}, {mailbox} }}\n"
    told = problems(tmp_path, text)
    line = text[: text.index("primary")].count("\n") + 1
    assert f"{line}: mailbox.{found}" in told


def test_all_problems_of_a_login_come_at_once(tmp_path: Path) -> None:
    text = f'{HEAD}auth = "external"\ntls = "off"\ntenant = "t"\nproxy_user = "a"\nclient_certificate = 7\n{MAILBOX}'
    assert len(problems(tmp_path, text)) >= 2
    with pytest.raises(ConfigError) as caught:
        ImapSettings("localhost", tls="off", auth="external", tenant="t", proxy_user="a", authority="ftp://x")
    names = [line.split()[0] for line in caught.value.message.splitlines()]
    assert names == ["tenant", "authority", "proxy_user", "proxy_user", "auth"]


@pytest.mark.parametrize("where", ["source", "mailbox"])
def test_a_private_file_that_others_can_read(tmp_path: Path, where: str) -> None:
    (tmp_path / "client.pem").write_text("key")
    (tmp_path / "client.pem").chmod(0o644)
    given = 'client_certificate = { file = "client.pem" }'
    mailbox = f'{MAILBOX[:-3]}, password = {{ env = "P" }}{f", {given}" if where == "mailbox" else ""} }}\n'
    told = problems(tmp_path, f"{HEAD}{given if where == 'source' else ''}\n{mailbox}")
    assert any("client_certificate.file: others can read" in line for line in told)
    (tmp_path / "client.pem").chmod(0o600)
    load(tmp_path, f"{HEAD}{given if where == 'source' else ''}\n{mailbox}")


def test_columns_for_thousands_of_mailboxes(tmp_path: Path) -> None:
    rows = "id,primary_source,primary_username,primary_token_file,primary_client_certificate_file\n"
    (tmp_path / "m.csv").write_text(f"{rows}alice,m365,alice,alice.token,alice.pem\n")
    config = load(tmp_path, f'{HEAD}auth = "xoauth2"\n[mailboxes]\nfile = "m.csv"\n')
    account = config.mailboxes["alice"].primary.settings
    assert isinstance(account, ImapMailbox)
    assert account.client_certificate == PrivateFile(tmp_path / "alice.pem")
    assert "alice.token" in repr(account.token)


@pytest.mark.parametrize("content", [None, "", "no PEM", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"])
def test_a_client_certificate_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "client.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoginRefused, match=r"client\.pem cannot be used") as caught:
        make_context(ImapSettings("h", client_certificate=PrivateFile(path)))
    assert "PEM" in caught.value.advice


def test_the_mailboxs_certificate_comes_before_the_sources(tmp_path: Path) -> None:
    good = Authority(tmp_path).issue_client("alice")
    make_context(ImapSettings("h", client_certificate=PrivateFile(tmp_path / "none.pem")), PrivateFile(good))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("]")[0].removeprefix("[source."))
def test_the_examples_in_the_documentation_can_be_used(tmp_path: Path, example: str) -> None:
    config = load(tmp_path, HEAD[: HEAD.index("[source")] + example)
    assert config.mailboxes
    assert len(config.sources) == example.count("[source.")


def test_the_documentation_has_an_example_of_each_kind() -> None:
    assert len(EXAMPLES) >= 3
    assert [name for name in ("proxy_separator", "token", "certificate") if name not in "".join(EXAMPLES)] == []


def test_what_the_connector_refuses_is_named_whatever_else_is_wrong(tmp_path: Path) -> None:
    """And nothing that may follow from a fault that is named already."""
    faults = """port = "993"
auth = "xoauth"
token = { env = "TOKEN" }
daily_bytes = "2 gigs"
max_connections = 0
proxy_user = "master"
proxy_pasword = { env = "MASTER" }
"""
    found = [line.split(": ")[1] for line in problems(tmp_path, HEAD + faults)]
    names = ["port", "auth", "daily_bytes", "max_connections", "proxy_pasword"]
    assert found == [f"source.m365.{name}" for name in names]
