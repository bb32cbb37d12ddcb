"""Folders as servers list them: names of every kind, roles, stamps, and the words that go back to the server."""

import pytest

from connectors.errors import FolderGone, FolderRefused, ProtocolError, ReplicationError, ServerBusy
from connectors.imap.session import named
from connectors.model import Folder, Role
from fixtures.servers.imap_script import examined, scripted
from fixtures.servers.scripted_imap import Exchange

OFFERS = "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE"
STATUS = "(UIDVALIDITY 7 UIDNEXT 9 MESSAGES 3 HIGHESTMODSEQ {})"


INBOX = '* LIST () "/" INBOX'


def listed(*lines: str | bytes, capability: str = "IMAP4rev1") -> list[Folder]:
    """What a list is read as, without the INBOX that every list has."""
    with scripted(Exchange("LIST", INBOX, *lines, "{tag} OK done"), capability=capability) as (source, _):
        inbox, *others = sorted(source.folders(), key=lambda folder: folder.id != "INBOX")
        assert inbox.role is Role.INBOX
        return others


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"Sent", ("Sent",)),
        (b'"two  blanks "', ("two  blanks ",)),
        (b'"quote \\" and \\\\ slash"', ('quote " and \\ slash',)),
        (b'"Entw&APw-rfe &- B&APw-ro"', ("Entwürfe & Büro",)),
        (b"a/b/&ZeVnLIqe-", ("a", "b", "日本語")),
        (b'"a.b/c%d*e"', ("a.b", "c%d*e")),
        (b"007", ("007",)),
        (b"NIL", ("NIL",)),
        (b'"NIL"', ("NIL",)),
        (b"inbox/Sub", ("INBOX", "Sub")),
        (b"inboxes", ("inboxes",)),
        (b'"line&AAo-feed"', ("line\nfeed",)),
        (b'"{5}"', ("{5}",)),
        (b'"broken &AP"', ("broken &AP",)),
        (b'"half &2D0-"', ("half &2D0-",)),
        ('"Größe"'.encode(), ("Größe",)),
        (b'"Gr\xf6\xdfe"', ("Größe",)),
        (b"{9}\r\nline\r\nend", ("line\r\nend",)),
        (b'{4}\r\na"\\b', ('a"\\b',)),
    ],
)
def test_a_name(name: bytes, path: tuple[str, ...]) -> None:
    (folder,) = listed(b'* LIST (\\HasNoChildren) "/" ' + name + b"\r\n")
    assert folder.path == path
    assert folder.stamp == ""


@pytest.mark.parametrize(
    ("name", "line", "rest"),
    [
        ("INBOX", b'X "INBOX"', None),
        ('a"b\\c', b'X "a\\"b\\\\c"', None),
        ("100% *", b'X "100% *"', None),
        ("a\r\nA1 DELETE INBOX", b"X {18}", b"a\r\nA1 DELETE INBOX"),
        ("Gr\xf6\xdfe", b"X {5}", b"Gr\xf6\xdfe"),
        ("nul\0", b"X {4}", b"nul\0"),
    ],
)
def test_a_name_on_its_way_back(name: str, line: bytes, rest: bytes | None) -> None:
    command = named(b"X", name.encode("latin-1"))
    assert (command.line, command.rest) == (line, rest)


def test_a_literal_waits_for_the_server() -> None:
    opened = ("* 0 EXISTS", "* OK [UIDVALIDITY 1] valid", "{tag} OK opened")
    folder = Folder("odd\r\nname", ("odd\r\nname",))
    with scripted(
        Exchange("EXAMINE odd\r\nname", *opened),
        Exchange("UID SEARCH ALL", "* SEARCH", "{tag} OK"),
        capability="IMAP4rev1",
    ) as (source, _):
        assert list(source.inventory(folder)) == []


@pytest.mark.parametrize(
    ("separator", "path"),
    [(b'"."', ("a", "b/c")), (b'"/"', ("a.b", "c")), (b"NIL", ("a.b/c",)), (b'"\\\\"', ("a.b/c",))],
)
def test_separators(separator: bytes, path: tuple[str, ...]) -> None:
    (folder,) = listed(b"* LIST () " + separator + b' "a.b/c"\r\n')
    assert folder.path == path


@pytest.mark.parametrize(
    ("attributes", "name", "role"),
    [
        ("\\Sent", "Sent", Role.SENT),
        ("\\HasNoChildren \\TRASH", "Bin", Role.TRASH),
        ("\\Marked", "Sent", Role.NONE),
        ("\\Drafts", "inbox/Drafts", Role.DRAFTS),
        ("\\Important", "x", Role.IMPORTANT),
        ("", "Trash", Role.NONE),
    ],
)
def test_roles_go_by_attribute_never_by_name(attributes: str, name: str, role: Role) -> None:
    (folder,) = listed(f'* LIST ({attributes}) "/" {name}')
    assert folder.role is role


def test_parents_come_first_and_what_does_not_exist_not_at_all() -> None:
    found = listed(
        '* LIST () "/" b/a', '* LIST (\\NonExistent) "/" ghost', '* LIST (\\NonExistent \\Noselect) "/" shade',
        '* LIST () "/" b', '* LIST () "/" a', '* LIST (\\Subscribed) "/" b',
    )  # fmt: skip
    assert [folder.path for folder in found] == [("a",), ("b",), ("b", "a")]
    assert all(folder.selectable for folder in found)


def test_what_cannot_be_opened_is_listed_and_told_apart() -> None:
    found = listed('* LIST (\\NoSelect \\HasChildren) "/" "[Gmail]"', '* LIST () "/" "[Gmail]/Sent"')
    assert [(folder.path, folder.selectable) for folder in found] == [
        (("[Gmail]",), False),
        (("[Gmail]", "Sent"), True),
    ]


@pytest.mark.parametrize("name", ["INBOX", "iNbOx", '"inbox"'])
def test_inbox_in_any_spelling(name: str) -> None:
    with scripted(Exchange("LIST", f'* LIST (\\Drafts) "/" {name}', "{tag} OK"), capability="IMAP4rev1") as (source, _):
        assert list(source.folders()) == [Folder("INBOX", ("INBOX",), Role.INBOX)]


@pytest.mark.parametrize("rows", [[], ['* LIST () "/" Sent'], ['* LIST (\\NonExistent) "/" INBOX']])
def test_a_list_without_inbox_is_no_list(rows: list[str]) -> None:
    """All that it leaves out would be taken for deleted."""
    with (
        scripted(Exchange("LIST", *rows, "{tag} OK done"), capability="IMAP4rev1") as (source, _),
        pytest.raises(ServerBusy, match="INBOX"),
    ):
        list(source.folders())


LISTED, UNOPENED = '* LIST () "/" "B&APw-ro"', '* LIST (\\Noselect) "/" "B&APw-ro"'


@pytest.mark.parametrize(
    ("answer", "look", "error"),
    [
        ("NO [SERVERBUG] Internal error occurred. (0.001 + 0.000 secs).", None, FolderRefused),
        ("NO [NOPERM] Permission denied", None, FolderRefused),
        ("NO [NONEXISTENT] no such mailbox", None, FolderGone),
        ("NO [UNAVAILABLE] later", None, ServerBusy),
        ("NO [INUSE] being repaired", None, ServerBusy),
        ("NO Internal error occurred.", [LISTED], FolderRefused),
        ("NO Try again later", [LISTED], FolderRefused),
        ("NO Mailbox isn't selectable", [UNOPENED], FolderRefused),
        ("NO Mailbox doesn't exist: x", [UNOPENED], FolderGone),
        ("NO Mailbox doesn't exist: x", [LISTED], FolderRefused),
        ("NO Mailbox doesn't exist: x", [], FolderGone),
    ],
)
@pytest.mark.parametrize("command", ["EXAMINE", "STATUS"])
def test_one_folder_that_does_not_open(
    answer: str, look: list[str] | None, error: type[ReplicationError], command: str
) -> None:
    folder = Folder("B&APw-ro", ("Büro",))
    looking = [] if look is None else [Exchange('LIST "" "B&APw-ro"', *look, "{tag} OK")]
    with (
        scripted(Exchange(command, "{tag} " + answer), *looking, capability="IMAP4rev1") as (source, _),
        pytest.raises(error) as caught,
    ):
        source.count(folder) if command == "STATUS" else list(source.inventory(folder))
    assert "folder Büro" in caught.value.message
    assert "secs" not in caught.value.message
    assert caught.value.advice


def test_one_folder_that_cannot_be_searched() -> None:
    search = Exchange("UID SEARCH", "{tag} NO [SERVERBUG] Internal error occurred.")
    with scripted(examined(), search) as (source, _), pytest.raises(FolderRefused, match="INBOX"):
        list(source.inventory(Folder("INBOX", ("INBOX",))))


def test_stamps_are_of_one_command_and_need_a_modseq() -> None:
    """Without one (0, or none at all) flags can change unseen."""
    found = listed(
        '* LIST () "/" a', f"* STATUS a {STATUS.format(50)}", '* LIST () "/" b', f"* STATUS b {STATUS.format(0)}",
        '* LIST () "/" c', "* STATUS c (UIDVALIDITY 7 UIDNEXT 9 MESSAGES 3)", '* LIST () "/" d',
        capability=OFFERS,
    )  # fmt: skip
    assert [folder.stamp for folder in found] == ["7:9:3:50", "", "", ""]


def test_a_server_that_offers_list_extended_and_refuses_it() -> None:
    script = (
        Exchange(r"LIST .* RETURN \(SPECIAL-USE STATUS", "{tag} BAD what?"),
        Exchange(r'LIST "" "\*"\Z', INBOX, '* LIST () "/" a', "{tag} OK"),
    )
    with scripted(*script, capability=OFFERS) as (source, _):
        assert [folder.id for folder in source.folders()] == ["INBOX", "a"]


@pytest.mark.parametrize("answer", ["* LIST garbage", '* LIST () "/"', "* STATUS a", '* LIST x "/" a'])
def test_nonsense_is_no_folder(answer: str) -> None:
    assert listed(answer) == []


@pytest.mark.parametrize("answer", ["* LIST (((", "* LIST ) ( x", '* LIST () "/" "a'])
def test_what_cannot_be_read_is_an_error_of_the_protocol(answer: str) -> None:
    with pytest.raises(ProtocolError):
        listed(answer)


def test_the_count_of_a_folder_that_is_not_open_is_asked_by_status() -> None:
    script = (
        Exchange('STATUS "a" ', "* STATUS a (MESSAGES 42)", "{tag} OK"),
        Exchange('STATUS "b" ', "{tag} NO [NONEXISTENT] gone"),
    )
    with scripted(*script, capability="IMAP4rev1") as (source, _):
        assert source.count(Folder("a", ("a",))) == 42
        with pytest.raises(FolderGone):
            source.count(Folder("b", ("b",)))
