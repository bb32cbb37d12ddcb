"""A message for which the server ends the session, as IMAP: what is asked, and how often."""

from random import Random

import pytest

from connectors.errors import Disconnected, ItemUnreadable
from connectors.imap import CONNECTOR, ImapMailbox
from connectors.imap.session import STREAM_OVER
from connectors.model import Failure, Message, Seen
from connectors.retrying import Pauses, Retrying
from fixtures.servers.imap_script import DATE, INBOX, body, examined, fetched, refs, row, searched, settings
from fixtures.servers.scripted_imap import CUT, Exchange, ScriptedImap

BYE = "* BYE FETCH failed: Internal error occurred. Refer to server log for more information."
HALF = f"* 2 FETCH (UID 2 FLAGS () INTERNALDATE {DATE}"
LIST = Exchange("LIST", '* LIST () "/" INBOX', "{tag} OK done")


def retrying(server: ScriptedImap, slept: list[float]) -> Retrying:
    def open_source():
        return CONNECTOR.open_source(settings(server), ImapMailbox("alice", lambda: "open sesame"))

    return Retrying(open_source, Pauses(attempts=4), slept.append, Random(0))


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ((BYE,), "FETCH failed: Internal error occurred"),
        ((f"{HALF})", BYE), "FETCH failed: Internal error occurred"),
        ((f"{HALF} BODY[] {{500}}\r\nabc".encode(),), "the connection was lost"),
    ],
    ids=["at once", "after its row", "in its body"],
)
def test_a_message_that_ends_the_session_costs_three_logins(end: tuple[str | bytes, ...], says: str) -> None:
    slept: list[float] = []
    with ScriptedImap(
        examined(),
        Exchange("UID FETCH 1:4 ", body(1), *end, CUT),
        examined(),
        Exchange("UID FETCH 2 ", *end, CUT),
        LIST,
        examined(),
        Exchange("UID FETCH 2 ", *end, CUT),
        LIST,
        examined(),
        Exchange("UID FETCH 3 ", body(3), "{tag} OK"),
        Exchange("UID FETCH 4 ", body(4), "{tag} OK"),
    ) as server:
        source = retrying(server, slept)
        answers = {answer.ref.native: answer for answer in source.fetch(refs(1, 2, 3, 4))}
        source.close()
    assert sorted(uid for uid, answer in answers.items() if isinstance(answer, Message)) == ["1", "3", "4"]
    failure = answers["2"]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, ItemUnreadable)
    assert "message 2 in INBOX" in failure.error.message
    assert says in failure.error.message
    assert len(slept) == 3


def test_a_session_that_ends_says_why_and_is_not_asked_again() -> None:
    with ScriptedImap(examined(), Exchange("UID FETCH 1 ", BYE, CUT)) as server:
        source = CONNECTOR.open_source(settings(server), ImapMailbox("alice", lambda: "open sesame"))
        with pytest.raises(Disconnected, match="FETCH failed: Internal error occurred") as caught:
            list(source.fetch(refs(1)))
        source.close()
    assert caught.value.advice


def test_a_listing_that_ends_the_session_is_asked_for_without_sizes() -> None:
    asked = Exchange(r"UID FETCH 1:3 \(UID FLAGS INTERNALDATE RFC822.SIZE", row(1), f"{HALF})", BYE, CUT)
    rows = [f"* {uid} FETCH (UID {uid} FLAGS (\\Seen) INTERNALDATE {DATE} MODSEQ (5{uid}))" for uid in (1, 2, 3)]
    slept: list[float] = []
    with ScriptedImap(
        examined(),
        searched("1 2 3"),
        asked,
        examined(),
        searched("1 2 3"),
        asked,
        examined(),
        searched("1 2 3"),
        Exchange(r"UID FETCH 1:3 \(UID FLAGS INTERNALDATE MODSEQ\)", *rows, "{tag} OK done"),
    ) as server:
        source = retrying(server, slept)
        (page,) = source.changes(INBOX, None)
        source.close()
    seen = [change for change in page.changes if isinstance(change, Seen)]
    assert [(change.ref.native, change.version, change.size, change.flags) for change in seen] == [
        (uid, f"5{uid}", 0, {"\\Seen"}) for uid in ("1", "2", "3")
    ]
    assert page.last


def test_a_large_body_that_ends_sessions_at_the_same_byte() -> None:
    head = f"* 2 FETCH (UID 2 FLAGS () INTERNALDATE {DATE} BODY[] {{{2 * STREAM_OVER}}}\r\n".encode()
    cut = Exchange("UID FETCH 2", head + bytes(STREAM_OVER), CUT)
    again = [each for _ in range(3) for each in (examined(), cut)]
    slept: list[float] = []
    with ScriptedImap(
        examined(),
        fetched(body(1), head + bytes(STREAM_OVER), asked="1:3", end=CUT),
        *again,
        examined(),
        Exchange("UID FETCH 3 ", body(3), "{tag} OK"),
    ) as server:
        source = retrying(server, slept)
        answers = source.fetch(refs(1, 2, 3))
        assert next(answers).ref.native == "1"
        large = next(answers)
        assert isinstance(large, Message)
        with pytest.raises(ItemUnreadable, match=f"{STREAM_OVER} bytes"):
            b"".join(large.raw)
        assert [answer.ref.native for answer in answers] == ["3"]
        source.close()


def test_a_refused_fetch_is_a_messages_trouble_whatever_words_are_used() -> None:
    refusal = "{tag} NO [SERVERBUG] Internal error occurred. (0.001 + 0.000 secs)."
    with ScriptedImap(
        examined(),
        fetched(asked="1", end=refusal),
        Exchange("UID SEARCH UID 1", "* SEARCH 1", "{tag} OK"),
        fetched(asked="2", end="{tag} NO temporarily locked"),
        Exchange("UID SEARCH UID 2", "* SEARCH 2", "{tag} OK"),
    ) as server:
        source = retrying(server, [])
        first, second = [*source.fetch(refs(1)), *source.fetch(refs(2))]
        source.close()
    assert isinstance(first, Failure)
    assert isinstance(second, Failure)
    assert (first.error.code, second.error.code) == ("ItemUnreadable", "ItemBusy")
    assert first.error.message == ("message 1 in INBOX: the server refused: [SERVERBUG] Internal error occurred.")
