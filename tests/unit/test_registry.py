"""Connectors are found by name, imported late, and every way not to find one says what to do."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from connectors import maildir
from connectors.errors import ConfigError
from connectors.registry import GROUP, Registry, connectors, find_connector


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


REGISTRY = Registry(
    [
        point("maildir", "connectors.maildir:CONNECTOR"),
        point("maildir", "connectors.maildir:CONNECTOR"),
        point("graph", "no_such_package:CONNECTOR"),
        point("ews", "connectors.maildir:NO_SUCH_NAME"),
        point("twice", "one:CONNECTOR"),
        point("twice", "two:CONNECTOR"),
    ]
)


def test_the_shipped_connectors_are_installed() -> None:
    assert {"imap", "maildir"} <= set(connectors())
    assert find_connector("maildir") is maildir.CONNECTOR


def test_a_connector_found_twice_at_the_same_place_is_one() -> None:
    assert REGISTRY.find("maildir") is REGISTRY["maildir"] is maildir.CONNECTOR


def test_it_is_a_mapping_of_names() -> None:
    assert list(REGISTRY) == ["ews", "graph", "maildir", "twice"]
    assert len(REGISTRY) == 4
    assert "graph" in REGISTRY
    assert "imap" not in REGISTRY
    with pytest.raises(KeyError):
        REGISTRY["imap"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("mialdir", "did you mean 'maildir'? known are: ews, graph, maildir, twice"),
        ("lotus", "known are: ews, graph, maildir, twice"),
    ],
)
def test_an_unknown_name_lists_the_known(name: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=f"no connector '{name}'") as caught:
        REGISTRY.find(name)
    assert caught.value.advice == advice


def test_an_empty_registry_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        Registry([]).find("imap")
    assert caught.value.advice == "known are: none"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("graph", "cannot be loaded: No module"),
        ("ews", "cannot be loaded"),
        ("twice", "claimed by one:CONNECTOR and two"),
    ],
)
def test_what_cannot_be_loaded_is_a_configuration_error(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        REGISTRY.find(name)


def test_names_import_no_connector() -> None:
    code = "import sys, connectors.registry as r; list(r.connectors()); print('connectors.maildir' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
