"""A bad day: a poison message, a broken folder, a throttled mailbox, a refused login and a stalled server, all at once.

None of them stops the others; each is in the report, in `status` and in the exit code, once.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixtures.installation import Installation, address_of
from fixtures.servers.imap_sim import Dialect, Exchange, Gmail, ImapSim, Microsoft365
from fixtures.servers.imap_sim import exchange as exchange_says
from fixtures.servers.imap_sim.gmail import OVER_QUOTA
from fixtures.servers.scripted_imap import STALL

FOREVER = 10_000
MAIL = b"From: bob@example.test\r\nMessage-ID: <%s.%d@example.test>\r\nSubject: %d\r\n\r\nto %s\r\n"
EACH = 4
FOLDERS = 3


@dataclass
class Day:
    """The servers by source name, and the mailboxes with the source of each."""

    servers: dict[str, ImapSim]
    home: Installation
    users: dict[str, str] = field(default_factory=dict)

    def add(self, user: str, source: str) -> None:
        """A mailbox with some mail in each of its folders."""
        self.users[user] = source
        account = self.servers[source].account(user)
        for name in ("INBOX", "Broken", "Work"):
            if name != "INBOX":
                account.create(name)
            for number in range(EACH):
                account.add(name, MAIL % (f"{name}.{user}".encode(), number, number, user.encode()))

    def trouble(self, user: str, command: str, *answers: Any) -> None:
        self.servers[self.users[user]].trouble(user, command, *answers, times=FOREVER)

    def clear(self) -> None:
        """The troubles are over."""
        for server in self.servers.values():
            server.troubles.clear()

    def configure(self) -> None:
        lines = ['[mailstore]\npath = "mailstore"\nkey = { file = "mailstore.key" }\n']
        for name, server in self.servers.items():
            lines.append(
                f'[source.{name}]\nconnector = "imap"\nhost = "{server.host}"\nport = {server.port}\ntls = "off"\n'
                f"timeout = {0.4 if name == 'dead' else 20}\nmax_connections = 2\n"
            )
        for user, source in self.users.items():
            lines.append(
                f'[[mailbox]]\nid = "{address_of(user)}"\nprimary = {{ source = "{source}", '
                f'username = "{user}", password = {{ file = "imap.password" }} }}\n'
            )
        self.home.config.write_text("".join(lines), "utf-8")

    def sync(self, expect: int) -> dict[str, dict[str, Any]]:
        """Each mailbox's report, by user."""
        report = self.home.run("sync", "--jobs", "3", "--json", expect=expect).json()
        assert report["ok"] is (expect == 0)
        return {each["mailbox"].partition("@")[0]: each for each in report["mailboxes"]}

    def status(self) -> dict[str, dict[str, Any]]:
        """What is held, by user."""
        found = self.home.run("status", "--json").json()["mailboxes"]
        return {each["mailbox"].partition("@")[0]: each for each in found}


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    kinds = {"plain": Dialect(), "gmail": Gmail(), "exchange": Exchange(), "m365": Microsoft365(), "dead": Dialect()}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ImapSim(kind)) for name, kind in kinds.items()}
        made = Day(servers, Installation(tmp_path, servers["plain"]))  # type: ignore[arg-type]
        made.home.run("init")
        yield made


def test_no_trouble_stops_anything_else_and_each_is_told_once(day: Day) -> None:
    for user, source in (
        ("stalled", "dead"), ("gmail", "gmail"), ("poisoned", "exchange"), ("broken", "plain"), ("throttled", "m365"),
        ("full", "gmail"), ("refused", "plain"), ("office", "m365"), ("well", "plain"), ("exchange", "exchange"),
    ):  # fmt: skip
        day.add(user, source)
    day.configure()
    day.servers["exchange"].account("poisoned").add("INBOX", b"", readable=False)
    day.trouble("broken", 'EXAMINE "?Broken', "{tag} NO [SERVERBUG] Internal error occurred")
    day.trouble("throttled", "UID FETCH .*BODY", exchange_says.THROTTLED % 299_961)
    day.trouble("full", "UID FETCH .*BODY", OVER_QUOTA)
    day.trouble("refused", "LOGIN|AUTHENTICATE", "{tag} NO [AUTHENTICATIONFAILED] no")
    day.trouble("stalled", "LIST", STALL)
    reports = day.sync(expect=3)

    well = {"gmail", "office", "well", "exchange"}
    told = {
        user: (each["error"] or {}).get("code", "") or (each["folder_errors"] or [{}])[0].get("code", "")
        or each["unaccepted"] for user, each in reports.items()
    }  # fmt: skip
    assert told == {
        "stalled": "Disconnected",
        "poisoned": 1,
        "broken": "FolderRefused",
        "throttled": "Throttled",
        "full": "Throttled",
        "refused": "LoginRefused",
        **dict.fromkeys(well, 0),
    }
    for user, each in reports.items():
        signs = (each["error"] is not None, bool(each["folder_errors"]), bool(each["unaccepted"]))
        assert sum(signs) == (user not in well), (user, each)
        assert each["ok"] is (user in well)
    for user in (*well, "poisoned"):
        assert reports[user]["stored"] == FOLDERS * EACH
    assert len(reports["broken"]["folder_errors"]) == 1
    assert reports["broken"]["stored"] == (FOLDERS - 1) * EACH
    assert "Broken" in reports["broken"]["folder_errors"][0]["message"]
    assert reports["full"]["throttled_seconds"] > 0
    assert all(each[key] for each in reports.values() if each["error"] for each in [each["error"]] for key in each)

    held = day.status()
    assert {user for user, each in held.items() if each["last_success"]} == {*well, "poisoned"}
    quarantined = {user: sum(folder["quarantined"] for folder in each["folders"]) for user, each in held.items()}
    assert quarantined == {user: int(user == "poisoned") for user in held}
    unbalanced = {(folder["path"]) for folder in held["broken"]["folders"] if not folder["balanced"]}
    assert unbalanced <= {"Broken"}

    day.clear()
    reports = day.sync(expect=3)
    assert {user for user, each in reports.items() if not each["ok"]} == {"poisoned"}, "what was over did not recover"
    held = day.status()
    assert all(each["last_success"] for each in held.values())
    assert {user: each["messages"] for user, each in held.items()} == {
        user: FOLDERS * EACH * (2 if source == "gmail" else 1) for user, source in day.users.items()
    }
    assert json.dumps(held).count('"quarantined": 1') == 1


def test_if_every_mailbox_fails_alike_the_exit_code_is_that_of_the_error(day: Day) -> None:
    for user in ("one", "two"):
        day.add(user, "m365")
        day.trouble(user, "LIST", exchange_says.THROTTLED % 299_961)
    day.configure()
    assert all(each["error"] and not each["stored"] for each in day.sync(expect=14).values())
