"""How msal's requests reach the authority: verified, bounded, never redirected; over http on loopback alone."""

import ssl
from dataclasses import dataclass
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import urlsplit

from requests import Response, Session
from requests.exceptions import RequestException

from connectors.oauth import App


class Unready(RequestException):
    """The authority is throttling or broken: `status`, and `retry_after` in seconds if it said so.

    Of this kind, so that msal goes on with a token that it could not replace early.
    """

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class NotAnAuthority(RequestException):
    """Whoever answered is no OAuth authority: a redirect, or no JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """As much of a response as msal reads."""

    status_code: int
    text: str
    headers: dict[str, str]


class Transport:
    """The http client of one application. `plain` is set where the authority speaks http.

    msal refuses http. So it is shown https addresses of that one authority, which are changed back here; `endpoint` is
    then the token endpoint as the authority names it.
    """

    def __init__(self, app: App) -> None:
        parts = urlsplit(app.url)
        self.plain = parts.scheme == "http"
        self.endpoint = ""
        self.authority = f"https{app.url[len(parts.scheme) :]}"
        self._shown, self._real = f"https://{parts.netloc}/", f"{parts.scheme}://{parts.netloc}/"
        self._timeout = app.timeout
        self._session = Session()
        self._verify = str(app.ca_file) if app.ca_file else _system_authorities()

    def get(self, url: str, **options: Any) -> Answer:
        """As `requests.get`."""
        return self._ask("GET", url, options)

    def post(self, url: str, **options: Any) -> Answer:
        """As `requests.post`."""
        return self._ask("POST", url, options)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _ask(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        if self.plain:
            url = url.replace(self._shown, self._real, 1)
        # `verify` with each request: on a session, a variable of the environment would come before it.
        options |= {"timeout": self._timeout, "allow_redirects": False, "verify": self._verify}
        answer = self._session.request(method, url, **options)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unready(answer.status_code, _seconds(answer.headers.get("Retry-After", "")))
        return Answer(answer.status_code, self._text(answer), dict(answer.headers))

    def _text(self, answer: Response) -> str:
        """Only JSON: msal would log an answer of any other kind, whatever it holds."""
        try:
            content = loads(answer.text)
        except (JSONDecodeError, RecursionError):
            content = None
        if (answer.status_code < 400 and not isinstance(content, dict)) or 300 <= answer.status_code < 400:
            raise NotAnAuthority(f"HTTP {answer.status_code}")
        if not self.plain or not isinstance(content, dict):
            return answer.text if content is not None else "{}"
        self.endpoint = content.get("token_endpoint", self.endpoint)
        return answer.text.replace(self._real, self._shown)


def _system_authorities() -> str | bool:
    """The system's own, as for mail servers, and not the list that requests brings; that one where there is none."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None
