"""What servers do that they should not, and what few do but may: each trap against a server that sets it."""

import pytest

from connectors.errors import CursorExpired
from connectors.model import Cursor, Seen
from fixtures.servers.imap_script import (
    CURSOR,
    DATE,
    INBOX,
    examined,
    listed,
    pull,
    row,
    scripted,
    searched,
    uids,
    unchanged,
)
from fixtures.servers.scripted_imap import Exchange

ONLY_CONDSTORE = "IMAP4rev1 CONDSTORE"


@pytest.mark.parametrize(
    "answer",
    [
        examined(uidvalidity=8),
        examined(modseq=49),
        examined(modseq=0),
    ],
    ids=["numbered anew", "history went back", "history was lost"],
)
def test_a_cursor_of_another_history_expires(answer: Exchange) -> None:
    with scripted(answer) as (source, _), pytest.raises(CursorExpired):
        pull(source, CURSOR)


def test_a_history_that_went_back_within_a_pass_expires() -> None:
    cursor = Cursor('{"v":1,"uidvalidity":7,"uidnext":4,"modseq":50,"after":2,"base":0}')
    with scripted(examined(modseq=40)) as (source, _), pytest.raises(CursorExpired):
        pull(source, cursor)


def test_without_modseq_a_cursor_is_kept_while_nothing_changes_and_expires_when_it_does() -> None:
    """With QRESYNC removals are promised, and a folder without mod-sequences cannot tell them."""
    opened, found = examined(modseq=0), searched("1 2 3")
    rows = [row(1), row(2, "\\Seen"), row(3)]
    with (
        scripted(
            *(opened, found, listed(*rows)),
            *(opened, found, listed(*rows)),
            *(opened, found, listed(row(1), row(2), row(3))),
            *(opened, searched("1 3"), listed(row(1), row(3))),
        ) as (source, _),
    ):
        _, page = pull(source)
        assert pull(source, page.cursor) == unchanged(page.cursor)
        for _ in range(2):
            with pytest.raises(CursorExpired):
                pull(source, page.cursor)


def test_modseq_zero_of_an_empty_folder_is_no_change() -> None:
    empty = examined(modseq=0, exists=0, uidnext=1)
    with scripted(empty, searched(""), empty, searched("")) as (source, commands):
        changes, page = pull(source)
        assert changes == []
        assert pull(source, page.cursor) == unchanged(page.cursor)
    assert not any("QRESYNC (" in command for command in commands), "modseq 0 was sent"


def test_a_server_that_gains_modseqs_is_followed() -> None:
    with (
        scripted(
            *(examined(modseq=0), searched("1"), listed(row(1))),
            *(examined(), searched("1"), listed(row(1))),
            examined(),
            capability=ONLY_CONDSTORE,
        ) as (source, _),
    ):
        _, page = pull(source)
        changes, page = pull(source, page.cursor)
        assert (changes, '"modseq":50' in page.cursor) == ([], True)
        assert pull(source, page.cursor) == ([], page)


def test_a_server_that_announces_qresync_and_refuses_it() -> None:
    with (
        scripted(Exchange(r"EXAMINE \S+ \(QRESYNC \(7 50\)\)", "{tag} BAD what?"), examined()) as (source, _),
        pytest.raises(CursorExpired),
    ):
        pull(source, CURSOR)


def test_a_full_pass_ends_where_it_began() -> None:
    """Mail that arrives, and changes that are made, while it runs are left to the next pass."""
    news = ("* 4 EXISTS", "* 4 FETCH (UID 4 FLAGS (\\Recent) MODSEQ (60))", "* OK [HIGHESTMODSEQ 60] now")
    with scripted(examined(), searched("1 2 3 4"), listed(*news, *map(row, (1, 2, 3)))) as (source, _):
        changes, page = pull(source)
    assert uids(changes) == ["1", "2", "3"]
    assert page.cursor == CURSOR


@pytest.mark.parametrize("modseq", [50, 0])
def test_pages_within_a_window_resume_behind_themselves(modseq: int) -> None:
    """Large mail ends pages early; without mod-sequences a window is then listed again as a whole."""
    rows = [row(uid, size=10 << 20) for uid in (1, 2, 3)]
    opening = (examined(modseq=modseq), searched("1 2 3"))
    with scripted(*opening, listed(*rows), *opening, listed(*rows[1 if modseq else 0 :])) as (source, _):
        pages = list(source.changes(INBOX, None))
        assert [uids(list(page.changes)) for page in pages] == [["1"], ["2"], ["3"]]
        rest, last = pull(source, pages[0].cursor)
    assert uids(rest) == ["1", "2", "3"][1 if modseq else 0 :]
    assert last.cursor == pages[-1].cursor


def test_rows_come_in_any_order_doubled_and_among_others() -> None:
    noise = (
        "* 2 FETCH (FLAGS (\\Deleted))",  # of whom?
        "* 9 FETCH (UID 99 FLAGS (\\Seen))",  # not asked for
        "* VANISHED 55",
        "* 4 EXISTS",
        "* 1 RECENT",
        "* OK [ALERT] the cellar is full {17}",
        "* FLAGS (\\Seen)",
    )
    rows = (
        row(3, "b", modseq=9),
        noise[0],
        "* 1 FETCH (RFC822.SIZE 77 MODSEQ (8) INTERNALDATE " + DATE + " FLAGS (\\SEEN $x) UID 1)",
        *noise[1:],
        row(2, "a", modseq=9),
        "* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent) MODSEQ (12))",
    )
    with scripted(examined(), searched("3 1 2"), listed(*rows)) as (source, _):
        changes, _ = pull(source)
    seen = [change for change in changes if isinstance(change, Seen)]
    assert [(each.ref.native, set(each.flags), each.version, each.size) for each in seen] == [
        ("1", {"\\Seen", "$x"}, "8", 77),
        ("2", {"\\Flagged"}, "12", 10),
        ("3", {"b"}, "9", 10),
    ]
    assert [each.arrived_at.isoformat() for each in seen] == ["2026-11-24T04:29:01+05:45"] * 3


def test_vanished_and_changed_come_with_the_opening() -> None:
    before = ("* VANISHED (EARLIER) 2", "* 1 FETCH (UID 1 FLAGS () MODSEQ (51))")  # of the folder open until then
    after = ("* OK [CLOSED] bye", "* VANISHED (EARLIER) 1:2,90:4294967295", "* 1 FETCH (UID 3 FLAGS (x) MODSEQ (52))")
    with scripted(examined(*before, *after, modseq=52), listed(row(3, "x", modseq=52), asked="3")) as (source, _):
        changes, page = pull(source, CURSOR)
    assert uids(changes) == ["-1", "-2", "3"]
    assert page.cursor == CURSOR.replace("50", "52")


def test_a_broken_delta_resumes_and_ends_where_it_began() -> None:
    cursor = Cursor('{"v":1,"uidvalidity":7,"uidnext":4,"modseq":60,"after":2,"base":50}')
    rows = [f"* {uid} FETCH (UID {uid} FLAGS () MODSEQ (55))" for uid in (1, 2, 3)]
    opened = examined("* VANISHED (EARLIER) 1", *rows, modseq=70)
    with scripted(opened, listed(row(3, modseq=55), asked="3")) as (source, commands):
        changes, page = pull(source, cursor)
    assert "QRESYNC (7 50)" in " ".join(commands)
    assert uids(changes) == ["-1", "3"]
    assert page.cursor == CURSOR.replace("50", "60")


def test_condstore_alone_asks_for_what_is_new_and_drops_the_last_one_that_was_not() -> None:
    with (
        scripted(
            examined(modseq=60, uidnext=6),
            Exchange(r"UID FETCH 1:\* \(UID\) \(CHANGEDSINCE 50\)", "* 2 FETCH (UID 2 MODSEQ (55))", "{tag} OK done"),
            Exchange(r"UID SEARCH UID 4:\*", "* SEARCH 3", "{tag} OK done"),  # n:* is *:n when n is beyond the last
            listed(row(2, modseq=55), asked="2"),
            examined(modseq=60, uidnext=6),
            capability=ONLY_CONDSTORE,
        ) as (source, _),
    ):
        assert not source.capabilities.reports_removals
        changes, page = pull(source, CURSOR)
        assert uids(changes) == ["2"]
        assert pull(source, page.cursor) == unchanged(page.cursor)


def test_lines_beyond_a_megabyte() -> None:
    many = 300_000
    numbers = " ".join(map(str, range(1, many + 1)))
    vanished = "* VANISHED (EARLIER) " + ",".join(map(str, range(1, many + 1, 2)))
    flags = " ".join(f"keyword{number}" for number in range(100_000))
    assert min(len(numbers), len(vanished), len(flags)) > 950_000
    with scripted(
        examined(uidnext=many + 1),
        Exchange("UID SEARCH ALL", f"* SEARCH {numbers}", "{tag} OK done"),
        examined(vanished, uidnext=many + 1),
        examined(modseq=0),
        searched("1"),
        listed(row(1, flags)),
    ) as (source, _):
        assert sum(1 for _ in source.inventory(INBOX)) == many
        assert sum(len(page.changes) for page in source.changes(INBOX, CURSOR)) == many // 2
        changes, _ = pull(source)
        assert isinstance(changes[0], Seen)
        assert len(changes[0].flags) == 100_000


def test_utf8_is_not_agreed_on_and_names_are_opened_as_they_were_listed() -> None:
    """RFC 6855 would make the server write names in UTF-8, and no other server would know the ids."""
    names = (b"&AOk-t&AOk-", b'"\xc3\xa9t\xc3\xa9 2"')  # the second should not be, without an agreement
    rows = [b'* LIST () "/" ' + name + b"\r\n" for name in (b"INBOX", *names)]
    with scripted(
        Exchange("LIST", *rows, "{tag} OK done"),
        Exchange('STATUS "&AOk-t&AOk-" ', "* STATUS &AOk-t&AOk- (MESSAGES 1)", "{tag} OK"),
        Exchange("STATUS \xc3\xa9t\xc3\xa9 2 ", b"* STATUS {7}\r\n\xc3\xa9t\xc3\xa9 2 (MESSAGES 2)\r\n", "{tag} OK"),
        capability="IMAP4rev1 ENABLE QRESYNC CONDSTORE UTF8=ACCEPT",
    ) as (source, commands):
        folders = {folder.path: folder for folder in source.folders()}
        assert [source.count(folders[path]) for path in (("été",), ("été 2",))] == [1, 2]
    assert [command for command in commands if command.startswith("ENABLE")] == ["ENABLE QRESYNC"]
