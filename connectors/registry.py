"""The connectors that are installed, by name: entry points of the group `mailbox_replicator.connectors`.

An entry point names an object that is a `connectors.protocols.Connector`. It is imported only when it is asked for,
since a mail system's library can cost more memory than all of the engine.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from connectors.errors import ConfigError
from connectors.protocols import Connector

GROUP = "mailbox_replicator.connectors"


def connectors() -> "Registry":
    """All that are installed in this Python."""
    return Registry(entry_points(group=GROUP))


def find_connector(name: str) -> Connector:
    """The installed connector of that name. Raises ConfigError, as `Registry.find`."""
    return connectors().find(name)


class Registry(Mapping[str, Connector]):
    """Name -> Connector. Names cost nothing; a connector is imported when it is looked up."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._points: dict[str, dict[str, EntryPoint]] = {}
        for point in points:  # one distribution may be found twice, by an install and by the working directory
            self._points.setdefault(point.name, {})[point.value] = point

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._points))

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, name: str) -> Connector:
        """Raises KeyError if unknown; ConfigError if claimed twice or not to be imported."""
        claims = self._points[name]
        if len(claims) > 1:
            raise ConfigError(f"connector {name!r} is claimed by {' and '.join(sorted(claims))}", "uninstall one")
        return _load(*claims.values())

    def find(self, name: str) -> Connector:
        """As `[name]`, but an unknown name is a ConfigError that lists the known ones."""
        if name not in self:
            raise ConfigError(f"there is no connector {name!r}", self._advice(name))
        return self[name]

    def _advice(self, name: str) -> str:
        close = get_close_matches(name, self, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        return f"{guess}known are: {', '.join(self) or 'none'}"


def _load(point: EntryPoint) -> Connector:
    try:
        connector: Connector = point.load()
    except (ImportError, AttributeError) as error:
        text = f"connector {point.name!r} is installed and cannot be loaded: {error}"
        raise ConfigError(text, f"install what {point.value} needs") from error
    return connector
