"""The addresses of one mailbox in Graph, and which of the links that Graph gives are followed."""

from urllib.parse import SplitResult, quote, urlsplit

from connectors.errors import ProtocolError
from connectors.graph.answer import Document


class Links:
    """`root` is the base with its version. A token goes to its scheme, host and port, and nowhere else."""

    def __init__(self, root: str, address: str) -> None:
        self.root = root
        self.user = f"/users/{quote(address, safe='@')}"
        self._home = _origin(urlsplit(root))

    def url(self, path: str) -> str:
        """The address of a path below the version."""
        return self.root + path

    def path(self, link: str) -> str:
        """A link as a path below the version, for a batch; empty if it is not below it."""
        return link.removeprefix(self.root) if link.startswith(f"{self.root}/") else ""

    def folder(self, folder_id: str) -> str:
        """The path of a folder, by its id or its well-known name."""
        return f"{self.user}/mailFolders/{quote(folder_id, safe='')}"

    def message(self, message_id: str) -> str:
        """The path of a message, wherever in the mailbox it stands."""
        return f"{self.user}/messages/{quote(message_id, safe='')}"

    def is_ours(self, link: str) -> bool:
        """Whether the link leads to where the token belongs."""
        try:
            parts = urlsplit(link)
            return "@" not in parts.netloc and _origin(parts) == self._home
        except ValueError:
            return False

    def checked(self, link: object, name: str) -> str:
        """A link out of an answer. Raises ProtocolError for one that leads elsewhere."""
        if not isinstance(link, str) or not self.is_ours(link):
            text = f"{name}: Graph's answer leads to another host, and is not followed with the token"
            raise ProtocolError(text, "check base_url; if it is right, look at the proxy between")
        return link

    def following(self, document: Document, url: str, name: str) -> str:
        """The next page after the one at `url`; empty after the last. Raises ProtocolError if that leads nowhere."""
        if (link := document.get("@odata.nextLink")) is None:
            return ""
        if link == url:
            raise ProtocolError(f"{name}: Graph says that a page comes after itself", "report it")
        return self.checked(link, name)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port
