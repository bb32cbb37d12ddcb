"""Errors of msal, requests and OAuth authorities into ours. None of the texts holds a token or a proof."""

import re
from collections.abc import Mapping
from typing import Any

from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ConnectTimeout, ProxyError, ReadTimeout, RequestException, SSLError

from connectors.errors import AppRefused, SourceError, Throttled, Unanswered, Unreachable, Untrusted
from connectors.oauth import App
from connectors.oauth.transport import NotAnAuthority, Unready

UNANSWERED: tuple[tuple[type[RequestException], type[SourceError], str, str], ...] = (
    (SSLError, Untrusted, "its certificate was not accepted",
     "check authority, or name the issuer's certificate as ca_file"),
    (ProxyError, Unreachable, "the proxy does not let us through", "look at HTTPS_PROXY and at the proxy's log"),
    (ConnectTimeout, Unanswered, "no answer in time", "check the network and firewalls: HTTPS must be let out"),
    (ReadTimeout, Unanswered, "no answer in time", "nothing: the next run tries again"),
    (ConnectionFailed, Unreachable, "no connection", "check authority, DNS and firewalls: HTTPS must be let out"),
    (NotAnAuthority, Unreachable, "what answers there is no OAuth authority", "check authority and any proxy between"),
    (RequestException, Unreachable, "the request failed", "check authority"),
)  # fmt: skip
"""What a request means that got no answer; the first that fits."""

REFUSED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"AADSTS700016\b|unauthorized_client"),
     "check client_id and tenant, and that an administrator has consented to the application there"),
    (re.compile(r"AADSTS(700024|50013)\b"), "set this machine's clock right: the proof is good for ten minutes"),
    (re.compile(r"AADSTS90002\b"), "check tenant: there is none of that name"),
    (re.compile(r"AADSTS70011\b|invalid_scope|invalid_resource|AADSTS500011\b"), "check scope"),
    (re.compile(r"AADSTS53003\b"), "let the tenant's Conditional Access admit this workload from this address"),
    (re.compile(r"invalid_client"),
     "add the certificate, which must not have expired, to the application in its tenant; check client_id"),
)  # fmt: skip
"""What to do, by Microsoft's number or OAuth's word (RFC 6749 5.2); the first that fits."""

_PROOF = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
"""A signed token, of whatever kind (RFC 7515 3.1)."""


def unanswered(error: RequestException, app: App) -> SourceError:
    """A request without an answer, or with one that says "later"."""
    if isinstance(error, Unready):
        later = Throttled if error.status == 429 else Unreachable
        what = f"{app.url}: the authority answers HTTP {error.status}"
        return later(what, "nothing: the next run tries again", error.retry_after)
    kind, words, advice = next(row[1:] for row in UNANSWERED if isinstance(error, row[0]))
    return kind(f"{app.url}: {words}", advice)


def no_endpoints(app: App) -> SourceError:
    """The authority answered, and does not say where it gives tokens."""
    return AppRefused(f"{app.url}: the authority knows no such tenant", "check tenant and authority")


def refused(answer: Mapping[str, Any], app: App) -> SourceError:
    """An answer without a token (RFC 6749 5.2)."""
    code, text = str(answer.get("error", "no token")), str(answer.get("error_description", ""))
    said = " ".join(_PROOF.sub("***", text).split(" Trace ID:")[0].split())
    advice = next((advice for pattern, advice in REFUSED if pattern.search(f"{code} {text}")), "read what it says")
    what = f"application {app.client_id} at {app.url}: no token: {code}"
    return AppRefused(f"{what}: {said[:200]}" if said else what, advice)
