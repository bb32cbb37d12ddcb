"""Writes to Graph: each is tried once, and told apart are done, refused, and nobody knows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from requests import Response
from requests.exceptions import ConnectionError as ConnectionFailed
from requests.exceptions import ConnectTimeout, ProxyError, RequestException, SSLError
from urllib3.exceptions import NewConnectionError

from connectors.errors import Disconnected, FolderRefused, ItemError, LoginRefused, ReplicationError, Throttled
from connectors.graph import translate
from connectors.graph.answer import Document, Refusal, parsed
from connectors.graph.client import Client
from connectors.graph.translate import About, Asked
from connectors.graph.writing import refusals

JSON = "application/json"
PLAIN = (412, 413, 429)
"""Refusals that say all by their status: of others it is Graph's code that says why, and it may be cut off."""

IMMUTABLE = 'IdType="ImmutableId"'
Body = Document | bytes | Iterable[bytes] | None


class Undecided(Exception):
    """Whether it happened is not known: the answer was lost, or says no more than that something went wrong.

    `error` is what is to be said of it. `written`: it did happen, as what is not known. The client has been closed.
    """

    def __init__(self, error: Disconnected, *, written: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.written = written


class Outdated(Exception):
    """The message is not what If-Match says. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request. What is streamed as its body has a `len`, and can be read again.

    `upload` bytes are counted against what may be uploaded; all of it, if nothing is said. Without a token it goes to
    the address of an upload, which is a secret of its own.
    """

    method: str
    url: str
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: int = -1
    with_token: bool = True

    @property
    def counted(self) -> int:
        """Bytes of upload."""
        return self.upload if self.upload >= 0 else len(self.body)  # type: ignore[arg-type]  # it has, as said


class Sending:
    """What writes in one mailbox. `clock` is the server's, as of its last answer: an HTTP date, or nothing."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.clock = ""

    def write(
        self,
        method: str,
        path: str,
        asked: Asked,
        body: Body = None,
        *,
        kind: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Document | None:
        """Done: the answer's object, None if it has none. `path` is below the version.

        Raises what Graph's refusal means: then nothing was done; Outdated; Undecided.
        """
        packed = packing(body) if isinstance(body, dict) else body or b""
        about = {**(headers or {}), **({"Content-Type": kind} if packed else {})}
        found = self.attempt(Outgoing(method, self.client.links.url(path), packed, about), asked)
        if isinstance(found, Refusal):
            raise self.refused(found, asked)
        return found

    def attempt(self, outgoing: Outgoing, asked: Asked) -> Document | Refusal | None:
        """As `write`, but that a refusal is given as it came."""
        self.client.check_open()
        with self.client.limiter.places(1, outgoing.counted, self.client.timeout):
            try:
                response = self._sent(outgoing)
            except RequestException as error:  # not as its cause: it carries the request, and that the token
                failed = self.client.failed(error)
                if not may_have_begun(error):
                    raise failed from None
                raise self._undecided(failed.message, asked, failed.retry_after) from None
            return self._answer(response, asked)

    def check_permission(self) -> None:
        """Asks for a change of a message that cannot be there. Raises what keeps the application from changing any."""
        asked = Asked(About.ITEM, f"{self.client.address}, asking whether it may be written to")
        url = self.client.links.url(self.client.links.message("none"))
        found = self.attempt(Outgoing("PATCH", url, b'{"isRead":true}', {"Content-Type": JSON}), asked)
        if isinstance(found, Refusal):
            error = self.client.refused(found, asked)
            if not isinstance(error, ItemError):
                if isinstance(error, LoginRefused) and error.advice == translate.PERMIT:
                    error.advice = refusals.PERMIT
                raise error

    def refused(self, refusal: Refusal, asked: Asked) -> Exception:
        """A refusal as our error: Outdated, or one of the mailbox's or the folder's own if it is a 403."""
        if refusal.status == 412:
            return Outdated()
        error = refusals.refused(refusal, asked)
        if isinstance(error, Throttled):
            error.retry_after = self.client.limiter.pause(refusal.retry_after)
        denied = refusal.status == 403 and isinstance(error, (LoginRefused, FolderRefused))
        if denied and asked.about is not About.MAILBOX:
            self.check_permission()
            return FolderRefused(error.message, "look at the folder in Outlook; leave it out if it is not for mail")
        return error

    def _sent(self, outgoing: Outgoing) -> Response:
        headers = {"Accept": JSON, "Prefer": IMMUTABLE, **outgoing.headers}
        method, url, body = outgoing.method, outgoing.url, outgoing.body
        if not outgoing.with_token:
            return self.client.call(method, url, headers, body)
        return self.client.with_token(lambda token: self.client.call(method, url, headers, body, token))

    def _answer(self, response: Response, asked: Asked) -> Document | Refusal | None:
        self.clock = response.headers.get("Date", "")
        with response:
            try:
                content = self.client.content(response, asked)
            except ReplicationError as error:
                if response.status_code in PLAIN:
                    return Refusal.of(response.status_code, None, response.headers)
                raise self._undecided(error.message, asked, error.retry_after) from error
        found, status = parsed(content), response.status_code
        if not 200 <= status < 300:
            return self._refusal(Refusal.of(status, found, response.headers), asked)
        self.client.limiter.praise()
        if not content:
            return None
        if not isinstance(found, dict):
            raise self._undecided("what answers is not Graph: no JSON object", asked)
        return found

    def _refusal(self, refusal: Refusal, asked: Asked) -> Refusal:
        if refusals.is_undecided(refusal):
            if refusal.retry_after is not None:
                self.client.limiter.pause(refusal.retry_after)
            raise self._undecided(translate.words(refusal), asked, refusal.retry_after)
        return refusal

    def _undecided(self, said: str, asked: Asked, retry_after: float | None = None) -> Undecided:
        """After this nothing more is asked: what else is wanted may depend on what has become of it."""
        self.client.close()
        text = f"{asked.name}: whether it was written is not known: {said}"
        return Undecided(Disconnected(text, "nothing: it is looked for before it is tried again", retry_after))


def may_have_begun(error: RequestException) -> bool:
    """Whether any of the request can have reached the server. It has not if no connection was made."""
    if isinstance(error, (ConnectTimeout, ProxyError)):
        return False
    if isinstance(error, SSLError):
        return "CERTIFICATE" not in str(error).upper()
    if isinstance(error, ConnectionFailed):
        return not any(isinstance(getattr(each, "reason", None), NewConnectionError) for each in error.args)
    return not isinstance(error, ValueError)  # an address or a header of which no request can be made


def packing(document: Document) -> bytes:
    """JSON as it goes out."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
