"""What Graph shows before anyone logs in, and until when the application's own certificate holds."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ssl import cert_time_to_seconds
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from requests.exceptions import RequestException

from connectors.abilities import Survey
from connectors.errors import AppRefused
from connectors.graph import translate
from connectors.graph.client import system_authorities
from connectors.graph.settings import GraphSettings
from connectors.oauth import App
from connectors.oauth.credential import read_credential

RENEW = (
    "make a new one (docs/microsoft365.md), upload it in the Microsoft Entra admin center under App registrations, "
    "Certificates & secrets, and put it into the file that certificate names"
)


def survey(settings: GraphSettings) -> Survey:
    """Asks for Graph's version document without a token. Raises Unreachable, Untrusted; AppRefused for our certificate.

    `expires` is the earlier end of the two certificates, and `seen` says whose it is.
    """
    ours = _our_certificate(settings)
    parts = urlsplit(settings.root)
    verify = str(settings.ca_file) if settings.ca_file else system_authorities()
    timeout = (settings.connect_timeout, settings.timeout)
    try:
        with requests.get(settings.root, stream=True, timeout=timeout, allow_redirects=False, verify=verify) as answer:
            theirs, clock = _their_certificate(answer.raw), _clock(answer.headers.get("Date", ""))
    except RequestException as error:
        raise translate.connecting(error, parts.netloc) from None
    what = f"{parts.netloc} by {parts.scheme.upper()}"
    if theirs is None or ours <= theirs:
        return Survey(f"{what}, as application {settings.client_id}", ours, clock)
    return Survey(what, theirs, clock)


def _our_certificate(settings: GraphSettings) -> datetime:
    """Until when it holds. Raises AppRefused if that has passed, or if it cannot be used at all."""
    app = App(settings.tenant, settings.client_id, settings.certificate, "")
    ends = x509.load_pem_x509_certificate(read_credential(app).certificate.encode()).not_valid_after_utc
    if ends <= datetime.now(UTC):  # noqa: TID251 - as TLS does it for the server's
        text = f"certificate of {settings.client_id}, {settings.certificate!r}: it ended on {ends.date()}"
        raise AppRefused(text, RENEW)
    return ends


def _their_certificate(raw: Any) -> datetime | None:
    """Out of the socket that the answer came by; None where requests does not give it, as after a short answer."""
    socket: Any = getattr(getattr(raw, "connection", None), "sock", None)
    shown = socket.getpeercert() if hasattr(socket, "getpeercert") else None
    return datetime.fromtimestamp(cert_time_to_seconds(shown["notAfter"]), UTC) if shown else None


def _clock(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
