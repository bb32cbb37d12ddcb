"""Data that comes unasked, without its UID, in another spelling or order: at every place where a row may come."""

import pytest

from connectors.errors import CursorExpired, ItemGone, ItemUnreadable, ProtocolError
from connectors.model import Failure, Folder, Message, Seen
from fixtures.servers.imap_script import (
    CURSOR,
    DATE,
    INBOX,
    SMALL,
    body,
    examined,
    fetched,
    listed,
    pull,
    refs,
    row,
    scripted,
    searched,
    uids,
    unchanged,
)
from fixtures.servers.scripted_imap import Exchange

ONLY_CONDSTORE = "IMAP4rev1 CONDSTORE"
NOTICE = (
    b"From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\n"
    b"This message is no longer available on the server.\r\n"
)
NOISE = (
    "* 2 FETCH (FLAGS (\\Deleted))",
    "* 9 FETCH (UID 99 FLAGS (\\Seen) MODSEQ (70))",
    "* 3 EXPUNGE",
    "* VANISHED 55",
    "* 4 EXISTS",
    "* 1 RECENT",
    "* FLAGS (\\Seen)",
    "* OK [ALERT] the cellar is full {17}",
    "* NO the clock is slow",
    "* BAD nothing to do with you",
    "* OK [HIGHESTMODSEQ 70] later",
    '* LIST () "/" other',
    "* STATUS other (MESSAGES 900)",
    "* CAPABILITY IMAP4rev1 X",
    "* ENABLED X",
    "* QUOTA root (STORAGE 1 2)",
    "* XUNHEARD OF (((",
)


DIGITS = "9" * 5000
"""More than Python makes a number of."""


@pytest.mark.parametrize("size", [DIGITS, "9" * 19, f"{DIGITS} X 1"])
def test_a_size_beyond_all_numbers_is_none(size: str) -> None:
    text = f"* 1 FETCH (UID 1 FLAGS () INTERNALDATE {DATE} RFC822.SIZE {size})"
    with scripted(examined(), searched("1"), listed(text)) as (source, _):
        (change,), _ = pull(source)
    assert isinstance(change, Seen)
    assert change.size == 0


@pytest.mark.parametrize(
    "line",
    [
        f"* 1 FETCH (UID {DIGITS} FLAGS ())",
        f"* OK [HIGHESTMODSEQ {DIGITS}] x",
        f"* {DIGITS} EXISTS",
        f"* STATUS x (MESSAGES {DIGITS})",
        f"* SEARCH {DIGITS}",
    ],
)
def test_numbers_beyond_all_numbers_are_no_bug_of_ours(line: str) -> None:
    with scripted(examined(line), searched("1"), listed(line, row(1)), fetched(line, body(1), asked="1")) as (
        source,
        _,
    ):
        changes, _ = pull(source)
        assert uids(changes) == ["1"]
        (answer,) = source.fetch(refs(1))
    assert isinstance(answer, Message)


@pytest.mark.parametrize("line", NOISE)
def test_unsolicited_data_within_every_command_of_a_pass(line: str) -> None:
    """None of it is of the folder as it was when the pass began, so none of it is in the pages or the cursor."""
    with scripted(
        examined(),
        Exchange("UID SEARCH ALL", line, "* SEARCH 1 2 3", line, "{tag} OK done"),
        listed(line, row(1), line, row(2), row(3), line),
        fetched(line, body(1), line, body(2), line, asked="1:2"),
    ) as (source, _):
        changes, page = pull(source)
        assert (uids(changes), page.cursor) == (["1", "2", "3"], CURSOR)
        answers = list(source.fetch(refs(1, 2)))
    assert [b"".join(one.raw) for one in answers if isinstance(one, Message)] == [SMALL, SMALL]


@pytest.mark.parametrize("line", [line for line in NOISE if "STATUS" not in line] + ["* STATUS other (MESSAGES 900)"])
def test_unsolicited_data_within_a_count(line: str) -> None:
    with scripted(Exchange("STATUS", line, "* STATUS a (MESSAGES 42)", line, "{tag} OK")) as (source, _):
        assert source.count(Folder("a", ("a",))) == 42


def test_a_count_under_another_spelling_and_one_that_is_not_there() -> None:
    with scripted(
        Exchange("STATUS", "* STATUS other (MESSAGES 9)", '* STATUS "A" (MESSAGES 42)', "{tag} OK"),
        Exchange("STATUS", "* STATUS a (UIDNEXT 42)", "{tag} OK"),
    ) as (source, _):
        assert source.count(Folder("a", ("a",))) == 42
        with pytest.raises(ProtocolError):
            source.count(Folder("a", ("a",)))


def test_a_change_without_its_uid_is_a_change_of_any_message() -> None:
    """RFC 7162 3.2.5 asks for it, and a change that no one can name must not be behind the cursor."""
    with (
        scripted(examined("* 2 FETCH (FLAGS (x) MODSEQ (51))", modseq=51)) as (source, _),
        pytest.raises(CursorExpired),
    ):
        pull(source, CURSOR)


def test_a_row_without_its_uid_from_the_folder_before_says_nothing_of_this_one() -> None:
    before = ("* 2 FETCH (FLAGS (x))", "* OK [CLOSED] bye")
    with scripted(examined(*before)) as (source, _):
        assert pull(source, CURSOR) == unchanged(CURSOR)


def test_without_qresync_rows_of_the_folder_before_are_no_changes() -> None:
    """CONDSTORE alone has no CLOSED to tell them by."""
    with scripted(examined("* 2 FETCH (FLAGS (x))", "* 3 EXPUNGE"), capability=ONLY_CONDSTORE) as (source, _):
        assert pull(source, CURSOR) == unchanged(CURSOR)


@pytest.mark.parametrize(
    "line",
    [
        "* 2 FETCH (UID 2 MODSEQ (55))",
        "* 2 FETCH (MODSEQ (55) UID 2)",
        "* 2 fetch (modseq (55) uid 2)",
        "* 2 FETCH (X-GUID 3 UID 2 MODSEQ (55))",
        '* 2 FETCH (EMAILID (M1) UID 2 FLAGS ("UID 3) MODSEQ (55))'.replace('"', "$"),
    ],
)
def test_the_uid_of_a_change_wherever_it_stands(line: str) -> None:
    asked = Exchange(r"UID FETCH 1:\* \(UID\) \(CHANGEDSINCE 50\)", "* 1 FETCH (FLAGS (y))", line, "{tag} OK done")
    with scripted(examined(modseq=60), asked, listed(row(2, modseq=55), asked="2"), capability=ONLY_CONDSTORE) as (
        source,
        _,
    ):
        assert uids(pull(source, CURSOR)[0]) == ["2"]


@pytest.mark.parametrize("capability", ["IMAP4rev1", "IMAP4rev1 ESEARCH"])
@pytest.mark.parametrize(
    "lines",
    [
        ("* SEARCH 1 2 3",),
        ("* search 3 2", "* SEARCH 1"),
        ("* SEARCH 1 2 3 (MODSEQ 50)",),
        ('* ESEARCH (TAG "x") UID ALL 1:3',),
        ('* ESEARCH (TAG "x") UID COUNT 3 ALL 3:1 MODSEQ 50',),
    ],
)
def test_a_search_is_answered_in_whichever_way(capability: str, lines: tuple[str, ...]) -> None:
    asked = Exchange("UID SEARCH ", *lines, "{tag} OK done")
    with scripted(examined(), asked, capability=capability) as (source, _):
        assert [ref.native for ref in source.inventory(INBOX)] == ["1", "2", "3"]


def test_a_server_that_announces_esearch_and_does_not_know_it() -> None:
    refused = Exchange(r"UID SEARCH RETURN \(ALL\) ALL", "{tag} BAD what?")
    with scripted(examined(), refused, searched("1 2 3"), capability="IMAP4rev1 ESEARCH") as (source, _):
        assert len(list(source.inventory(INBOX))) == 3


def test_bodies_in_rows_without_a_uid_are_no_ones() -> None:
    """Which message it is cannot be told; it is asked for again, alone, and said to be unreadable if it stays so."""
    nameless = b"* 1 FETCH (FLAGS () BODY[] {%d}\r\n%b)\r\n" % (len(SMALL), SMALL)
    with scripted(
        examined(), fetched(nameless, body(2), asked="1:2"), Exchange("UID SEARCH UID 1", "* SEARCH 1", "{tag} OK done")
    ) as (source, _):
        first, second = sorted(source.fetch(refs(1, 2)), key=lambda answer: answer.ref.native)
    assert isinstance(first, Failure)
    assert isinstance(first.error, ItemUnreadable)
    assert isinstance(second, Message)


@pytest.mark.parametrize(("present", "kind"), [("", ItemGone), ("1", ItemUnreadable)])
def test_the_notice_in_the_place_of_lost_mail_is_no_mail(present: str, kind: type[Exception]) -> None:
    """Courier serves it for mail that others expunged, and for a file that cannot be read."""
    with scripted(
        Exchange("SELECT", "* 1 EXISTS", "* OK [UIDVALIDITY 7] ok", "{tag} OK opened"),
        fetched(body(1, NOTICE), asked="1"),
        Exchange("UID SEARCH UID 1", f"* SEARCH {present}", "{tag} OK done"),
        capability="IMAP4rev1 ACL ACL2=UNION",
    ) as (source, _):
        (answer,) = source.fetch(refs(1))
    assert isinstance(answer, Failure)
    assert isinstance(answer.error, kind)


def test_the_same_words_from_another_server_are_mail() -> None:
    """Someone may have kept such a notice; and an empty message is one."""
    with scripted(examined(), fetched(body(1, NOTICE), body(2, b""), asked="1:2")) as (source, _):
        answers = list(source.fetch(refs(1, 2)))
    assert [b"".join(one.raw) for one in answers if isinstance(one, Message)] == [NOTICE, b""]
