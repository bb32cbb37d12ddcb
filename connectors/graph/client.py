"""Requests to Graph for one mailbox: with a token that is sent nowhere else, within its limits, each error ours."""

import json
import logging
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from connectors.errors import Disconnected, ProtocolError, ReplicationError, Throttled
from connectors.graph import translate
from connectors.graph.answer import MOST, Document, Refusal, Reply, as_object, parsed
from connectors.graph.limiter import AT_ONCE, UNSAID, Limiter
from connectors.graph.links import Links
from connectors.graph.settings import GraphMailbox, GraphSettings
from connectors.graph.translate import Asked

log = logging.getLogger(__name__)

BATCH = 20
"""Requests in a $batch (learn.microsoft.com/graph/json-batching)."""

PAGE = 100
"""Rows in a page of changes: with mail of a common size, some 10 MB of it."""

CHUNK = 128 << 10

FOREIGN = (RequestException, HTTPError, OSError, ValueError, AttributeError)
"""All that requests and urllib3 raise while an answer is read; the last two when it was closed meanwhile."""


class Closing(Protocol):
    """What holds one of the mailbox's places beyond its request."""

    def close(self) -> None:
        """Gives the place back. More than once does no harm."""
        ...


class Client:
    """For as many threads as like. `new_id` gives what Microsoft's support is told of each request."""

    def __init__(
        self, settings: GraphSettings, mailbox: GraphMailbox, new_id: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self.address = mailbox.address
        self.links = Links(settings.root, mailbox.address)
        self.limiter: Limiter = settings.limiters.of(mailbox.address)
        self.page = PAGE
        self.timeout = settings.timeout
        self._settings = settings
        self._new_id = new_id
        self._place = f"{mailbox.address} at {urlsplit(settings.root).netloc}"
        self._verify = str(settings.ca_file) if settings.ca_file else system_authorities()
        self._session = Session()
        self._session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=AT_ONCE, max_retries=0))
        self._session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=AT_ONCE, max_retries=0))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._answered = False
        self._closed = False
        self._lock = Lock()
        self._open: set[Closing] = set()

    def get(self, url: str, asked: Asked, page: int | None = None) -> Document:
        """One JSON object. Raises what `translate` makes of anything else."""
        with self.limiter.places(1, 0, self._settings.timeout):
            return self._document(self._send("GET", url, asked, page or self.page), asked)

    def batch(self, paths: Sequence[str], asked: Asked, *, in_turn: bool = False) -> list[Reply]:
        """The answers to GETs of these paths below the version, in their order; `in_turn`: each after the one before.

        Raises Throttled, with the longest pause, if any of them is: the others are then asked again.
        """
        replies: list[Reply] = []
        while len(replies) < len(paths):
            some = paths[len(replies) : len(replies) + BATCH]
            with self.limiter.places(len(some), sum(map(len, some)), self._settings.timeout) as granted:
                rows = _batched(some[:granted], self.page, in_turn=in_turn)
                replies += self._batch(rows, asked, self._settings.tokens.token())
        return replies

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b"", token: str = ""
    ) -> Response:
        """One request as it is, its answer unread; what is streamed has a `len`. Raises as requests does.

        Without a token none is sent, nor any other login.
        """
        self.check_open()
        response = self._session.request(
            method,
            url,
            data=body or None,
            headers={**headers, "client-request-id": self._new_id(), "User-Agent": "mailbox-replicator"},
            auth=_Bearer(token),
            timeout=(self._settings.connect_timeout, self.timeout),
            allow_redirects=False,
            stream=True,
            # With each request: on a session, a variable of the environment would come before it.
            verify=self._verify,
        )
        self._answered = True
        return response

    def with_token(self, send: Callable[[str], Response]) -> Response:
        """What is sent with a token; with another one if that is refused, which means that nothing was done."""
        token = self._settings.tokens.token()
        response = send(token)
        if response.status_code == 401 and (other := self._settings.tokens.renew(token)) != token:
            response.close()
            response = send(other)
        return response

    def open(self, url: str, asked: Asked) -> Response:
        """An answer whose body is still to be read; the caller holds a place for it, and closes it.

        Raises what `translate` makes of a refusal.
        """
        response = self._send("GET", url, asked, self.page, accept="*/*")
        if response.status_code != 200:
            raise self._refused(response, asked)
        self.limiter.praise()
        return response

    def refused(self, refusal: Refusal, asked: Asked) -> ReplicationError:
        """A refusal as our error; if it asks for a pause, that is kept to from now on."""
        error = translate.refused(refusal, asked)
        if isinstance(error, Throttled) or refusal.retry_after:
            error.retry_after = self.limiter.pause(refusal.retry_after)
        return error

    def lost(self, error: Exception) -> ReplicationError:
        """An answer that came to no end."""
        if self._closed:
            return Disconnected("this source was closed", "open it again")
        return translate.disconnected(error, self._place)

    def failed(self, error: RequestException) -> ReplicationError:
        """A request that got no answer."""
        return self.lost(error) if self._answered or self._closed else translate.connecting(error, self._place)

    def check_open(self) -> None:
        """Raises Disconnected once the client was closed."""
        if self._closed:
            raise Disconnected("this source was closed", "open it again")

    def keep(self, stream: "Closing") -> None:
        """It is closed with the client, if it has not been let go of by then."""
        with self._lock:
            self._open.add(stream)
        if self._closed:
            stream.close()

    def let_go(self, stream: "Closing") -> None:
        """It was closed."""
        with self._lock:
            self._open.discard(stream)

    def close(self) -> None:
        """No more requests, and no more of what is streamed; whatever else is under way ends by itself."""
        self._closed = True
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            stream.close()
        self._session.close()

    def _batch(self, rows: list[Document], asked: Asked, token: str) -> list[Reply]:
        """A token may run out between the batch and what is in it: then all is asked once more, with another one."""
        replies = self._replies(rows, asked)
        refusals = [reply.refusal for reply in replies if reply.refusal is not None]
        if any(each.status == 401 for each in refusals) and self._settings.tokens.renew(token) != token:
            replies = self._replies(rows, asked)
            refusals = [reply.refusal for reply in replies if reply.refusal is not None]
        throttled = [each for each in refusals if isinstance(translate.refused(each, asked), Throttled)]
        if throttled:
            raise self.refused(max(throttled, key=_pause), asked)
        return replies

    def _replies(self, rows: list[Document], asked: Asked) -> list[Reply]:
        body = json.dumps({"requests": rows}).encode()
        response = self._send("POST", self.links.url("/$batch"), asked, self.page, body=body)
        found = self._document(response, asked).get("responses")
        answers = {row.get("id"): row for row in found if isinstance(row, dict)} if isinstance(found, list) else {}
        if any(row["id"] not in answers for row in rows):
            raise ProtocolError(f"{asked.name}: {len(rows)} requests were sent together, {len(answers)} were answered")
        return [_reply(answers[row["id"]]) for row in rows]

    def _document(self, response: Response, asked: Asked) -> Document:
        with response:
            if response.status_code != 200:
                raise self._refused(response, asked)
            content = parsed(self.content(response, asked))
        if not isinstance(content, dict):
            text = f"{asked.name}: what answers is not Graph: no JSON object"
            raise ProtocolError(text, "check base_url and any proxy between")
        self.limiter.praise()
        return content

    def _refused(self, response: Response, asked: Asked) -> ReplicationError:
        with response:
            content = parsed(self.content(response, asked))
        if 300 <= response.status_code < 400 and response.status_code != 304:
            text = f"{asked.name}: the answer is a redirection, which is not followed with the token"
            return ProtocolError(text, "check base_url and any proxy between")
        return self.refused(Refusal.of(response.status_code, content, response.headers), asked)

    def content(self, response: Response, asked: Asked) -> bytes:
        """The body of an answer in JSON. Raises Disconnected where it ends too early."""
        content = bytearray()
        try:
            for chunk in response.iter_content(CHUNK):
                content += chunk
                if len(content) > MOST:
                    raise ProtocolError(f"{asked.name}: an answer of more than {MOST >> 20} MB", "report it")
        except FOREIGN as error:
            raise self.lost(error) from None
        return bytes(content)

    def _send(
        self, method: str, url: str, asked: Asked, page: int, *, accept: str = "application/json", body: bytes = b""
    ) -> Response:
        """The answer, its body unread. A token that is refused is renewed once."""
        headers = {"Accept": accept, "Prefer": _prefer(page)}
        if body:
            headers["Content-Type"] = "application/json"
        response = self.with_token(lambda token: self._try(method, url, headers, body, token))
        log.debug("Graph: %s of %s: %d, %s", method, asked.about.name, response.status_code, _traced(response.headers))
        return response

    def _try(self, method: str, url: str, headers: Mapping[str, str], body: bytes, token: str) -> Response:
        try:
            return self.call(method, url, headers, body, token)
        except RequestException as error:  # not as its cause: it carries the request, and that the token
            raise self.failed(error) from None


class _Bearer(AuthBase):
    """Sets the token itself, so that requests looks for no other login (.netrc)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _batched(paths: Sequence[str], page: int, *, in_turn: bool) -> list[Document]:
    headers = {"Prefer": _prefer(page)}
    rows = [Document(id=str(i), method="GET", url=path, headers=headers) for i, path in enumerate(paths)]
    for before, row in zip(rows, rows[1:] if in_turn else (), strict=False):
        row["dependsOn"] = [before["id"]]
    return rows


def _reply(row: Document) -> Reply:
    status, body, headers = row.get("status"), row.get("body"), as_object(row.get("headers"))
    if status == 200 and isinstance(body, dict):
        return Reply(body)
    return Reply(refusal=Refusal.of(status if isinstance(status, int) else 0, body, _canonical(headers)))


def _pause(refusal: Refusal) -> float:
    return UNSAID if refusal.retry_after is None else refusal.retry_after


def _canonical(headers: Document) -> dict[str, str]:
    """The headers that are read of an answer in a batch, however they are written."""
    names = {"retry-after": "Retry-After", "request-id": "request-id", "date": "Date"}
    return {names[key.lower()]: str(value) for key, value in headers.items() if key.lower() in names}


def _prefer(page: int) -> str:
    """Not part of a link: to be said with every request (learn.microsoft.com/graph/outlook-immutable-id)."""
    return f'IdType="ImmutableId", odata.maxpagesize={page}'


def _traced(headers: Any) -> str:
    return f"request-id {headers.get('request-id', 'none')}"


def system_authorities() -> str | bool:
    """The system's own, as for mail servers and for the authority of tokens; requests' own list where there is none."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
