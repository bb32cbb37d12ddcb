"""The IMAP source against Cyrus, beyond what every source is asked: roles, others' folders, what its QRESYNC tells."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.model import Change, Cursor, Folder, Gone, Page, Role
from fixtures.servers.cyrus_imap import CyrusImap

INBOX = Folder("INBOX", ("INBOX",))


@contextmanager
def opened(server: CyrusImap, user: str = "alice") -> Iterator[ImapSource]:
    settings = ImapSettings(server.host, server.port, tls="off", timeout=20)
    source = ImapSource(connect(settings, ImapMailbox(user, lambda: server.password)))
    try:
        yield source
    finally:
        source.close()


def fill(server: CyrusImap, count: int, folder: str = "INBOX") -> None:
    with server.client("alice") as client:
        for number in range(count):
            client.append(folder, "", None, b"Subject: %d\r\n\r\nbody\r\n" % number)


def drop(server: CyrusImap, uids: str) -> None:
    with server.client("alice") as client:
        client.select("INBOX")
        client.uid("STORE", uids, "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()


def pull(server: CyrusImap, since: Cursor | None = None) -> tuple[list[Change], Page]:
    """A pass in a session of its own."""
    with opened(server) as source:
        pages = list(source.changes(INBOX, since))
    return [change for page in pages for change in page.changes], pages[-1]


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize("gone", ["8:10", "1:3", "1:10", "4,10"])
def test_all_that_left_is_told_also_above_the_highest_that_stayed(gone: str, purge: bool) -> None:
    """Cyrus bounds `1:*` by the highest UID that is there (cyrus-imapd #6071), but not what it tells at the opening."""
    with CyrusImap(users=("alice",), purge=purge) as server:
        fill(server, 10)
        _, page = pull(server)
        drop(server, gone)
        changes, later = pull(server, page.cursor)
        left = {int(change.ref.native) for change in changes if isinstance(change, Gone)}
        with opened(server) as source:
            there = {int(ref.native) for ref in source.inventory(INBOX)}
        assert left >= set(range(1, 11)) - there
        assert not left & there
        assert pull(server, later.cursor) == ([], Page((), later.cursor, last=True))


@pytest.mark.parametrize("capability", ["qresync", "condstore", "plain"])
def test_roles_are_those_that_the_user_gave(capability: str) -> None:
    with CyrusImap(users=("alice",), capability=capability) as server:
        for name, role in (("Gesendet", "\\Sent"), ("Kram", "\\Junk"), ("Archiv", "\\Archive")):
            server.give_role("alice", name, role)
        with server.client("alice") as client:
            client.create("Sent")
        with opened(server) as source:
            roles = {folder.path[0]: folder.role for folder in source.folders()}
    assert roles == {
        "INBOX": Role.INBOX,
        "Gesendet": Role.SENT,
        "Kram": Role.JUNK,
        "Archiv": Role.ARCHIVE,
        "Sent": Role.NONE,
    }


@pytest.mark.parametrize(("below_inbox", "separator"), [(False, "/"), (False, "."), (True, "/"), (True, ".")])
def test_own_folders_have_one_path_and_others_keep_theirs(below_inbox: bool, separator: str) -> None:
    with CyrusImap(below_inbox=below_inbox, separator=separator) as server:
        names = [server.prefix + name for name in ("a", f"a{separator}b", "Gel&APY-scht")]
        with server.client("alice") as alice, server.client("bob") as bob:
            for name in names:
                assert alice.create(name)[0] == "OK"
                assert alice.append(name, "", None, b"Subject: x\r\n\r\n")[0] == "OK"
            assert bob.create(f"{server.prefix}shown")[0] == "OK"
            assert bob.setacl(f"{server.prefix}shown", "alice", "lrs")[0] == "OK"
        with opened(server) as source:
            folders = list(source.folders())
            own, others = folders[:], [folder for folder in folders if folder.path[-1] == "shown"]
            assert [source.count(folder) for folder in own if folder.selectable] == [
                0 if folder.path[-1] in ("INBOX", "shown") else 1 for folder in own if folder.selectable
            ]
    paths = [folder.path for folder in folders if folder.path[-1] != "shown"]
    assert [path for path in paths if path[0] not in ("Other Users", "user")] == [
        ("INBOX",),
        ("Gelöscht",),
        ("a",),
        ("a", "b"),
    ]
    assert [len(folder.path) for folder in others] == [3]


def test_a_folder_that_was_made_anew_under_its_name_is_another() -> None:
    with CyrusImap(users=("alice",)) as server:
        seen = []
        for _ in range(2):
            with server.client("alice") as client:
                client.create("again")
            fill(server, 2, "again")
            with opened(server) as source:
                folder = next(each for each in source.folders() if each.path == ("again",))
                seen.append(set(source.inventory(folder)))
            with server.client("alice") as client:
                assert client.delete("again")[0] == "OK"
        assert not seen[0] & seen[1]
