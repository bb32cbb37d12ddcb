"""The small pieces: UIDs, tokens, dates, flags, cursors, digests, and what errors are made of."""

import socket
import ssl
from array import array
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import (
    CursorExpired,
    Disconnected,
    ItemBusy,
    ProtocolError,
    SourceError,
    Unanswered,
    Unreachable,
    Untrusted,
)
from connectors.imap import tokens, translate, uids
from connectors.imap.reading import position
from connectors.imap.reading.blocks import MOST, Blocks, fitting_width
from connectors.imap.reading.listing import LONG_AGO, read_date, read_flags
from connectors.imap.reading.pages import PAGE_BYTES, cut
from connectors.imap.reading.position import Position
from connectors.model import Cursor, Ref, Seen

UIDS = st.sets(st.integers(1, uids.MOST), max_size=50) | st.sets(st.integers(1, 60), max_size=50)


def seen(uid: int, size: int = 0, *flags: str) -> Seen:
    return Seen(Ref("f", f"7:{uid}"), "", frozenset(flags), LONG_AGO, size)


@given(UIDS)
def test_a_set_is_read_as_it_was_written(numbers: set[int]) -> None:
    text = uids.write_set(sorted(numbers))
    assert list(uids.expand(uids.read_ranges(text, uids.MOST))) == sorted(numbers)


@given(UIDS, st.integers(0, uids.MOST))
def test_nothing_is_read_beyond_the_highest(numbers: set[int], highest: int) -> None:
    text = b" ".join(b"%d" % number for number in numbers)
    found = uids.ordered(uids.expand(uids.read_ranges(text, highest)))
    assert list(found) == sorted(number for number in numbers if number <= highest)


def test_ranges_may_be_turned_round_and_endless() -> None:
    assert list(uids.read_ranges(b"9:7,0,4:4294967295,99999999999", 10)) == [(7, 9), (1, 0), (4, 10)]
    assert list(uids.expand(uids.read_ranges(b"9:7,3", 10))) == [7, 8, 9, 3]
    assert uids.ordered(array("I", [3, 1, 2, 3])) == array("I", [1, 2, 3])


def test_a_range_that_no_memory_holds_is_no_answer() -> None:
    with pytest.raises(ProtocolError, match="from 1 to 4294967295"):
        uids.expand(uids.read_ranges(b"1:4294967295", uids.MOST))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_no_bytes_break_the_tokens(parts: list[bytes]) -> None:
    try:
        tokens.parse(parts)
    except ProtocolError:
        return


def test_tokens() -> None:
    found = tokens.parse(
        (b'* 1 FETCH (FLAGS (\\Seen $a) X "q\\"\\\\" Y NIL Z "NIL" L ', b"lit (", b" MODSEQ (12))\r\n")
    )
    row = tokens.pairs(found[3])
    assert (tokens.words(row[b"FLAGS"]), row[b"X"], row[b"Y"], row[b"Z"]) == ([b"\\Seen", b"$a"], b'q"\\', None, b"NIL")
    assert (row[b"L"], tokens.number(row[b"MODSEQ"]), tokens.number(row[b"X"])) == (b"lit (", 12, 0)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        (
            b"24-Nov-2026 04:29:01 +0545",
            datetime(2026, 11, 24, 4, 29, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        ),
        (b" 1-jan-1970 00:00:00 -1130", datetime(1970, 1, 1, tzinfo=timezone(-timedelta(hours=11, minutes=30)))),
        (b"29-Feb-2024 23:59:59 +0000", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        (b"31-Feb-2024 23:59:59 +0000", LONG_AGO),
        (b"24-Nix-2026 04:29:01 +0000", LONG_AGO),
        (b"24-Nov-2026 04:29:01 +9999", LONG_AGO),
        (b"yesterday", LONG_AGO),
        (b"", LONG_AGO),
    ],
)
def test_dates(text: bytes, date: datetime) -> None:
    assert read_date(text) == date
    assert read_date(text).utcoffset() == date.utcoffset()


def test_flags_are_spelt_alike_and_recent_is_none() -> None:
    assert read_flags(b"\\SEEN \\recent $Junk $junk \\X caf\xc3\xa9 caf\xe9") == {
        "\\Seen",
        "$Junk",
        "$junk",
        "\\X",
        "café",
    }
    assert read_flags(b"") == frozenset()


POSITIONS = st.builds(
    Position,
    uidvalidity=st.integers(1, uids.MOST),
    uidnext=st.integers(0, uids.MOST),
    modseq=st.integers(1, (1 << 63) - 1),
    after=st.none() | st.integers(0, uids.MOST),
    base=st.just(0),
)


@given(POSITIONS)
def test_a_cursor_says_its_position(where: Position) -> None:
    assert position.parse(where.cursor()) == where
    assert position.parse(where.cursor()).cursor() == where.cursor()


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"v":2}', '{"v":1,"uidvalidity":7}', '{"v":1,"uidvalidity":"x","uidnext":1,"blocks":[1]}',
     '{"v":1,"uidvalidity":7,"uidnext":1,"blocks":[0]}', '{"v":1,"uidvalidity":7,"uidnext":1,"blocks":[10,1]}',
     '{"v":1,"uidvalidity":7,"uidnext":1}', '{"v":1,"uidvalidity":7,"uidnext":1,"modseq":-1}'],
)  # fmt: skip
def test_what_is_no_cursor_expires(text: str) -> None:
    with pytest.raises(CursorExpired):
        position.parse(Cursor(text))


def test_digests_tell_flags_and_messages_apart() -> None:
    def digested(*rows: Seen) -> Blocks:
        blocks = Blocks(10)
        blocks.add(0, rows)
        return blocks

    one = digested(seen(1, 0, "a", "b"), seen(2))
    assert one == digested(seen(1, 0, "b", "a"), seen(2))
    for other in (
        digested(seen(1, 0, "a"), seen(2)),
        digested(seen(1, 0, "a", "b")),
        digested(seen(1, 0, "a", "b"), seen(3)),
    ):
        assert not one.same(other, 0)
    assert Blocks.from_json(one.as_json()).same(one, 0)
    assert not one.same(Blocks(10), 0)
    assert not one.same(Blocks(20, {0: "x"}), 0)


def test_a_cursor_stays_small_however_wide_the_numbers_are_spread() -> None:
    spread = range(1, 4_000_000_000, 400_000)
    width = fitting_width(spread, 1000)
    assert len({uid // width for uid in spread}) <= MOST
    assert fitting_width(range(1, 1_000_000), 1000) == 1000


def test_pages_end_at_their_bytes_or_their_count() -> None:
    sizes = [1, PAGE_BYTES, 5, PAGE_BYTES * 3, 7, 7, PAGE_BYTES - 14, 1]
    pieces = cut([seen(uid, size) for uid, size in enumerate(sizes, 1)], 1000)
    assert [[change.size for change in piece if isinstance(change, Seen)] for piece in pieces] == [
        [1], [PAGE_BYTES], [5], [PAGE_BYTES * 3], [7, 7, PAGE_BYTES - 14], [1],
    ]  # fmt: skip
    assert [len(piece) for piece in cut([seen(uid) for uid in range(1, 8)], 3)] == [3, 3, 1]
    assert cut([], 3) == [[]]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such host"), Unreachable),
        (ConnectionRefusedError(111, "refused"), Unreachable),
        (TimeoutError("timed out"), Unanswered),
        (OSError(113, "no route"), Unreachable),
        (ssl.SSLCertVerificationError("self-signed"), Untrusted),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), Unreachable),
        (ssl.SSLEOFError(8, "EOF"), Unreachable),
        (EOFError(), Unreachable),
        (RuntimeError("odd"), Unreachable),
    ],
)
def test_a_connection_that_fails(error: Exception, kind: type[SourceError]) -> None:
    made = translate.connecting(error, "mail.example:993")
    assert type(made) is kind
    assert made.message.startswith("mail.example:993: ")
    assert made.advice


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(104, "reset"), EOFError("closed"), ssl.SSLError(1, "bad mac")]
)
def test_a_session_that_dies(error: Exception) -> None:
    made = translate.disconnected(error, "mail.example:993")
    assert type(made) is Disconnected
    assert made.transient


def test_what_a_server_says_is_shortened_and_has_no_control_characters() -> None:
    made = translate.refused("bell \a\r\n" + "x" * 1000, "folder f")
    assert len(made.message) < 300
    assert made.message.isprintable()


def test_a_locked_message_may_be_asked_for_again() -> None:
    assert isinstance(translate.item_refused("[INUSE] locked", "message 1"), ItemBusy)
