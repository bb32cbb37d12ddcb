"""Gmail over IMAP: a label is a placement, and a body is fetched once, however many labels it has.

The server is an imitation; `fixtures.servers.imap_sim.gmail` says what it knows from where.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from fixtures.installation import Installation, address_of
from fixtures.servers.imap_sim import Gmail, GmailAccount, ImapSim

USER = "alice"
COUNT = 12
MANY = 2100
"""More than two pages, which are under way when the limit is reached."""

GERMAN = {"\\All": "Alle Nachrichten", "\\Trash": "Papierkorb", "\\Flagged": "Markiert", "\\Important": "Wichtig"}


@pytest.fixture(params=["[Gmail]"])
def server(request: pytest.FixtureRequest) -> Iterator[ImapSim]:
    """In English; under the name that it had there, in German."""
    with ImapSim(Gmail(request.param, GERMAN if "Google" in request.param else None)) as running:
        yield running


@pytest.fixture
def home(server: ImapSim, tmp_path: Path) -> Installation:
    made = Installation(tmp_path, server)  # type: ignore[arg-type]
    made.run("init")
    return made


@pytest.fixture
def account(server: ImapSim) -> GmailAccount:
    """Twelve messages, each with another set of labels, one in the bin and one in spam."""
    found = server.account(USER)
    assert isinstance(found, GmailAccount)
    found.create("Work")
    found.create("Work/Clients")
    everything = found.role("\\All")
    for number in range(COUNT):
        uid = found.add(everything.name, mail(number), ["\\Flagged"] if number % 5 == 0 else [])
        for name, every in (("INBOX", 2), ("Work", 3), ("Work/Clients", 4)):
            if number % every == 0:
                found.copy(everything, [uid], found.folder(name))
        if number % 6 == 0:
            found.copy(everything, [uid], found.role("\\Important"))
    found.add(found.role("\\Trash").name, mail(100))
    found.add(found.role("\\Junk").name, mail(101))
    return found


def mail(number: int) -> bytes:
    return b"From: bob@example.test\r\nMessage-ID: <%d@example.test>\r\nSubject: %d\r\n\r\nbody %d\r\n" % (
        (number,) * 3
    )


def truth(account: GmailAccount) -> Counter[tuple[str, str]]:
    """Folder and subject of each placement, as the server has them."""
    return Counter(
        (folder.name, entry.mail.raw.split(b"Subject: ")[1].split(b"\r")[0].decode())
        for folder in account.folders.values()
        for entry in folder.entries.values()
    )


def held(home: Installation) -> Counter[tuple[str, str]]:
    """The same, as `list` has them."""
    return Counter((row["folder"], row["subject"]) for row in home.run("list", address_of(USER)).rows())


def status(home: Installation) -> dict[str, Any]:
    (found,) = home.run("status", "--json").json()["mailboxes"]
    assert all(folder["balanced"] for folder in found["folders"]), found
    return found


@pytest.mark.parametrize("server", ["[Gmail]", "[Google Mail]"], indirect=True)
def test_each_body_is_fetched_once_and_every_label_is_a_placement(
    server: ImapSim, home: Installation, account: GmailAccount
) -> None:
    report = home.sync()
    placements = truth(account)
    assert report["seen"] == placements.total()
    assert report["stored"] == COUNT + 2
    assert report["merged"] == placements.total() - COUNT - 2
    assert held(home) == placements
    fetched = server.bodies[USER]
    whole = {"INBOX", *(account.role(use).name for use in ("\\All", "\\Trash", "\\Junk"))}
    assert {folder for folder, _ in fetched} == whole, "a body was fetched in a label"
    assert set(fetched.values()) == {1}
    assert fetched.total() == COUNT + 2
    items = {row["item"] for row in home.run("list", address_of(USER)).rows()}
    assert len(items) == COUNT + 2
    assert status(home)["not_covered"] == []


def test_a_label_that_changes_costs_no_body(server: ImapSim, home: Installation, account: GmailAccount) -> None:
    home.sync()
    asked = server.bodies[USER].total()
    everything = account.role("\\All").name
    with_client = IMAPClient(server.host, server.port, ssl=False)
    with_client.login(USER, server.password)
    with_client.select_folder(everything)
    with_client.add_gmail_labels([1, 2], ["Work/Clients"])
    with_client.remove_gmail_labels([4], ["Work"])
    with_client.add_flags([3], ["\\Flagged"])
    with_client.copy([7], account.role("\\Trash").name)
    with_client.select_folder("INBOX")
    with_client.delete_messages([1])
    with_client.expunge()
    with_client.logout()
    report = home.sync()
    assert (report["stored"], report["quarantined"]) == (0, 0)
    assert report["merged"] == report["seen"] > 0
    assert report["removed"] > 0
    assert server.bodies[USER].total() == asked
    assert held(home) == truth(account)
    status(home)
    again = home.sync()
    assert (again["seen"], again["removed"], again["flags_changed"]) == (0, 0, 0)


def test_new_mail_is_fetched_once(server: ImapSim, home: Installation, account: GmailAccount) -> None:
    home.sync()
    asked = server.bodies[USER].total()
    account.add("INBOX", mail(50), ["\\Flagged"])
    report = home.sync()
    assert (report["seen"], report["stored"], report["merged"]) == (3, 1, 2)
    assert server.bodies[USER].total() == asked + 1
    assert held(home) == truth(account)


def test_labels_that_were_numbered_anew_cost_no_body(
    server: ImapSim, home: Installation, account: GmailAccount
) -> None:
    home.sync()
    asked = server.bodies[USER].total()
    for name in ("INBOX", account.role("\\All").name):
        account.renumber(name)
    report = home.sync()
    assert (report["stored"], report["ok"]) == (0, True)
    assert held(home) == truth(account)
    assert server.bodies[USER].total() == asked


def test_views_can_be_left_out(home: Installation, account: GmailAccount) -> None:
    text = home.config.read_text("utf-8")
    home.config.write_text(f"{text}folders = {{ exclude = ['\\Flagged', '\\Important'] }}\n", "utf-8")
    home.sync()
    left = {account.role(use).name for use in ("\\Flagged", "\\Important")}
    assert held(home) == Counter({key: count for key, count in truth(account).items() if key[0] not in left})
    assert set(status(home)["not_covered"]) == left


def test_without_all_mail_a_body_is_fetched_at_the_first_of_its_labels(
    server: ImapSim, home: Installation, account: GmailAccount
) -> None:
    text = home.config.read_text("utf-8")
    home.config.write_text(f"{text}folders = {{ exclude = ['\\All'] }}\n", "utf-8")
    home.sync()
    labelled = {subject for folder, subject in truth(account) if folder != account.role("\\All").name}
    assert {subject for _, subject in held(home)} == labelled
    assert server.bodies[USER].total() == len(labelled)


def test_a_day_has_only_so_many_bytes(server: ImapSim, home: Installation) -> None:
    """The first day's are read; then nothing more, in however many runs, until the day is over."""
    for number in range(MANY):
        server.account(USER).add("[Gmail]/All Mail", mail(number))
    text = home.config.read_text("utf-8")
    home.config.write_text(text.replace('tls = "off"\n', 'tls = "off"\ndaily_bytes = "50 kB"\n'), "utf-8")
    report = home.sync(expect=14)
    assert report["error"]["code"] == "Throttled"
    assert "50,000 bytes" in report["error"]["message"]
    assert 50_000 <= report["bytes"] < MANY * len(mail(1000))
    asked = server.bodies[USER].total()
    assert home.sync(expect=14)["stored"] == 0
    assert server.bodies[USER].total() == asked
    home.config.write_text(text, "utf-8")
    assert home.sync()["stored"] == MANY - report["stored"]
    assert len(home.run("list", address_of(USER)).rows()) == MANY
