"""The application as msal sees it: discovery, proof by certificate, and a cache of tokens in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msal
from msal.oauth2cli import JwtAssertionCreator
from requests.exceptions import RequestException

from connectors.oauth import App, translate
from connectors.oauth.credential import Credential, read_credential
from connectors.oauth.transport import Transport


class Client:
    """Asks nothing before the first `token`. Each failure is made into ours, without what was sent."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._client: Any = None

    def token(self) -> str:
        """From the cache, as long as it is good for five minutes more. Raises as AppTokens does."""
        with translating(self._app):
            if self._client is None:
                self._client = _connect(self._app)
            answer = self._client.acquire_token_for_client(scopes=[self._app.scope])
        token = answer.get("access_token", "")
        if not token:
            self._client = None  # next time with the certificate as it is then
            raise translate.refused(answer, self._app)
        return str(token)


@contextmanager
def translating(app: App) -> Iterator[None]:
    """The errors of msal and requests into ours, and not as the cause: a request's error carries the request."""
    try:
        yield
    except RequestException as error:
        raise translate.unanswered(error, app) from None
    except (ValueError, KeyError):  # so msal says that discovery failed, quoting the whole answer
        raise translate.no_endpoints(app) from None


def _connect(app: App) -> Any:
    """Asks the authority for its endpoints, and no other host whether it is one (instance discovery)."""
    credential, transport = read_credential(app), Transport(app)
    return msal.ConfidentialClientApplication(
        app.client_id,
        authority=transport.authority,
        client_credential=_proof(app, credential, transport),
        http_client=transport,
        instance_discovery=False,
    )


def _proof(app: App, credential: Credential, transport: Transport) -> dict[str, Any]:
    """msal makes the proof out to the token endpoint, of which it knows https alone; over http it is made out here."""
    if not transport.plain:
        return {"private_key": credential.key, "public_certificate": credential.certificate}
    creator = JwtAssertionCreator(credential.key, "PS256", headers=credential.headers)
    return {"client_assertion": lambda: creator.create_normal_assertion(transport.endpoint, app.client_id)}
