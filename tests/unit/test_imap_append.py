"""APPEND on the wire: what is sent and when, what each answer means, and what a lost one leaves open."""

import socket
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemRefused,
    ItemTooLarge,
    QuotaExceeded,
    ReplicationError,
    ServerBusy,
    Throttled,
)
from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.imap.writing.append import internal_date, take_measure
from connectors.model import Message, Ref, Unknown
from fixtures.servers.imap_script import INBOX
from fixtures.servers.scripted_imap import CUT, Exchange
from fixtures.servers.target_script import PLAIN, selected, writing

RAW = b"Subject: a\r\n\r\nbody\r\n"
WHEN = datetime(2023, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=45)))
NEWFOUNDLAND = timezone(timedelta(hours=-3, minutes=-30))
AMSTERDAM = timezone(timedelta(minutes=19, seconds=32))
LETTER = Message(Ref("", ""), (RAW,), received_at=WHEN)
HEAD = r'APPEND "INBOX" \(\) " 3-Feb-2023 04:05:06 \+0545" '


def test_the_bytes_go_out_as_they_are_and_the_id_comes_back() -> None:
    with writing(Exchange(HEAD, "{tag} OK [APPENDUID 7 12] done")) as (target, commands):
        assert target.append(INBOX, LETTER, "op") == Ref("INBOX", "7:12")
    assert commands[-2].endswith('+0545" ' + RAW.decode())


def test_flags_that_are_not_kept_are_not_sent() -> None:
    flags = frozenset({"\\Seen", "\\Draft", "$Forwarded", "two words", "\\Recent"})
    opened = selected("* OK [PERMANENTFLAGS (\\Seen \\Deleted $Forwarded)] limited")
    with writing(opened, Exchange(r'APPEND "INBOX" \(\$Forwarded \\Seen\) ', "{tag} OK [APPENDUID 7 4] done")) as (
        target,
        _,
    ):
        assert target.append(INBOX, Message(Ref("", ""), (RAW,), flags), "op") == Ref("INBOX", "7:4")
        assert target.keeps(INBOX, flags) == {"\\Seen", "$Forwarded"}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("* OK [PERMANENTFLAGS (\\Seen \\*)] any", {"\\Seen", "new-one"}),
        ("* OK [PERMANENTFLAGS ()] none", set()),
        ("* OK [PERMANENTFLAGS (\\SEEN New-One)] in another case", {"\\Seen", "new-one"}),
        ("* OK nothing is said of them", {"\\Seen", "\\Flagged", "new-one"}),
    ],
)
def test_what_is_kept_is_what_the_server_says(said: str, kept: set[str]) -> None:
    with writing(selected(said)) as (target, _):
        assert (
            target.keeps(INBOX, frozenset({"\\Seen", "\\Flagged", "new-one", "a]b", "ü", "", "\\x) y", "\\"})) == kept
        )


def test_a_message_that_is_refused_with_its_keywords_comes_without_them() -> None:
    flags = frozenset({"\\Seen", "too-long"})
    script = (
        selected("* OK [PERMANENTFLAGS (\\Seen \\*)] any"),
        Exchange(r'APPEND "INBOX" \(\\Seen too-long\)', "{tag} NO [CANNOT] Keyword length too long"),
        Exchange("STATUS", '* STATUS "INBOX" (MESSAGES 3)', "{tag} OK done"),
        Exchange(r'APPEND "INBOX" \(\\Seen\)', "{tag} OK [APPENDUID 7 4] done"),
    )
    with writing(*script) as (target, _):
        assert target.append(INBOX, Message(Ref("", ""), (RAW,), flags), "op") == Ref("INBOX", "7:4")


REFUSALS: list[tuple[str, type[ReplicationError]]] = [
    ("NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", QuotaExceeded),
    ("NO Message blocked: over quota", QuotaExceeded),
    ("NO [TOOBIG] Message too large", ItemTooLarge),
    ("NO Message size exceeds fixed maximum message size", ItemTooLarge),
    ("NO [TRYCREATE] Mailbox doesn't exist", FolderGone),
    ("NO [NONEXISTENT] no such mailbox", FolderGone),
    ("NO [NOPERM] Permission denied", FolderRefused),
    ("NO Permission denied", FolderRefused),
    ("NO [UNAVAILABLE] the store is away", ServerBusy),
    ("NO [INUSE] locked", ServerBusy),
    ("NO [THROTTLED] slowly", Throttled),
    ("NO [LIMIT] APPEND rate limit hit", Throttled),
    ("NO Request is throttled. Suggested Backoff Time: 5000 milliseconds", Throttled),
]


@pytest.mark.parametrize(("said", "kind"), REFUSALS)
def test_a_refusal_is_said_and_the_session_goes_on(said: str, kind: type[ReplicationError]) -> None:
    taken = Exchange("APPEND", "{tag} OK [APPENDUID 7 4] done")
    with writing(Exchange("APPEND", "{tag} " + said), taken) as (target, _):
        with pytest.raises(kind) as raised:
            target.append(INBOX, LETTER, "op")
        assert type(raised.value) is kind
        assert raised.value.advice
        assert "INBOX" in raised.value.message
        assert target.append(INBOX, LETTER, "op") == Ref("INBOX", "7:4")


@pytest.mark.parametrize(
    "said",
    [
        "BAD Command Argument Error. 11",  # Exchange, of malformed MIME
        "BAD Command Argument Error. 12",
        "NO [LIMIT] too many keywords",
        "NO [CANNOT] never",
        "NO Message contains invalid header",  # Cyrus
        "NO Message contains bare newlines",
        "NO [SERVERBUG] Internal error occurred",
    ],
)
def test_a_message_is_blamed_if_its_folder_can_be_opened(said: str) -> None:
    status = Exchange("STATUS", '* STATUS "INBOX" (MESSAGES 3)', "{tag} OK done")
    with writing(Exchange("APPEND", "{tag} " + said), status) as (target, _), pytest.raises(ItemRefused):
        target.append(INBOX, LETTER, "op")


def test_no_message_is_blamed_for_its_folder() -> None:
    refused = Exchange("APPEND", "{tag} NO [SERVERBUG] Internal error occurred")
    status = Exchange("STATUS", "{tag} NO [SERVERBUG] Internal error occurred")
    with writing(refused, status) as (target, _), pytest.raises(FolderRefused):
        target.append(INBOX, LETTER, "op")


def test_a_message_above_the_limit_is_not_sent() -> None:
    with writing(capability=f"{PLAIN} APPENDLIMIT=10") as (target, commands):
        with pytest.raises(ItemTooLarge, match="10 at most"):
            target.append(INBOX, LETTER, "op")
        assert target.quota().largest == 10
    assert not any(command.startswith("APPEND") for command in commands)


def test_a_nul_goes_as_a_binary_literal_or_not_at_all() -> None:
    message = Message(Ref("", ""), (b"Subject: a\r\n\r\n\0\r\n",))
    with writing() as (target, commands), pytest.raises(ItemRefused, match="NUL"):
        target.append(INBOX, message, "op")
    with writing(Exchange(r'APPEND "INBOX" \(\) ~', "{tag} OK [APPENDUID 7 4] done"), capability=f"{PLAIN} BINARY") as (
        target,
        commands,
    ):
        assert target.append(INBOX, message, "op") == Ref("INBOX", "7:4")
    assert any("~" in command for command in commands)


def test_an_empty_message_cannot_be_appended() -> None:
    with writing() as (target, _), pytest.raises(ItemRefused, match="empty"):
        target.append(INBOX, Message(Ref("", ""), ()), "op")


def test_an_answer_that_was_lost_is_unknown() -> None:
    with writing(Exchange("APPEND", CUT)) as (target, _):
        answer = target.append(INBOX, LETTER, "op")
        assert isinstance(answer, Unknown)
        assert isinstance(answer.error, Disconnected)
        assert isinstance(target.append(INBOX, LETTER, "op"), Unknown), "the session went on"


def test_a_goodbye_instead_of_an_answer_leaves_it_unknown() -> None:
    with writing(Exchange("APPEND", "* BYE [UNAVAILABLE] shutting down", CUT)) as (target, _):
        answer = target.append(INBOX, LETTER, "op")
        assert isinstance(answer, Unknown)
        assert isinstance(answer.error, ServerBusy)


def test_without_an_id_the_only_one_that_came_is_it() -> None:
    row = f'* 4 FETCH (UID 4 FLAGS () INTERNALDATE " 3-Feb-2023 04:05:06 +0545" BODY[] {{{len(RAW)}}}\r\n'
    script = (
        selected(),
        Exchange("APPEND", "{tag} OK done"),
        selected(uidnext=5, exists=4),
        Exchange(r"UID SEARCH UID 4:\*", "* SEARCH 4", "{tag} OK done"),
        Exchange("UID FETCH 4 ", row.encode() + RAW + b")\r\n", "{tag} OK done"),
    )
    with writing(*script, capability="IMAP4rev1") as (target, _):
        assert target.append(INBOX, LETTER, "op") == Ref("INBOX", "7:4")


def test_without_an_id_several_that_may_be_it_are_none() -> None:
    """It was written, so it is not to be written again; the caller knows it better."""
    other = b"Subject: b\r\n\r\nelse\r\n"
    rows = b"".join(
        b'* %d FETCH (UID %d FLAGS () INTERNALDATE " 3-Feb-2023 04:05:06 +0545" BODY[] {%d}\r\n%b)\r\n'
        % (uid, uid, len(other), other)
        for uid in (4, 5)
    )
    script = (
        selected(),
        Exchange("APPEND", "{tag} OK done"),
        selected(uidnext=6, exists=5),
        Exchange(r"UID SEARCH UID 4:\*", "* SEARCH 4 5", "{tag} OK done"),
        Exchange("UID FETCH 4:5 ", rows, "{tag} OK done"),
    )
    with writing(*script, capability="IMAP4rev1") as (target, _):
        answer = target.append(INBOX, LETTER, "op")
    assert isinstance(answer, Unknown)
    assert answer.written


def test_an_id_that_was_promised_and_does_not_come_is_unknown_and_written() -> None:
    with writing(Exchange("APPEND", "{tag} OK done")) as (target, _):
        answer = target.append(INBOX, LETTER, "op")
    assert isinstance(answer, Unknown)
    assert answer.written


def test_a_folder_that_can_only_be_read_is_refused() -> None:
    with (
        writing(selected(end="OK [READ-ONLY] opened")) as (target, _),
        pytest.raises(FolderRefused, match="only be read"),
    ):
        target.keeps(INBOX, frozenset({"\\Seen"}))


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (WHEN, b'" 3-Feb-2023 04:05:06 +0545"'),
        (datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), b'"31-Dec-2024 23:59:59 +0000"'),
        (
            datetime(1999, 6, 7, 8, 9, 10, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            b'" 7-Jun-1999 08:09:10 -0330"',
        ),
        (
            datetime(1900, 1, 1, 0, 19, 32, tzinfo=timezone(timedelta(minutes=19, seconds=32))),
            b'" 1-Jan-1900 00:00:00 +0000"',
        ),
        (datetime(999, 1, 2, tzinfo=UTC), b'" 2-Jan-0999 00:00:00 +0000"'),
    ],
)
def test_a_date_is_written_as_rfc_3501_has_it(when: datetime, text: bytes) -> None:
    assert internal_date(when) == text


def test_a_date_without_a_zone_is_no_date() -> None:
    with pytest.raises(ValueError, match="time zone"):
        internal_date(datetime(2024, 1, 1))


def test_what_can_be_read_only_once_is_not_measured() -> None:
    with pytest.raises(ValueError, match="only once"):
        take_measure(iter([RAW]))
    measure = take_measure((RAW, b"\0"))
    assert (measure.size, measure.binary) == (len(RAW) + 1, True)


class Literal:
    """A server that answers one APPEND in a way of its own, to see what the client sends before it is asked to."""

    def __init__(self, capability: str, refusal: bytes = b"") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.before, self.after = b"", b""
        self._capability, self._refusal = capability.encode(), refusal
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer, peer.makefile("rwb") as file:
            file.write(b"* OK [CAPABILITY %b] ready\r\n" % self._capability)
            file.flush()
            for line in file:
                tag, _, rest = line.partition(b" ")
                if rest.upper().startswith(b"APPEND"):
                    self._append(peer, file, tag, line)
                    continue
                if rest.upper().startswith(b"CAPABILITY"):
                    file.write(b"* CAPABILITY %b\r\n" % self._capability)
                file.write(tag + b" OK done\r\n")
                file.flush()

    def _append(self, peer, file, tag: bytes, line: bytes) -> None:
        self.before = line
        if line.endswith(b"+}\r\n"):
            self.after = file.readline() + file.readline() + file.readline() + file.readline()
        elif self._refusal:
            file.write(tag + b" " + self._refusal + b"\r\n")
            file.flush()
            return
        else:
            file.write(b"+ go on\r\n")
            file.flush()
            self.after = file.readline() + file.readline() + file.readline() + file.readline()
        file.write(tag + b" OK [APPENDUID 7 4] done\r\n")
        file.flush()


@pytest.mark.parametrize(
    ("capability", "size", "mark"),
    [
        ("LITERAL+", 100, b"{100+}"),
        ("LITERAL+", 70_000, b"{70000}"),
        ("LITERAL-", 4096, b"{4096+}"),
        ("LITERAL-", 4097, b"{4097}"),
        ("", 100, b"{100}"),
    ],
)
def test_a_literal_waits_unless_the_server_spares_it_that(capability: str, size: int, mark: bytes) -> None:
    server = Literal(f"IMAP4rev1 UIDPLUS {capability}".rstrip())
    raw = b"Subject: a\r\n\r\n".ljust(size - 2, b"x") + b"\r\n"
    target = CONNECTOR.open_target(
        ImapSettings("127.0.0.1", server.port, tls="off", timeout=20), ImapMailbox("alice", lambda: "open sesame")
    )
    assert target.append(INBOX, Message(Ref("", ""), (raw,)), "op") == Ref("INBOX", "7:4")
    target.close()
    server.join()
    assert server.before.endswith(mark + b"\r\n")
    assert server.after == raw + b"\r\n"


def test_a_large_literal_that_is_refused_is_not_sent() -> None:
    server = Literal("IMAP4rev1 UIDPLUS LITERAL+", b"NO [TOOBIG] no")
    target = CONNECTOR.open_target(
        ImapSettings("127.0.0.1", server.port, tls="off", timeout=20), ImapMailbox("alice", lambda: "open sesame")
    )
    with pytest.raises(ItemTooLarge):
        target.append(INBOX, Message(Ref("", ""), (RAW + b"x" * 100_000 + b"\r\n",)), "op")
    target.close()
    server.join()
    assert server.after == b""
