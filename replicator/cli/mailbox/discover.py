"""`replicator mailbox discover`: which mailboxes a mail system has, and which of them are not covered."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors.errors import ConfigError
from replicator.cli.display import print_json, print_note, print_text
from replicator.cli.invocation import Invocation
from replicator.cli.options import Command, json_option

if TYPE_CHECKING:
    from connectors.abilities import Discovering
    from replicator.config import Config


@click.command("discover", cls=Command, short_help="Find mailboxes that are not covered.")
@click.argument("source")
@click.option("--as", "login", metavar="MAILBOX", help="Log in as this configured mailbox; else the first of SOURCE.")
@click.option("--username", metavar="NAME", help="Log in by this name, such as an administrator's.")
@click.option("--password-file", type=click.Path(path_type=Path), metavar="FILE", help="Its password.")
@click.option("--password-env", metavar="NAME", help="An environment variable with its password.")
@json_option
@click.pass_obj
def command(
    invocation: Invocation,
    source: str,
    login: str | None,
    username: str | None,
    password_file: Path | None,
    password_env: str | None,
    as_json: bool,
) -> None:
    """List the mailboxes of SOURCE, a name of the configuration, that no mailbox of the configuration covers.

    With --json all of them, one object a line; `covered_by` is null where none does. A login sees what its mail system
    shows it: to see all, be its administrator. Where the source itself logs in for all of them, no mailbox is needed.
    """
    given = _given(username, password_file, password_env)
    if given is not None and login is not None:
        raise click.UsageError("--as and --username exclude each other")
    config = invocation.config(passwords=given is None)
    connector = _connector(config, source)
    covered = _covered(config, source, connector)
    missing = 0
    for names in _found(config, source, connector, login, given):
        by = next((covered[name] for name in names if name in covered), None)
        missing += by is None
        if as_json:
            print_json({"source": source, "name": names[0], "covered_by": by})
        elif by is None:
            print_text(names[0])
    if not as_json and not invocation.quiet:
        print_note(f"not covered of {source}: {missing}")


def _found(
    config: "Config", source: str, connector: Any, login: str | None, given: dict[str, Any] | None
) -> Iterator[tuple[str, ...]]:
    """Each mailbox by its names. A login that is asked for has to be there, though one that oversees needs none."""
    from connectors.abilities import Overseeing

    oversees, own = isinstance(connector, Overseeing), config.sources[source].settings
    settings: Any = None
    if given is not None:
        settings = _built(connector, source, given)
    elif login is not None or not oversees:
        settings = _named(config, source, login)
    if oversees:
        yield from connector.oversee(own)
    else:
        yield from ((name,) for name in connector.discover(own, settings))


def _connector(config: "Config", source: str) -> Any:
    from connectors.abilities import Discovering
    from connectors.registry import find_connector
    from replicator.config.problems import suggestion

    if source not in config.sources:
        known = suggestion(source, config.sources, most=5)
        raise ConfigError(f"there is no [source.{source}] in {config.file}{known}", "name one of them")
    connector = find_connector(config.sources[source].connector)
    if not isinstance(connector, Discovering):
        text = f"{source}: the connector {connector.name!r} cannot tell which mailboxes there are"
        raise ConfigError(text, "take the list from the mail system's own administration")
    return connector


def _given(username: str | None, file: Path | None, env: str | None) -> dict[str, Any] | None:
    """The login that the options give, or None. Raises UsageError for half of one."""
    from replicator.config.secrets import EnvironmentSecret, FileSecret

    if username is None and file is None and env is None:
        return None
    if username is None or (file is None) == (env is None):
        raise click.UsageError("--username goes with either --password-file or --password-env")
    return {"username": username, "password": FileSecret(file) if file else EnvironmentSecret(env or "")}


def _built(connector: Any, source: str, given: dict[str, Any]) -> Any:
    try:
        return connector.mailbox_settings(**given)
    except TypeError:
        text = f"{source}: the connector {connector.name!r} knows no login by name and password"
        raise ConfigError(text, "use --as MAILBOX") from None


def _named(config: "Config", source: str, login: str | None) -> Any:
    """The settings of the mailbox whose login is used."""
    for mailbox in config.mailboxes.values():
        for side in (mailbox.primary, mailbox.standby):
            if side is not None and side.source == source and login in (None, mailbox.id):
                return side.settings
    text = f"no mailbox {login or ''} with the source {source}".replace("  ", " ")
    raise ConfigError(f"{config.file} has {text}", "configure one, or log in with --username and --password-file")


def _covered(config: "Config", source: str, connector: "Discovering") -> dict[str, str]:
    """Which mailbox covers what, by the mail system's own names."""
    return {
        connector.mailbox_name(side.settings): mailbox.id
        for mailbox in config.mailboxes.values()
        for side in (mailbox.primary, mailbox.standby)
        if side is not None and side.source == source
    }
