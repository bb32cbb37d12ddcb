"""Exchange and Microsoft 365 over IMAP: what they cannot convert, what is no mail, what they say when busy.

The server is an imitation; `fixtures.servers.imap_sim.exchange` says what it knows from where.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.installation import Installation, address_of
from fixtures.servers.imap_sim import Exchange, ImapSim, Microsoft365
from fixtures.servers.imap_sim import exchange as says

USER = "alice"
PARTS = (
    b"From: bob@example.test\r\nMessage-ID: <%d@example.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="cut"\r\nSubject: %d\r\n\r\n--cut\r\n\r\ntext %d\r\n--cut--\r\n'
)
FORWARDED = (
    b"Received: from mx.example.test; Tue, 5 Jan 2016 09:00:00 +0000\r\nFrom: Ann <ann@corp.example>\r\n"
    b"Message-ID: <f@corp.example>\r\nTo: it@corp.example\r\n"
    b"Subject: Fwd: Retrieval using the IMAP4 protocol failed for the following message: 8\r\n\r\nWhat is that?\r\n"
)


@pytest.fixture(params=[Exchange, Microsoft365], ids=lambda dialect: dialect.name)
def server(request: pytest.FixtureRequest) -> Iterator[ImapSim]:
    with ImapSim(request.param()) as running:
        yield running


@pytest.fixture
def home(server: ImapSim, tmp_path: Path) -> Installation:
    made = Installation(tmp_path, server)  # type: ignore[arg-type]
    made.run("init")
    return made


def mails(server: ImapSim, count: int) -> list[bytes]:
    """That many in INBOX."""
    found = [PARTS % (number, number, number) for number in range(count)]
    for raw in found:
        server.account(USER).add("INBOX", raw)
    return found


def other_items(server: ImapSim) -> list[str]:
    """Something in each folder that holds no mail; the folders' names as a user reads them."""
    account = server.account(USER)
    english = ("Calendar", "Contacts", "Journal", "Notes", "Tasks")
    danish = ("Kalender", "Kalender/F&APg-dselsdage", "Kontakter", "Noter", "Opgaver", "Journal")
    names = english if "Calendar" in account.folders else danish
    for name in names:
        account.add(name, b"", readable=False)
    return [name.replace("&APg-", "ø") for name in names]


def test_what_cannot_be_converted_is_quarantined_and_no_notice_is_stored(server: ImapSim, home: Installation) -> None:
    raws = mails(server, 5)
    account = server.account(USER)
    for _ in range(2):  # 6 and 7
        account.add("INBOX", b"", readable=False)
    assert account.add("INBOX", FORWARDED) == 8
    report = home.sync(expect=3)
    assert (report["seen"], report["stored"], report["quarantined"], report["ok"]) == (8, 6, 2, False)
    failed = home.run("list", address_of(USER), "--state", "quarantined").rows()
    assert [row["uid"] for row in failed] == ["6", "7"]
    shown = home.run("show", failed[0]["id"], "--json").json()
    assert "message 6 in INBOX" in str(shown)
    out = home.directory / "out"
    home.run("export", "--mailbox", address_of(USER), "--format", "eml", "--output", str(out), expect=3)
    exported = [file.read_bytes() for file in out.rglob("*.eml")]
    assert len(exported) == 6
    assert sum(b"The server couldn't retrieve" in raw for raw in exported) == 0
    assert FORWARDED in exported, "a mail that quotes a notice, with the very number, was taken for one"
    assert all(any(b"text %d" % number in raw for raw in exported) for number in range(len(raws)))


def test_sizes_are_those_of_what_came(server: ImapSim, home: Installation) -> None:
    mails(server, 3)
    home.sync()
    sizes = {row["size"] for row in home.run("list", address_of(USER)).rows()}
    assert sizes == {len(PARTS % (0, 0, 0)) + 3 * len("_001__")}, "the server claims three times as much"


def test_calendars_and_contacts_are_declared_and_not_opened(server: ImapSim, home: Installation) -> None:
    mails(server, 1)
    names = other_items(server)
    report = home.sync()
    assert (report["ok"], report["quarantined"]) == (True, 0)
    (status,) = home.run("status", "--json").json()["mailboxes"]
    assert sorted(status["not_covered"]) == sorted(names)
    opened = [command for command in server.commands[USER] if command.startswith("EXAMINE")]
    assert not any(name.partition("/")[0] in command for command in opened for name in names)


def test_they_are_opened_if_the_configuration_wants_it(server: ImapSim, home: Installation) -> None:
    names = other_items(server)
    text = home.config.read_text("utf-8")
    home.config.write_text(f"{text}folders = {{ include = ['\\NotMail'] }}\n", "utf-8")
    report = home.sync(expect=3)
    assert report["quarantined"] == len(names)
    (status,) = home.run("status", "--json").json()["mailboxes"]
    assert status["not_covered"] == []


def test_a_second_run_fetches_nothing_and_makes_no_versions(server: ImapSim, home: Installation) -> None:
    mails(server, 4)
    home.sync()
    before, asked = home.run("list", address_of(USER)).out, server.bodies[USER].total()
    report = home.sync()
    assert (report["seen"], report["removed"], server.bodies[USER].total()) == (0, 0, asked)
    assert home.run("list", address_of(USER)).out == before


@pytest.mark.parametrize("server", [Microsoft365], indirect=True)
def test_a_server_that_asks_for_time_gets_it_and_it_is_told(server: ImapSim, home: Installation) -> None:
    mails(server, 3)
    server.trouble(USER, "UID FETCH .*BODY", says.THROTTLED_BAD % 50, says.CLOSED_14)
    server.trouble(USER, "LIST", says.BUSY)
    report = home.sync()
    assert (report["ok"], report["stored"], report["quarantined"]) == (True, 3, 0)
    assert 0.9 < report["throttled_seconds"] <= report["seconds"]


@pytest.mark.parametrize("server", [Microsoft365], indirect=True)
def test_five_minutes_are_not_waited_for(server: ImapSim, home: Installation) -> None:
    mails(server, 3)
    server.trouble(USER, "UID FETCH .*BODY", says.THROTTLED % 299_961)
    report = home.sync(expect=14)
    assert report["error"]["code"] == "Throttled"
    assert "299961 milliseconds" in report["error"]["message"]
    assert report["seconds"] < 30
    assert home.sync()["stored"] == 3


@pytest.mark.parametrize("server", [Microsoft365], indirect=True)
def test_a_session_that_was_never_connected_is_replaced(server: ImapSim, home: Installation) -> None:
    mails(server, 2)
    server.trouble(USER, "(?!LOGIN|AUTH|LOGOUT|CAPA)", says.NOT_CONNECTED, times=3)
    report = home.sync()
    assert (report["ok"], report["stored"]) == (True, 2)
    assert report["throttled_seconds"] > 0


@pytest.mark.parametrize("server", [Microsoft365], indirect=True)
def test_a_closed_connection_is_opened_again(server: ImapSim, home: Installation) -> None:
    mails(server, 3)
    server.trouble(USER, "UID FETCH .*BODY", says.CLOSED)
    report = home.sync()
    assert (report["ok"], report["stored"], report["throttled_seconds"]) == (True, 3, 0)
