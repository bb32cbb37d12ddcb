"""IMAP (RFC 3501, RFC 9051) as a source: QRESYNC where the server has it, else CONDSTORE, else plain difference.

Only the settings are here, so that reading a configuration loads neither TLS nor imapclient.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connectors.errors import ConfigError
from connectors.protocols import Secret, Source


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """An IMAP server. Times in seconds: `connect_timeout` until the greeting, `timeout` for any silence after it.

    `port` left out is 993 for implicit TLS, else 143 (RFC 8314 3.2, RFC 3501 2.1); once made, it is always a number.
    `max_watch` is how many connections may idle for `--watch`; 0 means that the server is only polled.
    """

    host: str
    port: int | None = None
    tls: Literal["implicit", "starttls", "off"] = "implicit"
    ca_file: Path | None = None
    auth: Literal["password", "xoauth2", "oauthbearer"] = "password"
    max_connections: int = 4
    max_watch: int = 0
    connect_timeout: float = 30.0
    timeout: float = 60.0

    def __post_init__(self) -> None:
        """Raises ConfigError with all problems, one a line."""
        if self.port is None:
            object.__setattr__(self, "port", 993 if self.tls == "implicit" else 143)
        problems = [text for found, text in self._checks() if found]
        if problems:
            raise ConfigError("\n".join(problems))

    def _checks(self) -> list[tuple[bool, str]]:
        return [
            (not self.host, "host is empty"),
            (not 0 < (self.port or 0) < 65536, f"port {self.port} is not between 1 and 65535"),
            (self.tls not in ("implicit", "starttls", "off"), f'tls "{self.tls}" is not implicit, starttls or off'),
            (self.tls == "off" and not _is_loopback(self.host), f'tls = "off" sends passwords in clear to {self.host}: '
             "it is accepted for loopback addresses only"),
            ((found := _certificates(self.ca_file)) != "", f"ca_file {found}"),
            (self.auth in ("xoauth2", "oauthbearer"), f'auth = "{self.auth}" is not supported yet; only "password" is'),
            (self.auth not in ("password", "xoauth2", "oauthbearer"), f'auth "{self.auth}" is not known'),
            (self.max_connections < 1, "max_connections is less than 1"),
            (self.max_watch < 0, "max_watch is negative"),
            (min(self.connect_timeout, self.timeout) <= 0, "connect_timeout and timeout must be positive"),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """One account on that server."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class ImapConnector:
    """The connector that the configuration names "imap"."""

    name: str = "imap"
    source_settings: type[ImapSettings] = ImapSettings
    mailbox_settings: type[ImapMailbox] = ImapMailbox

    def open_source(self, source: ImapSettings, mailbox: ImapMailbox) -> Source:
        """Connects and logs in. Raises Unreachable, Untrusted, LoginRefused, ServerBusy or Throttled."""
        from connectors.imap.source import ImapSource  # noqa: PLC0415 - loads TLS and imapclient, for users of IMAP only

        return ImapSource.open(source, mailbox)


CONNECTOR = ImapConnector()


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


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
