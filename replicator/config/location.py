"""Where the configuration file is, in the order that the documentation gives."""

import sys
from collections.abc import Mapping
from pathlib import Path

from connectors.errors import ConfigError

NAME = "replicator.toml"


def find_config(named: str | None, environment: Mapping[str, str], directory: Path) -> Path:
    """`--config`, else `$REPLICATOR_CONFIG`, else `replicator.toml` here, else the one in the platform's directory.

    Raises ConfigError if none of them names a file; the first two are taken as given, whether it exists or not.
    """
    chosen = named or environment.get("REPLICATOR_CONFIG")
    if chosen:
        return directory / Path(chosen).expanduser()
    places = (directory / NAME, platform_directory(environment) / NAME)
    for place in places:
        if place.is_file():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise ConfigError(f"no configuration: there is neither {looked}", "name one with --config or $REPLICATOR_CONFIG")


def platform_directory(environment: Mapping[str, str]) -> Path:
    """The user's directory for configuration: XDG on Unix, Application Support on macOS."""
    home = Path(environment.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "replicator"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "replicator"
