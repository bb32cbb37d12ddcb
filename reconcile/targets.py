"""Where the links and pictures of a message lead to, held as far as there is room."""

import hashlib
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

LINKS_MAX = 50_000
"""Links and pictures that are held. Of a message with more, the rest is compared by digest only."""
LINK_MAX = 2000
"""Characters of a link that are held; a longer one is held as its digest."""


class Targets:
    """In their order. Up to `room` of them are held."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: list[str] = []
        self._more: hashlib._Hash | None = None

    def add(self, links: tuple[str, ...]) -> None:
        """The next ones."""
        room = self._room - len(self._held)
        self._held += [link if len(link) <= LINK_MAX else _hex(link) for link in links[:room]]
        for link in links[room:]:
            self._more = self._more or hashlib.sha256()
            self._more.update(_sized(_encoded(link)))

    @property
    def are_whole(self) -> bool:
        """Whether all of them are held."""
        return self._more is None

    def shown(self, pictures: Mapping[str, bytes]) -> tuple[str, ...]:
        """All that are held, and a digest of the others.

        A picture inside the message counts by its content, given by its Content-ID, which is made anew on the way.
        """
        held = [_shown(link, pictures) if link[:4] in _CID else link for link in self._held]
        return (*held, self._more.hexdigest()) if self._more else tuple(held)

    def digest(self, pictures: Mapping[str, bytes]) -> bytes:
        """Of `shown`."""
        shown = self.shown(pictures)
        if all(map(str.isascii, shown)):  # the same bytes, with one call for all of them
            return hashlib.sha256("".join([_SIZES[len(link)] + link for link in shown]).encode("latin-1")).digest()
        return digest_of(map(_encoded, shown))


def digest_of(items: Iterable[bytes]) -> bytes:
    """Of a sequence; each item with its length, so that no two sequences are one."""
    return hashlib.sha256(b"".join(map(_sized, items))).digest()


_CID = frozenset(c + i + d + ":" for c in "cC" for i in "iI" for d in "dD")
_SIZES = [size.to_bytes(8, "big").decode("latin-1") for size in range(LINK_MAX + 1)]


def _shown(link: str, pictures: Mapping[str, bytes]) -> str:
    found = pictures.get(link[4:]) or pictures.get(unquote(link[4:]))
    return f"cid:{found.hex() if found else ''}"


def _sized(item: bytes) -> bytes:
    return len(item).to_bytes(8, "big") + item


def _encoded(link: str) -> bytes:
    return link.encode("utf-8", "surrogatepass")


def _hex(link: str) -> str:
    return hashlib.sha256(_encoded(link)).hexdigest()
