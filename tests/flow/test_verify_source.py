"""`verify --source`: what the source has is compared with what is held, and what merely came or went is no error."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.around import Around
from connectors.errors import Disconnected, FolderGone, FolderRefused, ItemUnreadable, StoreError, Unreachable
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.memory.source import FULL
from connectors.model import Folder
from connectors.protocols import Source
from connectors.testing.faulty import Cut, Raise, Refuse
from replicator.cli.comparing import Comparison
from tests.desk import ALICE, BOB, CONFIG, Account, Desk, Memory, NoSettings, desk_fixture  # noqa: F401 - gives `desk`


@pytest.fixture
def synced(desk: Desk) -> Desk:
    assert desk.type("sync").code == 0
    return desk


def tamper(mailbox: MemoryMailbox, uid: int, raw: bytes) -> None:
    folder = mailbox.kept[INBOX]
    folder.messages[uid] = replace(folder.messages[uid], raw=raw)


def test_everything_is_as_the_source_has_it(synced: Desk) -> None:
    answer = synced.type("verify", "--source", "--json")
    assert answer.code == 0
    assert answer.json["ok"] is True
    counts = {"differing": 0, "gone": 0, "absent": 0, "unread": 0}
    assert answer.json["source"] == {"messages": 6, "bytes": answer.json["bytes"], **counts}
    assert synced.type("verify", "--json").json.keys() == {"ok", "messages", "bytes", "errors"}
    shown = synced.type("verify", ALICE, "--source").out.decode()
    assert "read again at the source: 3" in shown


def test_other_bytes_are_13_and_named(synced: Desk) -> None:
    (first, *_) = synced.type("list", ALICE).lines
    tamper(synced.server.mailboxes["alice"], 1, b"Subject: a1\r\n\r\na2\r\n")
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["ok"], answer.json["source"]["differing"]) == (13, False, 1)
    (error,) = answer.json["errors"]
    assert error["where"] == first["id"]
    assert first["sha256"] in error["what"]
    assert synced.type("verify", "--json").code == 0
    assert synced.type("verify", BOB, "--source").code == 0


def test_what_came_or_went_is_no_error(synced: Desk) -> None:
    mailbox = synced.server.mailboxes["alice"]
    mailbox.expunge(INBOX, "1")
    mailbox.append(INBOX, b"Subject: new\r\n\r\n")
    mailbox.create_folder(("New",))
    mailbox.append(("New",), b"Subject: newer\r\n\r\n")
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["ok"]) == (0, True)
    source = answer.json["source"]
    assert (source["messages"], source["gone"], source["absent"]) == (2, 1, 2)
    synced.type("sync")
    mailbox.delete_folder(("New",))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["gone"], answer.json["source"]["messages"]) == (0, 1, 3)


def test_a_folder_that_goes_meanwhile_is_no_error(synced: Desk) -> None:
    synced.server.scripts["alice"] = (Raise("inventory", FolderGone("deleted"), call=1),)
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["gone"], answer.json["source"]["unread"]) == (0, 3, 0)


def test_out_of_sight_is_not_gone(synced: Desk) -> None:
    """Dovecot leaves out of its list what is below a folder that it cannot read."""
    mailbox = synced.server.mailboxes["alice"]
    mailbox.create_folder(("New",))
    mailbox.append(("New",), b"Subject: new\r\n\r\n")
    synced.type("sync")
    synced.plug(Hiding(synced.server))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["gone"], answer.json["source"]["unread"]) == (3, 0, 1)
    assert [error["where"] for error in answer.json["errors"]] == [f"{ALICE}: New"]


def test_a_folder_that_is_not_covered_any_more_is_not_compared(synced: Desk) -> None:
    mailbox = synced.server.mailboxes["alice"]
    mailbox.create_folder(("New",))
    mailbox.append(("New",), b"Subject: new\r\n\r\n")
    synced.type("sync")
    synced.configure(CONFIG.replace('"alice" }', '"alice" }\nfolders = { exclude = ["New"] }'))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["gone"], answer.json["source"]["messages"]) == (0, 0, 3)


def test_what_cannot_be_read_is_3(synced: Desk) -> None:
    synced.server.scripts["alice"] = (Refuse("1:2", ItemUnreadable("broken"), 1),)
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["source"]["unread"], answer.json["source"]["messages"]) == (3, 1, 5)
    assert "broken" in answer.json["errors"][0]["what"]
    synced.server.scripts["alice"] = (Raise("fetch", FolderRefused("no right"), call=1),)
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (3, 3)
    assert answer.json["errors"][0]["where"] == f"{ALICE}: INBOX"


def test_a_source_that_is_not_there(synced: Desk) -> None:
    synced.server.refusals["alice"] = Unreachable("no route")
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (3, 3)
    assert [error["where"] for error in answer.json["errors"]] == [ALICE]
    assert synced.type("verify", ALICE, "--source").code == 14


def test_a_share_is_drawn(synced: Desk) -> None:
    synced.fill("alice", *map(str, range(200)))
    synced.type("sync")
    counted = synced.type("verify", ALICE, "--source", "10%", "--json").json["source"]
    assert 0 < counted["messages"] < 100
    assert counted["absent"] == 0


def test_mailboxes_without_a_source_are_passed_over(synced: Desk) -> None:
    synced.type("mailbox", "retire", ALICE)
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (0, 3)
    assert f"{ALICE} is retired: not compared" in answer.err
    assert synced.type("-q", "verify", "--source").err == ""


def test_large_messages_stream_and_are_read_again_after_a_cut(synced: Desk) -> None:
    large = b"Subject: large\r\n\r\n" + bytes(range(32, 127)) * 40_000
    synced.server.mailboxes["alice"].append(INBOX, large)
    synced.type("sync")
    synced.server.scripts["alice"] = (Cut(Disconnected("cut"), at=1_000_000, nth=4),)
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (0, 4)


def test_a_damaged_mailbox_does_not_stop_the_others(synced: Desk) -> None:
    (damaged, _) = sorted((synced.directory / "mailstore" / "mailbox").rglob("*.db"))
    data = bytearray(damaged.read_bytes())
    data[100:200] = bytes(100)
    damaged.write_bytes(data)
    answer = synced.type("verify", "--source", "--json")
    assert (answer.code, answer.json["ok"], answer.json["source"]["messages"]) == (13, False, 3)


def test_a_mailbox_that_cannot_be_opened_is_a_side_that_failed() -> None:
    """So that one failure beside sides that were compared is 3, whatever it failed with."""
    found = Comparison()
    found.fail("a@x", StoreError("it cannot be opened"))
    assert found.exit_code == StoreError.exit_code
    found.compared += 1
    assert found.exit_code == 3


class Hiding(Memory):
    """A mail system that neither lists nor opens a folder which is there."""

    def __init__(self, like: Memory) -> None:
        super().__init__()
        self.mailboxes = like.mailboxes

    def open_source(self, source: NoSettings, mailbox: Account) -> Source:
        return Blind(MemorySource(self.mailboxes[mailbox.username]))


class Blind(Around):
    def folders(self) -> Iterator[Folder]:
        return (folder for folder in super().folders() if folder.path == INBOX)

    def count(self, folder: Folder) -> int:
        if folder.path != INBOX:
            raise FolderRefused("no right to open it")
        return super().count(folder)


class Limited(Memory):
    """A mail system that lets little be read of a mailbox in a day."""

    def __init__(self, like: Memory) -> None:
        super().__init__()
        self.mailboxes = like.mailboxes

    def open_source(self, source: NoSettings, mailbox: Account) -> Source:
        return MemorySource(self.mailboxes[mailbox.username], replace(FULL, daily_bytes=20))


def test_a_daily_limit_ends_the_comparison(synced: Desk) -> None:
    """What the pass has read counts too."""
    synced.plug(Limited(synced.server))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (14, 0)
    assert "in a day" in answer.json["errors"][0]["what"]


class Regenerating(Memory):
    """A mail system that makes each message anew: other boundaries, other header order, equal content."""

    def __init__(self, like: Memory) -> None:
        super().__init__()
        self.mailboxes = like.mailboxes

    def open_source(self, source: NoSettings, mailbox: Account) -> Source:
        return MemorySource(self.mailboxes[mailbox.username], replace(FULL, exact_bytes=False))


def letter(boundary: bytes, text: bytes) -> bytes:
    return (
        b"Message-ID: <letter@x>\r\nDate: Mon, 2 Feb 2026 10:00:00 +0000\r\nFrom: a@x\r\nTo: b@x\r\nSubject: hello\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n--" + boundary
        + b"\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n--" + boundary + b"--\r\n"
    )  # fmt: skip


def test_a_source_that_makes_messages_anew_is_judged_by_content(synced: Desk) -> None:
    mailbox = synced.server.mailboxes["alice"]
    text = b"A letter of some length, so that its text alone tells it from any other letter there is."
    uid = int(mailbox.append(INBOX, letter(b"one", text)))
    synced.type("sync")
    tamper(mailbox, uid, letter(b"two", text))
    assert synced.type("verify", ALICE, "--source").code == 13
    synced.plug(Regenerating(synced.server))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["messages"]) == (0, 4)
    tamper(mailbox, uid, letter(b"two", text.replace(b"some", b"great")))
    answer = synced.type("verify", ALICE, "--source", "--json")
    assert (answer.code, answer.json["source"]["differing"]) == (13, 1)
    assert "another message" in answer.json["errors"][0]["what"]
