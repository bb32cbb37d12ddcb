"""What a configuration may say of a tenant of Microsoft 365 and of a mailbox in it. Nothing of requests is loaded."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from connectors.errors import ConfigError
from connectors.graph.limiter import Limiters
from connectors.oauth import AUTHORITY, App, authority_problem
from connectors.oauth.app import AppTokens
from connectors.protocols import Secret

GRAPH = "https://graph.microsoft.com"
"""Microsoft's worldwide cloud."""

CLOUDS = {
    "graph.microsoft.com": ("login.microsoftonline.com",),
    "graph.microsoft.us": ("login.microsoftonline.us",),
    "dod-graph.microsoft.us": ("login.microsoftonline.us",),
    "microsoftgraph.chinacloudapi.cn": ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
}
"""Where each cloud's applications get their tokens: learn.microsoft.com/graph/deployments."""

WAYS = ("auto", "import", "imap", "compose")
"""By which way messages are written: connectors.graph.writing.appending."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*").fullmatch
_VERSION = re.compile(r"/(v1\.0|beta)\Z")
_ADDRESS = re.compile(r"[^\s/\\@?]+@[^\s/\\@?]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """A tenant, and the application that reads in it. Times in seconds, for one connection and for any silence.

    `base_url` and `authority` are Microsoft's own unless a national cloud or a test says otherwise; `ca_file` holds for
    both. `writing` is how messages are written: by what the tenant allows ("auto"), or only by "import", "imap" or
    "compose". `imap_host` is the mailboxes' IMAP server, with implicit TLS: the way where importing is not allowed.
    Tokens, and how much of each mailbox's limits is used, are kept here because they outlive sessions.
    """

    tenant: str
    client_id: str
    certificate: Secret
    base_url: str = GRAPH
    authority: str = AUTHORITY
    ca_file: Path | None = None
    connect_timeout: float = 30.0
    timeout: float = 60.0
    writing: str = "auto"
    imap_host: str = ""
    imap_port: int = 993
    tokens: AppTokens = field(init=False, repr=False, compare=False)
    limiters: Limiters = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError with all problems, one a line."""
        checks = [
            (not _TENANT(self.tenant), "tenant is neither a GUID nor a domain name"),
            (not self.client_id, "client_id is empty"),
            ((found := _base_problem(self.base_url)) != "", f"base_url {found}"),
            ((found := authority_problem(self.authority)) != "", f"authority {found}"),
            ((found := _cloud_problem(self.base_url, self.authority)) != "", f"authority {found}"),
            ((found := _file_problem(self.ca_file)) != "", f"ca_file {found}"),
            (min(self.connect_timeout, self.timeout) <= 0, "connect_timeout and timeout must be positive"),
            (self.writing not in WAYS, f"writing is none of {', '.join(WAYS)}"),
            (self.writing == "imap" and not self.imap_host, 'writing = "imap" needs imap_host'),
            (not 0 < self.imap_port < 65536, f"imap_port {self.imap_port} is not between 1 and 65535"),
        ]
        problems = [text for wrong, text in checks if wrong]
        if problems:
            raise ConfigError("\n".join(problems))
        app = (self.tenant, self.client_id, self.certificate, f"{_host(self.base_url)}/.default", self.authority)
        object.__setattr__(self, "tokens", AppTokens(App(*app, self.ca_file, self.connect_timeout)))
        object.__setattr__(self, "limiters", Limiters())

    @property
    def root(self) -> str:
        """Where all paths begin: the base with its version."""
        base = self.base_url.rstrip("/")
        return base if _VERSION.search(base) else f"{base}/v1.0"


@dataclass(frozen=True, slots=True)
class GraphMailbox:
    """One mailbox: its address, its user principal name, or its user's object id."""

    address: str

    def __post_init__(self) -> None:
        """Raises ConfigError for what cannot be the name of a user."""
        if not _ADDRESS(self.address):
            raise ConfigError(f'address "{self.address}" is neither an address nor an object id')


def _base_problem(url: str) -> str:
    found = authority_problem(url)
    if found.endswith("loopback addresses only"):
        return f'"{url}" would send tokens and mail in clear: http is for loopback addresses only'
    return found


def _cloud_problem(base_url: str, authority: str) -> str:
    """Whether the one is Microsoft's and the other that of another cloud: its tokens would not be taken."""
    if _base_problem(base_url) or authority_problem(authority):
        return ""
    fitting = CLOUDS.get(urlsplit(base_url).hostname or "")
    known = {host for hosts in CLOUDS.values() for host in hosts}
    host = urlsplit(authority).hostname
    if fitting is None or host not in known or host in fitting:
        return ""
    return f'"{authority}" belongs to another cloud than base_url; there it is "https://{fitting[0]}"'


def _file_problem(path: Path | None) -> str:
    try:
        content = b"" if path is None else path.read_bytes()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return "" if path is None or b"-----BEGIN" in content else f"{path} holds no certificate in PEM"


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
