"""How bodies come, and how they do not: against a server that says what a test tells it to."""

from collections.abc import Iterator

import pytest

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemUnreadable,
    ServerBusy,
    Throttled,
)
from connectors.imap.session import HOLD, STREAM_OVER
from connectors.model import Failure, Message, Ref
from fixtures.servers.imap_script import (
    DATE,
    INBOX,
    SMALL,
    body,
    examined,
    fetched,
    listed,
    refs,
    row,
    scripted,
    searched,
    uids,
)
from fixtures.servers.scripted_imap import CUT, STALL, Exchange

LARGE = bytes(range(256)) * (STREAM_OVER // 256 + 1)
ONE = f"* 1 FETCH (UID 1 FLAGS (\\Seen) INTERNALDATE {DATE} "


def answered(*uids: str) -> Exchange:
    """The look for messages that were not given."""
    return Exchange("UID SEARCH UID ", f"* SEARCH {' '.join(uids)}", "{tag} OK done")


@pytest.mark.parametrize(
    "answer",
    [
        (ONE + "BODY[] {11}\r\n").encode() + SMALL + b")\r\n",
        (ONE + "MODSEQ (7) BODY[] {11}\r\n").encode() + SMALL + b" X-GM-MSGID 5)\r\n",
        b"* 1 FETCH (BODY[] {11}\r\n" + SMALL + f" INTERNALDATE {DATE} FLAGS (\\Seen) UID 1)\r\n".encode(),
        f"* 1 fetch (UID 1 FLAGS (\\Seen) INTERNALDATE {DATE} X {{3}}\r\n".encode()
        + b"a)b BODY[] {11}\r\n"
        + SMALL
        + b")\r\n",
        (ONE + "BODY[] ~{11}\r\n").encode() + SMALL + b")\r\n",
        (ONE + 'BODY[] "a: b\\"\\\\ c")').encode() + b"\r\n",
        (ONE + 'BODY[] "")').encode() + b"\r\n",
        (ONE + "BODY[] {0}\r\n)\r\n").encode(),
    ],
    ids=["usual", "more items", "UID last", "other literals", "literal8", "quoted", "empty quoted", "empty literal"],
)
def test_a_body_in_every_form(answer: bytes) -> None:
    with scripted(examined(), fetched("* 3 EXISTS", answer, "* 2 EXPUNGE", asked="1")) as (source, _):
        (message,) = source.fetch(refs(1))
    assert isinstance(message, Message)
    raw = b"".join(message.raw)
    assert raw in (SMALL, b'a: b"\\ c', b"")
    assert (raw == SMALL) == (SMALL in answer)
    assert message.flags == {"\\Seen"}
    assert message.received_at is not None
    assert message.received_at.isoformat() == "2026-11-24T04:29:01+05:45"


@pytest.mark.parametrize("head", [ONE, "* 1 FETCH (FLAGS (\\Seen) UID 1 "], ids=["usual", "another order"])
def test_a_large_body_streams(head: str) -> None:
    answer = f"{head}BODY[] {{{len(LARGE)}}}\r\n".encode() + LARGE + b" MODSEQ (3))\r\n"
    with scripted(examined(), fetched(answer, body(2), asked="1:2")) as (source, _):
        answers = source.fetch(refs(1, 2))
        first = next(answers)
        assert isinstance(first, Message)
        assert not isinstance(first.raw, tuple)
        assert first.flags == {"\\Seen"}
        assert b"".join(first.raw) == LARGE
        assert [answer.ref.native for answer in answers] == ["2"]


def test_a_large_body_whose_uid_comes_behind_it_is_still_taken() -> None:
    answer = f"* 1 FETCH (BODY[] {{{len(LARGE)}}}\r\n".encode() + LARGE + b" UID 1)\r\n"
    with scripted(examined(), fetched(answer, asked="1")) as (source, _):
        (message,) = source.fetch(refs(1))
    assert isinstance(message, Message)
    assert b"".join(message.raw) == LARGE


def test_rows_doubled_unasked_and_without_body_are_no_answers() -> None:
    lines = (body(9), body(1), body(1), row(2), "* 2 FETCH (FLAGS (\\Seen))", body(2))
    with scripted(examined(), fetched(*lines, asked="1:2")) as (source, _):
        assert [answer.ref.native for answer in source.fetch(refs(1, 2))] == ["1", "2"]


def test_two_commands_are_under_way_before_the_first_is_answered() -> None:
    """On a link with a delay the server then never waits for us."""
    rest = [body(uid) for uid in range(9, 17)]
    with scripted(
        examined(),
        Exchange("UID FETCH 1:8 "),
        Exchange("UID FETCH 9:16 ", *map(body, range(1, 9)), "{earlier} OK done", *rest, "{tag} OK done"),
    ) as (source, _):
        assert len(list(source.fetch(refs(*range(1, 17))))) == 16


def test_the_next_window_is_asked_for_before_a_page_is_given() -> None:
    with scripted(
        examined(uidnext=1003, exists=1002),
        searched(" ".join(map(str, range(1, 1003)))),
        listed(row(1), asked="1:1000"),
        Exchange("UID FETCH 1001:1002 "),
        fetched(row(1002), "{earlier} OK done", body(1), asked="1"),
    ) as (source, _):
        pages = source.changes(INBOX, None)
        assert uids(list(next(pages).changes)) == ["1"]
        assert len(list(source.fetch(refs(1)))) == 1
        assert uids(list(next(pages).changes)) == ["1002"]


def test_bodies_that_memory_cannot_hold_are_asked_for_again() -> None:
    """Sizes that were claimed too small, while the refs wait for the next page."""
    fat = b"x" * (HOLD // 6)
    with scripted(
        examined(),
        fetched(*(body(uid, fat) for uid in range(2, 10)), asked="2:9"),
        examined(),
        searched("1"),
        listed(row(1)),
        fetched(body(1), asked="1"),
        fetched(body(8, fat), asked="8"),
        fetched(body(9, fat), asked="9"),
    ) as (source, _):

        def taken() -> Iterator[Ref]:
            yield from refs(*range(2, 10))
            yield from (change.ref for page in source.changes(INBOX, None) for change in page.changes)

        sizes = {answer.ref.native: size_of(answer) for answer in source.fetch(taken())}
    assert sizes == {"1": len(SMALL)} | {str(uid): len(fat) for uid in range(2, 10)}


def test_a_large_body_in_the_way_of_a_listing_is_asked_for_again() -> None:
    """Its size was not known, and memory must not hold it while the refs wait for the next page."""
    large = body(2, LARGE)
    with scripted(
        examined(),
        fetched(large, *map(body, range(3, 10)), asked="2:9"),
        examined(),
        searched("1"),
        listed(row(1)),
        fetched(body(1), asked="1"),
        fetched(large, asked="2"),
    ) as (source, _):

        def taken() -> Iterator[Ref]:
            yield from refs(*range(2, 10))
            yield from (change.ref for page in source.changes(INBOX, None) for change in page.changes)

        sizes = {answer.ref.native: size_of(answer) for answer in source.fetch(taken())}
    assert sizes == {"2": len(LARGE)} | {str(uid): len(SMALL) for uid in (1, *range(3, 10))}


def size_of(answer: Message | Failure) -> int:
    assert isinstance(answer, Message)
    return sum(map(len, answer.raw))


def test_what_is_not_given_has_left_or_cannot_be_read() -> None:
    nil = ONE.replace("UID 1", "UID 3") + "BODY[] NIL)"
    with scripted(examined(), fetched(body(1), nil, asked="1:3"), answered("2")) as (source, _):
        answers = {answer.ref.native: answer for answer in source.fetch(refs(1, 2, 3))}
    assert isinstance(answers["1"], Message)
    assert isinstance(answers["2"], Failure)
    assert isinstance(answers["3"], Failure)
    assert (type(answers["2"].error), type(answers["3"].error)) == (ItemUnreadable, ItemGone)


def test_a_refused_command_is_halved_until_the_culprit_is_found() -> None:
    with scripted(
        examined(),
        fetched(body(1), asked="1:4", end="{tag} NO [SERVERBUG] it hurts"),
        fetched(body(2), asked="2:3", end="{tag} BAD it hurts"),
        fetched(body(4), asked="4"),
        fetched(asked="3", end="{tag} NO [SERVERBUG] message 3 hurts"),
        answered("3"),
    ) as (source, _):
        answers = {answer.ref.native: answer for answer in source.fetch(refs(1, 2, 3, 4))}
    assert [uid for uid, answer in answers.items() if isinstance(answer, Message)] == ["1", "2", "4"]
    assert isinstance(answers["3"], Failure)
    assert isinstance(answers["3"].error, ItemUnreadable)
    assert "message 3 hurts" in answers["3"].error.message


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ("{tag} NO [UNAVAILABLE] later", ServerBusy),
        ("{tag} NO [LIMIT] slow down", Throttled),
        ("{tag} BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds", Throttled),
        ("* BYE [UNAVAILABLE] maintenance", ServerBusy),
        ("* BYE going down", Disconnected),
        (CUT, Disconnected),
        (b"* 2 FETCH (UID 2 FLAGS () INTERNALDATE NIL BODY[] {500}\r\nabc", Disconnected),
    ],
)
def test_a_server_that_cannot_go_on(end: str | bytes, error: type[Exception]) -> None:
    cut = (CUT,) if isinstance(end, bytes) or str(end).startswith("*") else ()
    with scripted(examined(), Exchange("UID FETCH 1:2 ", body(1), end, *cut)) as (source, _):
        answers = source.fetch(refs(1, 2))
        assert next(answers).ref.native == "1"
        with pytest.raises(error) as caught:
            next(answers)
    assert getattr(caught.value, "retry_after", None) == (5.0 if "5000" in str(end) else None)


def test_silence_is_a_lost_connection() -> None:
    with scripted(examined(), Exchange("UID FETCH 1 ", STALL), timeout=1.0) as (source, _), pytest.raises(Disconnected):
        list(source.fetch(refs(1)))


def test_silence_in_a_large_body_is_a_lost_connection() -> None:
    head = f"{ONE}BODY[] {{{len(LARGE)}}}\r\n".encode()
    with scripted(examined(), Exchange("UID FETCH 1 ", head + LARGE[:-5], STALL), timeout=1.0) as (source, _):
        answers = source.fetch(refs(1))
        message = next(answers)
        assert isinstance(message, Message)
        with pytest.raises(Disconnected):
            b"".join(message.raw)
        with pytest.raises(Disconnected):
            next(answers)


def test_refs_of_an_older_numbering_have_left() -> None:
    old = Ref("INBOX", "6:1")
    with scripted(examined(), fetched(body(2), asked="2")) as (source, _):
        answers = {answer.ref: answer for answer in source.fetch([old, *refs(2)])}
    assert isinstance(answers[old], Failure)
    assert isinstance(answers[old].error, ItemGone)
    assert isinstance(answers[refs(2)[0]], Message)


@pytest.mark.parametrize(
    ("end", "names", "error"),
    [
        ("{tag} NO [NONEXISTENT] no such mailbox", None, FolderGone),
        ("{tag} NO Mailbox does not exist", (), FolderGone),
        ("{tag} NO not for you", ('* LIST () "/" INBOX',), FolderRefused),
        ("{tag} NO broken", ('* LIST () "/" "inbox"',), FolderRefused),
        ("{tag} NO [SERVERBUG] Internal error occurred.", None, FolderRefused),
        ("{tag} NO [INUSE] being repaired", None, ServerBusy),
    ],
)
def test_a_folder_that_does_not_open(end: str, names: tuple[str, ...] | None, error: type[Exception]) -> None:
    look = [] if names is None else [Exchange('LIST "" "INBOX"', *names, "{tag} OK done")]
    with scripted(Exchange("EXAMINE", end), *look) as (source, _), pytest.raises(error):
        list(source.fetch(refs(1)))
