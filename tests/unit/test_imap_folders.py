"""Folders as servers list them: names of every kind, roles, stamps, and the words that go back to the server."""

import pytest

from connectors.errors import FolderGone, ProtocolError
from connectors.imap.session import named
from connectors.model import Folder, Role
from fixtures.servers.imap_script import scripted
from fixtures.servers.scripted_imap import Exchange

OFFERS = "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE"
STATUS = "(UIDVALIDITY 7 UIDNEXT 9 MESSAGES 3 HIGHESTMODSEQ {})"


def listed(*lines: str | bytes, capability: str = "IMAP4rev1") -> list[Folder]:
    with scripted(Exchange("LIST", *lines, "{tag} OK done"), capability=capability) as (source, _):
        return list(source.folders())


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
        (b"iNbOx", ("INBOX",)),
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
        ("\\Drafts", "INBOX", Role.INBOX),
        ("\\Important", "x", Role.IMPORTANT),
        ("", "Trash", Role.NONE),
    ],
)
def test_roles_go_by_attribute_never_by_name(attributes: str, name: str, role: Role) -> None:
    (folder,) = listed(f'* LIST ({attributes}) "/" {name}')
    assert folder.role is role


def test_what_can_hold_no_mail_is_left_out_and_parents_come_first() -> None:
    found = listed(
        '* LIST () "/" b/a', '* LIST (\\Noselect) "/" "[Gmail]"', '* LIST (\\NonExistent) "/" ghost',
        '* LIST () "/" b', '* LIST () "/" a', '* LIST (\\Subscribed) "/" b',
    )  # fmt: skip
    assert [folder.path for folder in found] == [("a",), ("b",), ("b", "a")]


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
        Exchange(r'LIST "" "\*"\Z', '* LIST () "/" a', "{tag} OK"),
    )
    with scripted(*script, capability=OFFERS) as (source, _):
        assert [folder.id for folder in source.folders()] == ["a"]


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
