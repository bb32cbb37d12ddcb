"""OAuth access tokens (RFC 6749, RFC 6750): from a command of the operator's, or for an application with a certificate.

Only what a configuration needs is here; msal is loaded when the first token is asked for.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from connectors.errors import LoginRefused
from connectors.protocols import Secret

AUTHORITY = "https://login.microsoftonline.com"
"""Microsoft's worldwide cloud; the national ones have others."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 2.1. Anything else would break out of the login that carries it."""


class Tokens(Protocol):
    """Gives access tokens. Its repr shows none."""

    def token(self) -> str:
        """One that is good for some minutes at least. Raises LoginRefused, AppRefused, Unreachable, Throttled …"""
        ...

    def renew(self, refused: str) -> str:
        """The token after that one, which was refused; the same again if there is no other."""
        ...


@dataclass(frozen=True, slots=True)
class GivenTokens:
    """Tokens from a secret, which is asked each time: only its owner knows how long one lasts."""

    secret: Secret

    def token(self) -> str:
        """Raises LoginRefused if there is none, or what there is cannot be one."""
        found = self.secret().strip()
        if not _TOKEN.fullmatch(found):
            text = f"what {self.secret!r} gave is not a token, or not one alone"
            raise LoginRefused(text, "let it print the access token and nothing else")
        return found

    def renew(self, refused: str) -> str:  # noqa: ARG002 - it is asked anew in any case
        """As `token`."""
        return self.token()


@dataclass(frozen=True, slots=True)
class App:
    """An application that logs in as itself, with a certificate (client credentials, RFC 6749 4.4 and RFC 7523).

    `certificate` gives PEM with the certificate and its RSA key. `authority` is without the tenant, or ends in it.
    `ca_file` replaces the system's authorities; `timeout` is in seconds, for each answer.
    """

    tenant: str
    client_id: str
    certificate: Secret
    scope: str
    authority: str = AUTHORITY
    ca_file: Path | None = None
    timeout: float = 30.0

    @property
    def url(self) -> str:
        """The authority with its tenant."""
        base = self.authority.rstrip("/")
        return base if urlsplit(base).path.endswith(f"/{self.tenant}") else f"{base}/{self.tenant}"


def authority_problem(url: str) -> str:
    """What is wrong with the address of an authority; empty if nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return f'"{url}" is no address'
    if parts.scheme not in ("https", "http") or not host:
        return f'"{url}" is no https address'
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "has more than a host and a path"
    if parts.scheme == "http" and not _is_loopback(host):
        return f'"{url}" would send the certificate\'s proof in clear: http is for loopback addresses only'
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
