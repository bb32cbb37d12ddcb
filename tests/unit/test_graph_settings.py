"""What a configuration may say of Microsoft 365, which links are followed, and what a row of a message says."""

import pickle
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import ConfigError, CursorExpired, ProtocolError
from connectors.graph import CONNECTOR, GraphMailbox, GraphSettings
from connectors.graph.cursor import read_cursor, write_cursor
from connectors.graph.links import Links
from connectors.graph.rows import UNDATED, distinct, is_whole, seen
from connectors.graph.settings import CLOUDS
from connectors.model import Cursor


def secret() -> str:
    return "PEM"


def settings(**changed: object) -> GraphSettings:
    return GraphSettings(**({"tenant": "corp.example", "client_id": "1", "certificate": secret} | changed))  # type: ignore[arg-type]


def test_the_worldwide_cloud_needs_no_more() -> None:
    made = settings()
    assert made.root == "https://graph.microsoft.com/v1.0"
    assert made.tokens._app.scope == "https://graph.microsoft.com/.default"
    assert made.tokens._app.url == "https://login.microsoftonline.com/corp.example"


@pytest.mark.parametrize(
    "base", ["https://graph.microsoft.us", "https://graph.microsoft.us/", "https://graph.microsoft.us/v1.0"]
)
def test_a_national_cloud(base: str) -> None:
    made = settings(base_url=base, authority="https://login.microsoftonline.us")
    assert made.root == "https://graph.microsoft.us/v1.0"
    assert made.tokens._app.scope == "https://graph.microsoft.us/.default"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"tenant": "a/b"}, "tenant is neither a GUID nor a domain name"),
        ({"client_id": ""}, "client_id is empty"),
        ({"base_url": "http://graph.example"}, "http is for loopback addresses only"),
        ({"base_url": "graph.microsoft.com"}, "is no https address"),
        ({"authority": "http://login.example"}, "http is for loopback addresses only"),
        ({"base_url": "https://graph.microsoft.us"}, 'there it is "https://login.microsoftonline.us"'),
        ({"authority": "https://login.chinacloudapi.cn"}, "belongs to another cloud than base_url"),
        ({"ca_file": Path("/nowhere.pem")}, "ca_file /nowhere.pem cannot be read"),
        ({"timeout": 0}, "must be positive"),
    ],
)
def test_problems(changed: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**changed)
    assert problem in caught.value.message
    assert "\n" not in caught.value.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tenant="", client_id="", timeout=-1)
    assert len(caught.value.message.splitlines()) == 3


@pytest.mark.parametrize("address", ["alice@corp.example", "0a1b2c3d-0000-4000-8000-00000000cafe", "a+b'c@x.example"])
def test_addresses(address: str) -> None:
    assert GraphMailbox(address).address == address


@pytest.mark.parametrize("address", ["", "alice", "a/b@corp.example", "a b@corp.example", "a@b?c", "../x@y"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        GraphMailbox(address)


def test_settings_cross_to_another_process_without_a_token() -> None:
    made = pickle.loads(pickle.dumps(settings()))
    assert made == settings()
    assert made.tokens is not None
    assert made.limiters.of("a@b") is made.limiters.of("a@b")


def test_reading_a_configuration_loads_neither_requests_nor_msal() -> None:
    code = "import sys, connectors.graph; print([m for m in ('requests', 'msal', 'urllib3') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert CONNECTOR.name == "graph"


LINKS = Links("https://graph.microsoft.com/v1.0", "o'neil+x#y@corp.example")


def test_names_are_quoted() -> None:
    assert LINKS.user == "/users/o%27neil%2Bx%23y@corp.example"
    assert LINKS.message("a/b=") == f"{LINKS.user}/messages/a%2Fb%3D"


@pytest.mark.parametrize(
    ("link", "ours"),
    [
        ("https://graph.microsoft.com/v1.0/users('x')/y?$deltatoken=z", True),
        ("https://GRAPH.microsoft.com:443/v1.0/x", True),
        ("https://graph.microsoft.com:8443/v1.0/x", False),
        ("http://graph.microsoft.com/v1.0/x", False),
        ("https://graph.microsoft.com.evil.example/v1.0/x", False),
        ("https://graph.microsoft.com@evil.example/", False),
        ("https://user@graph.microsoft.com/v1.0/x", False),
        ("//graph.microsoft.com/v1.0", False),
        ("https://[::1/", False),
        ("https://graph.microsoft.com:x/", False),
        ("", False),
    ],
)
def test_which_links_are_followed(link: str, ours: bool) -> None:
    assert LINKS.is_ours(link) is ours
    if not ours:
        with pytest.raises(ProtocolError):
            LINKS.checked(link, "x")
        with pytest.raises(CursorExpired):
            read_cursor(write_cursor(link), LINKS)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "nonsense", '{"v": 2, "link": "https://graph.microsoft.com/"}', "[" * 99999]
)
def test_cursors_of_others_are_expired(text: str) -> None:
    with pytest.raises(CursorExpired):
        read_cursor(Cursor(text), LINKS)


def test_a_page_that_comes_after_itself_is_not_walked_for_ever() -> None:
    link = "https://graph.microsoft.com/v1.0/x"
    with pytest.raises(ProtocolError, match="after itself"):
        LINKS.following({"@odata.nextLink": link}, link, "folder x")


WHOLE = {"id": "a", "changeKey": "k", "receivedDateTime": "2026-01-02T03:04:05Z", "isRead": True, "isDraft": False,
         "flag": {"flagStatus": "notFlagged"}, "categories": []}  # fmt: skip


def test_a_whole_row() -> None:
    found = seen(WHOLE, "f")
    assert is_whole(WHOLE)
    assert (found.flags, found.version, found.revision) == ({"\\Seen"}, "k", "k")
    assert found.arrived_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("absent", ["receivedDateTime", "isRead", "isDraft", "flag", "categories", "changeKey"])
def test_what_is_absent_is_not_known(absent: str) -> None:
    assert not is_whole({name: value for name, value in WHOLE.items() if name != absent})


def test_an_etag_is_a_change_key_too() -> None:
    row = {name: value for name, value in WHOLE.items() if name != "changeKey"} | {"@odata.etag": 'W/"k"'}
    assert is_whole(row)
    assert seen(row, "f").version == "k"


@pytest.mark.parametrize("odd", [{}, {"id": 5}, {"receivedDateTime": 7}, {"flag": None}, {"categories": [1, None, ""]}])
def test_rows_of_any_shape_are_read(odd: dict[str, object]) -> None:
    found = seen(odd, "f")
    assert (found.flags, found.arrived_at) == (frozenset(), UNDATED)


def test_rows_are_gathered_by_id_in_the_order_of_their_last() -> None:
    rows = [{"id": "a", "n": 1}, {"id": "b"}, {"n": 0}, {"id": "a", "n": 2}]
    assert list(distinct(rows).items()) == [("b", [{"id": "b"}]), ("a", [{"id": "a", "n": 1}, {"id": "a", "n": 2}])]


def test_the_documentation_names_every_setting() -> None:
    text = (Path(__file__).parents[2] / "docs" / "microsoft365.md").read_text()
    for kind in (GraphSettings, GraphMailbox):
        names = [field.name for field in fields(kind) if field.init]
        assert [name for name in names if f"`{name}`" not in text] == []
    assert [host for host in CLOUDS if f"https://{host}" not in text] == []
