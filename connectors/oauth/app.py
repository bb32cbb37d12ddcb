"""Tokens for an application: fetched when needed, kept in memory, replaced five minutes before they expire."""

from threading import Lock
from typing import TYPE_CHECKING

from connectors.oauth import App

if TYPE_CHECKING:
    from connectors.oauth.client import Client


class AppTokens:
    """The tokens of one application, for as many mailboxes and threads as like.

    What crosses to another process is the application, and never a token.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._client: Client | None = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"AppTokens({self._app!r})"

    def __reduce__(self) -> tuple[type["AppTokens"], tuple[App]]:
        return AppTokens, (self._app,)

    def token(self) -> str:
        """Raises AppRefused, LoginRefused, Unreachable, Untrusted, Throttled."""
        with self._lock:
            return self._connected().token()

    def renew(self, refused: str) -> str:
        """Asks for another, unless that has been done since. Raises as `token` does."""
        with self._lock:
            token = self._connected().token()
            if token != refused:
                return token
            self._client = None  # with its certificate, which may have been replaced
            return self._connected().token()

    def _connected(self) -> "Client":
        if self._client is None:
            from connectors.oauth.client import Client  # noqa: PLC0415 - loads msal, for those who log in with it

            self._client = Client(self._app)
        return self._client
