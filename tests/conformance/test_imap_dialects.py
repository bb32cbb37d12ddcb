"""The IMAP source keeps every promise on Gmail, Exchange and Microsoft 365 as they are known to speak.

The servers are our own imitations (`fixtures.servers.imap_sim`), so they are held against clients that others wrote,
and against Dovecot wherever what they do is standard.
"""

import imaplib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path as FilePath

import pytest
from imapclient import IMAPClient
from imapclient.imap_utf7 import encode as encode_utf7

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.testing.driver import Path
from connectors.testing.suite import SourceSuite
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.imap_sim import DIALECTS, Dialect, Exchange, Gmail, ImapSim, Microsoft365

NUMBERS = count(1)
MAILS = [b"From: ann@example.test\r\nSubject: %d\r\n\r\nbody %d\r\n" % (number, number) for number in range(5)]


class SimDriver:
    """A user of its own on a shared server; imapclient makes the changes, but for appends, which it would not send as
    they are."""

    def __init__(self, server: ImapSim, user: str) -> None:
        self._server, self._user = server, user
        self._account = server.account(user)
        self._client = IMAPClient(server.host, server.port, ssl=False)
        self._client.login(user, server.password)
        self._opened: list[ImapSource] = []

    def create_folder(self, path: Path) -> None:
        self._client.create_folder("/".join(path))

    def rename_folder(self, path: Path, to: Path) -> None:
        self._client.rename_folder("/".join(path), "/".join(to))

    def delete_folder(self, path: Path) -> None:
        self._client.delete_folder("/".join(path))

    def lock_folder(self, path: Path) -> None:
        name = re.escape(_raw_name(path))
        refusal = (
            "{tag} NO EXAMINE failed." if self._server.dialect.not_found("[X] y") == "y." else "{tag} NO [NOPERM] no"
        )
        self._server.trouble(self._user, f'(EXAMINE|STATUS) "{name}"', refusal, times=100)

    def append(self, path: Path, raw: bytes, flags: frozenset[str], arrived_at: datetime) -> str:
        return str(self._account.add(_raw_name(path), raw, flags, arrived_at))

    def set_flags(self, path: Path, name: str, flags: frozenset[str]) -> None:
        self._client.select_folder("/".join(path))
        self._client.set_flags(int(name), sorted(flags), silent=True)

    def expunge(self, path: Path, name: str) -> None:
        self._client.select_folder("/".join(path))
        self._client.add_flags(int(name), ["\\Deleted"], silent=True)
        self._client.uid_expunge(int(name))

    def move(self, path: Path, name: str, to: Path) -> str:
        self._client.select_folder("/".join(path))
        before = set(self._account.folder(_raw_name(to)).entries)
        if self._client.has_capability("MOVE"):
            self._client.move(int(name), "/".join(to))
        else:
            self._client.copy(int(name), "/".join(to))
            self.expunge(path, name)
        (fresh,) = set(self._account.folder(_raw_name(to)).entries) - before
        return str(fresh)

    def raw(self, path: Path, name: str) -> bytes:
        self._client.select_folder("/".join(path))
        return self._client.fetch(int(name), ["BODY.PEEK[]"])[int(name)][b"BODY[]"]

    def open(self) -> ImapSource:
        settings = ImapSettings(self._server.host, self._server.port, tls="off", timeout=20)
        session = connect(settings, ImapMailbox(self._user, lambda: self._server.password))
        self._opened.append(ImapSource(session, window=2))
        return self._opened[-1]

    def close(self) -> None:
        for source in self._opened:
            source.close()
        self._client.logout()


def _raw_name(path: Path) -> str:
    return encode_utf7("/".join(path)).decode("ascii")


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[type[Dialect]], ImapSim]]:
    with ExitStack() as stack:

        @cache
        def running(dialect: type[Dialect]) -> ImapSim:
            return stack.enter_context(ImapSim(dialect()))

        yield running


class DialectSuite(SourceSuite):
    dialect: type[Dialect] = Dialect

    @pytest.fixture
    def driver(self, start: Callable[[type[Dialect]], ImapSim]) -> Iterator[SimDriver]:
        with closing(SimDriver(start(self.dialect), f"user{next(NUMBERS)}")) as driver:
            yield driver


class TestPlain(DialectSuite):
    dialect = Dialect


class TestGmail(DialectSuite):
    dialect = Gmail


class TestExchange(DialectSuite):
    dialect = Exchange


class TestMicrosoft365(DialectSuite):
    dialect = Microsoft365


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def server(request: pytest.FixtureRequest, start: Callable[[type[Dialect]], ImapSim]) -> ImapSim:
    return start(request.param)


@contextmanager
def imap_client(host: str, port: int, user: str, password: str) -> Iterator[IMAPClient]:
    client = IMAPClient(host, port, ssl=False)
    try:
        client.login(user, password)
        yield client
    finally:
        client.shutdown()


def walk(client: IMAPClient) -> Iterator[object]:
    """What a client does in a day, and what it is told: in the client's own terms, without what differs by right."""
    client.create_folder("walk")
    client.create_folder("walk/dé")
    yield sorted(name for _, _, name in client.list_folders("", "walk*"))
    yield client.select_folder("walk")[b"EXISTS"]
    for number, raw in enumerate(MAILS):
        client.append("walk", raw, [b"\\Seen"] if number % 2 else [], datetime(2024, 2, number + 1, 3, 4, 5))
    client.noop()
    yield (
        client.search("ALL"),
        client.search("UNSEEN"),
        client.search(["UID", "2:4", "NOT", "SEEN"]),
        client.search("3:*"),
    )
    yield client.search(["HEADER", "Subject", "3"])
    yield rows(client, [1, 2, 5], "FLAGS", "INTERNALDATE", "RFC822.SIZE")
    yield rows(client, [4], "BODY.PEEK[HEADER.FIELDS (SUBJECT X-NONE)]", "BODY.PEEK[TEXT]", "BODY.PEEK[]<5.10>")
    yield rows(client, [3], "BODY.PEEK[]"), client.search("SEEN")
    yield rows(client, [3], "BODY[]"), client.search("SEEN")
    yield flags(client.set_flags([1, 2], ["\\Flagged", "\\Draft"])), flags(client.remove_flags([2], ["\\Draft"]))
    client.copy([2, 4], "walk/dé")
    client.add_flags([2, 5], ["\\Deleted"], silent=True)
    client.uid_expunge([5])
    yield client.search("ALL"), client.search("DELETED")
    client.expunge()
    yield client.search("ALL"), rows(client, [2, 5], "FLAGS"), rows(client, [1, 3, 4], "FLAGS")
    yield client.folder_status("walk/dé", ["MESSAGES", "UNSEEN", "UIDNEXT"])
    client.select_folder("walk/dé", readonly=True)
    yield rows(client, [1, 2], "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]")
    yield refused(lambda: client.fetch([1], ["NONSENSE"])), refused(lambda: client.append("nowhere", MAILS[0]))
    yield refused(lambda: client.select_folder("nowhere")), refused(lambda: client.create_folder("walk"))
    client.rename_folder("walk/dé", "walk/other")
    client.delete_folder("walk/other")
    yield [name for _, _, name in client.list_folders("", "walk*")]


def rows(client: IMAPClient, uids: list[int], *items: str) -> dict[int, dict[bytes, object]]:
    """By UID; flags as sets, without \\Recent, which no two servers give alike."""
    found = client.fetch(uids, list(items))
    for row in found.values():
        if b"FLAGS" in row:
            row[b"FLAGS"] = set(row[b"FLAGS"]) - {b"\\Recent"}
        row.pop(b"MODSEQ", None)
    return found


def flags(told: dict[int, tuple[bytes, ...]]) -> dict[int, set[bytes]]:
    return {uid: set(each) - {b"\\Recent"} for uid, each in told.items()}


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except imaplib.IMAP4.error:
        return True
    return False


@pytest.fixture(scope="module")
def told_by_dovecot() -> list[object]:
    with (
        Dovecot(users=["alice"]) as dovecot,
        imap_client(dovecot.host, dovecot.port, "alice", dovecot.password) as client,
    ):
        return list(walk(client))


def test_what_is_standard_is_as_dovecot_does_it(told_by_dovecot: list[object], server: ImapSim) -> None:
    with imap_client(server.host, server.port, f"user{next(NUMBERS)}", server.password) as client:
        told = list(walk(client))
    if isinstance(server.dialect, Exchange):  # its sizes are estimates
        told, told_by_dovecot = without_sizes(told), without_sizes(told_by_dovecot)
    assert told == told_by_dovecot


def without_sizes(told: object) -> object:
    if isinstance(told, dict):
        return {key: without_sizes(value) for key, value in told.items() if key != b"RFC822.SIZE"}
    return [without_sizes(each) for each in told] if isinstance(told, list | tuple) else told


def mbsync(server: ImapSim, user: str, tmp_path: FilePath) -> dict[str, list[bytes]]:
    """Runs isync, both ways, and gives what it holds of each folder."""
    (local := tmp_path / "local").mkdir(exist_ok=True)
    config = tmp_path / "mbsyncrc"
    config.write_text(
        f"""
        IMAPStore far
        Host {server.host}
        Port {server.port}
        SSLType None
        AuthMechs PLAIN
        User {user}
        PassCmd "echo '{server.password}'"

        MaildirStore near
        Path {local}/
        Inbox {local}/INBOX
        SubFolders Verbatim

        Channel all
        Far :far:
        Near :near:
        Patterns *
        Create Near
        Expunge Both
        SyncState *
        """,
        encoding="utf-8",
    )
    run = subprocess.run(
        ["mbsync", "-c", config, "-a"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    held: dict[str, list[bytes]] = {}
    for file in (each for each in local.rglob("*") if each.parent.name in ("cur", "new") and each.is_file()):
        raw = re.sub(rb"X-TUID: .*\n", b"", file.read_bytes())  # which isync puts into what it pulls
        held.setdefault(str(file.parent.parent.relative_to(local)), []).append(raw.replace(b"\n", b"\r\n"))
    return {folder: sorted(each) for folder, each in held.items()}


def test_isync_takes_it_for_an_imap_server(server: ImapSim, tmp_path: FilePath) -> None:
    user = f"user{next(NUMBERS)}"
    account = server.account(user)
    account.create("Work")
    for raw in MAILS[:4]:
        account.add("INBOX", raw, ["\\Seen"])
    account.add("Work", MAILS[4])
    held = mbsync(server, user, tmp_path)
    assert held["INBOX"] == MAILS[:4]
    assert held["Work"] == [MAILS[4]]
    asked = server.bodies[user].total()
    assert mbsync(server, user, tmp_path) == held
    assert server.bodies[user].total() == asked, "what it had was fetched again"
    (gone, *_) = sorted((tmp_path / "local" / "INBOX").rglob("*,*S"))
    gone.rename(gone.with_name(gone.name + "T"))
    account.add("INBOX", b"From: new@example.test\r\nSubject: new\r\n\r\nnew\r\n")
    assert len(mbsync(server, user, tmp_path)["INBOX"]) == 4
    assert len(account.folder("INBOX").entries) == 4


def test_gmail_is_read_by_labels_with_imapclient(start: Callable[[type[Dialect]], ImapSim]) -> None:
    server, user = start(Gmail), f"user{next(NUMBERS)}"
    account = server.account(user)
    account.create("Work")
    uid = account.add("INBOX", MAILS[0], ["\\Flagged"])
    with imap_client(server.host, server.port, user, server.password) as client:
        everything = client.find_special_folder(b"\\All")
        client.select_folder("INBOX")
        assert client.add_gmail_labels([uid], ["Work"])
        client.select_folder(everything)
        ((found, row),) = client.fetch("1", ["X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"]).items()
        assert client.get_gmail_labels([found]) == {found: ["Work", "\\Inbox", "\\Starred"]}
        msgid = row[b"X-GM-MSGID"]
        for name in ("Work", "INBOX", client.find_special_folder(b"\\Flagged")):
            client.select_folder(name)
            assert [each[b"X-GM-MSGID"] for each in client.fetch(client.search(), ["X-GM-MSGID"]).values()] == [msgid]
        client.select_folder("INBOX")
        client.delete_messages([uid])
        client.expunge()
        assert client.search("ALL") == []
        client.select_folder(everything)
        assert client.search("ALL") == [found], "what leaves a label is archived"
        client.copy([found], client.find_special_folder(b"\\Trash"))
        client.noop()
        client.select_folder("Work")
        assert client.search("ALL") == [], "what goes to the bin has no label"


def test_gmail_keeps_flags_that_changed_meanwhile(start: Callable[[type[Dialect]], ImapSim]) -> None:
    """UNCHANGEDSINCE (RFC 7162 3.1.3), which a server that announces CONDSTORE takes."""
    server, user = start(Gmail), f"user{next(NUMBERS)}"
    account = server.account(user)
    first, second = (account.add("INBOX", mail, frozenset(), datetime(2024, 1, 1, tzinfo=UTC)) for mail in MAILS[:2])
    with imaplib.IMAP4(server.host, server.port, timeout=20) as client:
        client.login(user, server.password)
        client.select()
        client.uid("STORE", str(first), "+FLAGS", "(\\Seen)")
        since = account.folder("INBOX").entries[second].modseq
        client.uid("STORE", f"{first},{second}", f"(UNCHANGEDSINCE {since})", "+FLAGS.SILENT", "(\\Flagged)")
        assert client.response("MODIFIED") == ("MODIFIED", [str(first).encode()])
    flags = {uid: entry.mail.flags for uid, entry in account.folder("INBOX").entries.items()}
    assert flags == {first: {"\\Seen"}, second: {"\\Flagged"}}


@pytest.mark.parametrize("dialect", [Gmail, Microsoft365])
def test_tokens_are_taken_from_imapclient_and_from_us(
    start: Callable[[type[Dialect]], ImapSim], dialect: type[Dialect]
) -> None:
    server, user = start(dialect), f"user{next(NUMBERS)}"
    client = IMAPClient(server.host, server.port, ssl=False)
    with pytest.raises(imaplib.IMAP4.error):
        client.oauth2_login(user, "bad-token")
    client.oauth2_login(user, "good-token")
    assert client.folder_exists("INBOX")
    client.logout()
    settings = ImapSettings(server.host, server.port, tls="off", auth="xoauth2", token=lambda: "good-token")
    source = ImapSource.open(settings, ImapMailbox(user))
    assert "INBOX" in [folder.id for folder in source.folders()]
    source.close()
