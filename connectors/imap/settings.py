"""What a configuration may say of an IMAP server and of an account on it. Nothing of TLS or imapclient is loaded."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from connectors.amount import read_amount
from connectors.errors import ConfigError
from connectors.oauth import AUTHORITY, App, authority_problem
from connectors.oauth.app import AppTokens
from connectors.protocols import PrivateFile, Secret

OUTLOOK = "https://outlook.office365.com/.default"
"""The scope of Microsoft 365's mail protocols for applications."""

APP = ("tenant", "client_id", "certificate")
OAUTH = ("xoauth2", "oauthbearer")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*").fullmatch
PROXY = ("proxy_user", "proxy_password")


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """An IMAP server. Times in seconds: `connect_timeout` until the greeting, `timeout` for any silence after it.

    `port` left out is 993 for implicit TLS, else 143 (RFC 8314 3.2, RFC 3501 2.1); once made, it is always a number.
    `max_watch` is how many connections may idle for `--watch`; 0 means that the server is only polled.
    `daily_bytes` bounds what is read of a mailbox in a day ("2500 MB"; "0": no bound); the server's own if left out.

    With `proxy_user` and `proxy_password` one account opens every mailbox: as authorization identity (RFC 4616), or,
    with `proxy_separator`, under the name `user*master`. Tokens come from `token`, or for an application from
    `authority`, by `tenant`, `client_id` and `certificate`. `ca_file` holds for the authority too.
    `app_tokens` are kept here because they are the same for all mailboxes.
    """

    host: str
    port: int | None = None
    tls: Literal["implicit", "starttls", "off"] = "implicit"
    ca_file: Path | None = None
    auth: Literal["password", "xoauth2", "oauthbearer", "external"] = "password"
    proxy_user: str | None = None
    proxy_password: Secret | None = None
    proxy_separator: str | None = None
    token: Secret | None = None
    tenant: str | None = None
    client_id: str | None = None
    certificate: Secret | None = None
    authority: str = AUTHORITY
    scope: str = OUTLOOK
    client_certificate: PrivateFile | None = None
    max_connections: int = 4
    max_watch: int = 0
    daily_bytes: str | None = None
    connect_timeout: float = 30.0
    timeout: float = 60.0
    app_tokens: AppTokens | None = field(init=False, default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError with all problems, one a line."""
        if self.port is None:
            object.__setattr__(self, "port", 993 if self.tls == "implicit" else 143)
        problems = [text for found, text in (*self._connection_checks(), *self._login_checks()) if found]
        if problems:
            raise ConfigError("\n".join(problems))
        if self.tenant is not None and self.client_id is not None and self.certificate is not None:
            about = (self.tenant, self.client_id, self.certificate, self.scope, self.authority)
            object.__setattr__(self, "app_tokens", AppTokens(App(*about, self.ca_file, self.connect_timeout)))

    def _connection_checks(self) -> list[tuple[bool, str]]:
        return [
            (not self.host, "host is empty"),
            (not 0 < (self.port or 0) < 65536, f"port {self.port} is not between 1 and 65535"),
            (self.tls not in ("implicit", "starttls", "off"), f'tls "{self.tls}" is not implicit, starttls or off'),
            (self.tls == "off" and not _is_loopback(self.host), f'tls = "off" sends passwords in clear to {self.host}: '
             "it is accepted for loopback addresses only"),
            ((found := _certificates(self.ca_file)) != "", f"ca_file {found}"),
            (self.max_connections < 1, "max_connections is less than 1"),
            (self.max_watch < 0, "max_watch is negative"),
            ((found := _amount_problem(self.daily_bytes)) != "", f"daily_bytes {found}"),
            (min(self.connect_timeout, self.timeout) <= 0, "connect_timeout and timeout must be positive"),
        ]  # fmt: skip

    def _login_checks(self) -> list[tuple[bool, str]]:
        oauth, password = self.auth in OAUTH, self.auth == "password"
        missing = [name for name in APP if getattr(self, name) is None]
        quoted = " and ".join(missing) + (" are" if missing[1:] else " is")
        return [
            (self.auth not in (*OAUTH, "password", "external"), f'auth "{self.auth}" is not known'),
            *((not oauth and getattr(self, name) is not None, f'{name} goes with auth = "xoauth2" or "oauthbearer"')
              for name in ("token", *APP)),
            (oauth and 0 < len(missing) < 3, f"an application has tenant, client_id and certificate: {quoted} missing"),
            (self.tenant is not None and not _TENANT(self.tenant), "tenant is neither a GUID nor a domain name"),
            (oauth and not missing and self.token is not None, "token goes without tenant, client_id and certificate"),
            ((found := authority_problem(self.authority)) != "", f"authority {found}"),
            *((not password and getattr(self, name) is not None, f'{name} goes with auth = "password"')
              for name in (*PROXY, "proxy_separator")),
            ((self.proxy_user is None) != (self.proxy_password is None), "proxy_user and proxy_password go together"),
            (self.proxy_separator is not None and self.proxy_user is None, "proxy_separator goes with proxy_user"),
            (self.client_certificate is not None and self.tls == "off", "client_certificate needs TLS"),
            (self.auth == "external" and self.tls == "off", 'auth = "external" needs TLS'),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """One account on that server: its name, and what it logs in with where the source has nothing for all."""

    username: str
    password: Secret | None = None
    token: Secret | None = None
    client_certificate: PrivateFile | None = None


def misfits(source: ImapSettings, mailbox: ImapMailbox) -> list[str]:
    """What the mailbox lacks, or has too much, given its source; a line each."""
    oauth, proxied = source.auth in OAUTH, source.proxy_user is not None
    for_all = source.token is not None or source.app_tokens is not None
    certified = source.client_certificate is not None or mailbox.client_certificate is not None
    unused = f'is not used with auth = "{source.auth}"'
    checks = [
        (source.auth == "password" and not proxied and mailbox.password is None, '"password" is missing'),
        (proxied and mailbox.password is not None, "password is not used: the source logs in as proxy_user"),
        (source.auth != "password" and mailbox.password is not None, f"password {unused}"),
        (oauth and not for_all and mailbox.token is None, '"token" is missing, here or in the source; '
         "or the source has tenant, client_id and certificate"),
        (not oauth and mailbox.token is not None, f"token {unused}"),
        (source.auth == "external" and not certified, '"client_certificate" is missing, here or in the source'),
        (mailbox.client_certificate is not None and source.tls == "off", "client_certificate needs TLS"),
    ]  # fmt: skip
    return [text for found, text in checks if found]


def _certificates(path: Path | None) -> str:
    """What is wrong with a file of certificates; empty if nothing is. Whether TLS can use them shows when it does."""
    try:
        content = b"" if path is None else path.read_bytes()
    except FileNotFoundError:
        return f"{path}: there is no such file"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    pem = path is None or re.search(rb"^-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----", content, re.M)
    return "" if pem else f"{path} holds no certificate in PEM"


def _amount_problem(text: str | None) -> str:
    try:
        read_amount(text or "0")
    except ValueError as error:
        return str(error)
    return ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
