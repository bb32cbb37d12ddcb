"""The documentation says what the program does: every command, option, setting, JSON field and exit code."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from connectors.model import Role
from connectors.registry import connectors
from replicator.cli.group import COMMANDS, replicator
from replicator.config import mailboxes, secretforms
from replicator.config.mailboxes import SIDES

ROOT = Path(__file__).resolve().parent.parent
CLI = (ROOT / "docs" / "cli.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))


def section(command: str) -> str:
    return CLI.split(f"\n## {command}\n", 1)[1].split("\n## ", 1)[0]


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """The command, or those of a group, with what one types for each."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(click.Context(command)):
        inner = command.get_command(click.Context(command), name)
        assert inner is not None
        yield from leaves(inner, f"{path} {name}")


def options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (name for name in parameter.opts if name.startswith("--"))


ALL = dict(leaves(replicator, "replicator"))


@pytest.mark.parametrize("path", ALL)
def test_every_command_with_its_options(path: str) -> None:
    command = ALL[path]
    text = section(path.split()[1])
    assert f"    {path}" in text
    missing = [option for option in options(command) if not re.search(rf"{option}\b", text)]
    assert missing == []
    assert command.help
    assert command.short_help


def test_no_option_that_does_not_exist() -> None:
    for path, command in ALL.items():
        known = {*options(command), *options(replicator)}
        synopses = re.findall(rf"^    {path}.*$", section(path.split()[1]), re.MULTILINE)
        assert synopses
        assert {option for synopsis in synopses for option in re.findall(r"--[a-z-]+", synopsis)} <= known


def test_the_options_before_a_command() -> None:
    head = CLI.split("\n## ", 1)[0]
    assert [option for option in (*options(replicator), "--help") if f"`{option}" not in head] == []


def test_every_exit_code() -> None:
    table = CLI.split("\n## Exit codes\n", 1)[1]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert codes == {0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 130, 141}


def test_every_setting_of_every_connector() -> None:
    for name, connector in connectors().items():
        text = OPERATIONS.split(f"\n| `{name}` |", 1)[1].split("\n### ", 1)[0]
        for kind in (connector.source_settings, connector.mailbox_settings):
            settings = [field.name for field in fields(kind) if field.init]
            missing = [setting for setting in settings if f"`{setting}`" not in text]
            assert (name, missing) == (name, [])


def test_every_setting_of_a_mailbox_and_every_form_of_a_secret() -> None:
    assert [key for key in mailboxes._KEYS if f"| `{key}` |" not in OPERATIONS] == []
    assert [form for form in secretforms._SECRETS if f"`{{ {form} = " not in OPERATIONS] == []
    assert [role.value for role in Role if role.value and f"`{role.value}`" not in OPERATIONS] == []
    assert all(f"{side}_" in OPERATIONS for side in SIDES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file) if file else path
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"    replicator {name}" not in readme] == []
