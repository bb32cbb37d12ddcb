"""Appends on bad days: answers that are lost, refusals in the middle, a staging that someone clears, a kill."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemTooLarge,
    ItemUnreadable,
    LoginRefused,
    ProtocolError,
    QuotaExceeded,
    ReplicationError,
    ServerBusy,
    Throttled,
    Unreachable,
)
from connectors.graph import GraphMailbox
from connectors.graph.client import Client
from connectors.graph.folders import STAGING
from connectors.graph.source import GraphSource
from connectors.graph.writing import appending, uploads, window
from connectors.graph.writing.sending import Sending, Undecided
from connectors.model import BEGINNING, Message
from connectors.testing.corpus import plain
from connectors.testing.promises.appends import Broken, Fickle
from fixtures.graph import EVER, Act, Answer, Cut, Drop, GraphServer, Lose, Response
from fixtures.graph.faults import Fault
from tests.flow.test_graph import ALICE, folder
from tests.flow.test_graph_append import NOWHERE, RECEIVED, WAYS, Writer, mixed, writer_of

Step = tuple[str, str, str, bytes]
"""A way, a method and path of one of its requests, and what is appended."""

SMALL, LARGE = plain(1), mixed(50_000)
STEPS: dict[str, Step] = {
    "making the folder": ("import", "POST", "/mailFolders$", SMALL),
    "importing": ("import", "POST", "importMime$", SMALL),
    "describing": ("import", "PATCH", "/messages/", SMALL),
    "moving what was imported": ("import", "POST", "/move$", SMALL),
    "composing": ("compose", "POST", "/messages$", SMALL),
    "composing in staging": ("compose", "POST", "/messages$", LARGE),
    "beginning an upload": ("compose", "POST", "createUploadSession$", LARGE),
    "uploading": ("compose", "PUT", "AttachmentSessions", LARGE),
    "moving what was composed": ("compose", "POST", "/move$", LARGE),
}
LAST = {"moving what was imported", "composing", "moving what was composed"}
LOST: dict[str, tuple[Fault, bool]] = {
    "done, and no answer": (Lose(0), True),
    "done, and 504": (Lose(504), True),
    "done, and 500": (Lose(500), True),
    "done, and half an answer": (Cut(at=10), True),
    "not done, and no answer": (Drop(), False),
    "not done, and 504": (Answer(504), False),
    "not done, and 503": (Answer(503), False),
}
every_step = pytest.mark.parametrize("step", STEPS)
every_with_token = pytest.mark.parametrize("step", [step for step in STEPS if step != "uploading"])
SENDING = ["composing", "composing in staging", "beginning an upload", "uploading"]
IN_STAGING = [step for step in STEPS if step not in ("making the folder", "composing", "uploading")]
"""But for an upload: its address does not say what it misses."""


@pytest.fixture(name="server")
def server_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    """With everything large made small: from 20 kB on a message is made in steps, and a file is sent in ranges."""
    monkeypatch.setattr(appending, "REQUEST_MOST", 20_000)
    monkeypatch.setattr(uploads, "SMALL", 20_000)
    monkeypatch.setattr(uploads, "RANGE", 20_000)
    with GraphServer(seed=6) as server:
        server.quirks.least_upload = 20_000
        server.mailbox(ALICE)
        yield server


def ready(server: GraphServer, step: str, fault: Fault, times: int = 1) -> Writer:
    """All but the append has been done. The probe of `prepare` is a request for importing, and another for changing."""
    way, method, path, _ = STEPS[step]
    writer = writer_of(server, way)
    server.faults.add(fault, method=method, path=path, times=times)
    return writer


def shown(writer: Writer) -> int:
    """How many messages the mailbox has, but for what is unfinished or was thrown away."""
    return sum(count for name, count in writer.held().items() if name not in (STAGING, "Deletions"))


@pytest.mark.parametrize(
    ("step", "lost"),
    # The last answer of an upload has no body that could be cut.
    [(step, lost) for step in STEPS for lost in LOST if (step, lost) != ("uploading", "done, and half an answer")],
)
def test_a_lost_answer_is_undecided_and_found_out(server: GraphServer, step: str, lost: str) -> None:
    fault, done = LOST[lost]
    writer = ready(server, step, fault)
    mark = window.mark(writer.client, writer.inbox)
    with pytest.raises(Undecided) as caught:
        writer.append(STEPS[step][3])
    assert isinstance(caught.value.error, Disconnected)
    assert "not known" in caught.value.error.message
    with pytest.raises(Disconnected):
        writer.client.check_open()
    fresh = writer.again()
    expected = int(done and step in LAST)
    assert len(window.find(fresh.client, fresh.inbox, mark, lambda _: True)) == expected
    assert shown(fresh) == expected, "a message that is not all there is shown"
    fresh.append(STEPS[step][3])
    assert shown(fresh) == expected + 1


REFUSALS: dict[str, tuple[Answer, type[ReplicationError]]] = {
    "too much": (Answer(429, retry_after=7), Throttled),
    "too much, by 503": (Answer(503, "TooManyRequests", retry_after=7), Throttled),
    "full": (Answer(403, "ErrorQuotaExceeded", "Full."), QuotaExceeded),
    "full, by 507": (Answer(507, "ErrorQuotaExceeded", "Full."), QuotaExceeded),
    "locked": (Answer(409, "ErrorIrresolvableConflict", "Later."), ReplicationError),
    "a redirection": (Answer(response=Response(302, b"", {"Location": "https://elsewhere.example/"})), ProtocolError),
}


@every_step
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_means_that_nothing_was_written(server: GraphServer, step: str, refusal: str) -> None:
    answer, kind = REFUSALS[refusal]
    writer = ready(server, step, answer)
    with pytest.raises(kind):
        writer.append(STEPS[step][3])
    assert shown(writer) == 0
    server.clock.advance(60)
    writer.append(STEPS[step][3])
    assert shown(writer) == 1
    assert STAGING not in writer.held(), "what was begun was left"


@every_with_token
def test_a_token_that_is_refused_is_renewed_once(server: GraphServer, step: str) -> None:
    writer = ready(server, step, Act(server.login.revoke))
    writer.append(STEPS[step][3])
    assert len(server.log.entries(status=401)) == 1
    assert shown(writer) == 1


@every_with_token
def test_a_right_that_is_taken_away_in_the_middle(server: GraphServer, step: str) -> None:
    writer = ready(server, step, Act(server.tenant_data.roles.clear))
    with pytest.raises(LoginRefused, match="ErrorAccessDenied") as caught:
        writer.append(STEPS[step][3])
    assert "Mail.ReadWrite" in caught.value.advice
    server.tenant_data.roles |= {"Mail.ReadWrite", "Mail-Advanced.ReadWrite.All"}
    assert shown(writer) == 0


@WAYS
def test_a_folder_that_is_refused_is_only_that(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    writer.alice.lock_folder("inbox")
    with pytest.raises(FolderRefused, match="ErrorAccessDenied"):
        writer.append(SMALL)
    writer.alice.lock_folder("inbox", locked=False)
    writer.append(SMALL)
    assert writer.held() == {"Inbox": 1, **({"Deletions": 1} if way == "import" else {})}


@WAYS
@pytest.mark.parametrize("raw", [SMALL, LARGE], ids=["small", "large"])
def test_a_folder_that_was_deleted(server: GraphServer, way: str, raw: bytes) -> None:
    writer = writer_of(server, way)
    writer.alice.make_folder("Doomed")
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        doomed = folder(source, "Doomed")
    writer.alice.delete_folder("Doomed")
    with pytest.raises(FolderGone, match="Doomed"):
        writer.append(raw, where=doomed)
    writer.append(raw)
    assert STAGING not in writer.held()


@pytest.mark.parametrize("step", SENDING)
def test_too_large_for_someone(server: GraphServer, step: str) -> None:
    writer = ready(server, step, Answer(413))
    with pytest.raises(ItemTooLarge):
        writer.append(STEPS[step][3])
    assert STAGING not in writer.held()


def test_a_message_that_a_proxy_finds_too_large_is_made_in_steps(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    server.faults.add(Answer(413), method="POST", path="/messages$")
    item = writer.append(mixed(5_000))
    assert len(item.content.attachments[0].data) == 5_000
    assert writer.held() == {"Inbox": 1}


CLEARED: dict[str, Callable[[Writer], object]] = {
    "the folder": lambda writer: writer.alice.delete_folder(STAGING),
    "the message": lambda writer: [writer.alice.delete(each.id, hard=True) for each in writer.alice.items(STAGING)],
}


@pytest.mark.parametrize("step", IN_STAGING)
@pytest.mark.parametrize("cleared", CLEARED)
def test_a_staging_that_someone_clears(server: GraphServer, step: str, cleared: str) -> None:
    """Once it is begun anew; what is cleared each time is given up, and nothing is left."""
    writer = writer_of(server, STEPS[step][0])
    writer.append(mixed(50_000))
    clear = Act(lambda: CLEARED[cleared](writer))
    server.faults.add(clear, method=STEPS[step][1], path=STEPS[step][2])
    writer.append(STEPS[step][3])
    assert shown(writer) == 2


@pytest.mark.parametrize("cleared", CLEARED)
def test_a_staging_that_is_always_cleared_is_given_up(server: GraphServer, cleared: str) -> None:
    writer = writer_of(server, "import")
    server.faults.add(Act(lambda: CLEARED[cleared](writer)), path="/move$", times=EVER)
    with pytest.raises(ServerBusy, match="again and again"):
        writer.append(SMALL)
    assert shown(writer) == 0


def test_two_who_make_the_staging_at_once(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    server.faults.add(Act(lambda: writer.alice.make_folder(STAGING, hidden=True)), method="POST", path="/mailFolders$")
    writer.append(SMALL)
    assert [each.name for each in writer.alice.folders()].count(STAGING) == 1


def test_a_folder_of_that_name_that_is_a_users(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    writer.alice.make_folder(STAGING)
    with pytest.raises(FolderRefused, match="is shown") as caught:
        writer.append(SMALL)
    assert "rename" in caught.value.advice


@pytest.mark.parametrize("step", ["describing", "moving what was imported", "uploading", "moving what was composed"])
def test_what_a_kill_leaves_is_swept_a_day_later(server: GraphServer, step: str) -> None:
    def kill() -> None:
        raise KeyboardInterrupt

    way, method, path, raw = STEPS[step]
    writer = writer_of(server, way)
    sent = writer.client.call

    def dying(verb: str, url: str, *rest: object) -> object:
        if verb == method and path.rstrip("$") in url:
            kill()
        return sent(verb, url, *rest)  # type: ignore[arg-type]  # as it was called

    writer.client.call = dying  # type: ignore[method-assign]  # the moment before that request
    with pytest.raises(KeyboardInterrupt):
        writer.append(raw)
    assert writer.held() == {STAGING: 1}
    assert shown(writer) == 0
    server.clock.advance(86_000)
    writer.again().append(LARGE)
    assert writer.held() == {STAGING: 1, "Inbox": 1}, "someone may still be at work on it"
    server.clock.advance(500)
    writer.again().append(LARGE)
    assert writer.held() == {"Deletions": 1, "Inbox": 2}


class Trouble(Exception):
    """Of the caller's own."""


@WAYS
@pytest.mark.parametrize("good", [0, 1])
@pytest.mark.parametrize("trouble", [Trouble(), OSError("disk"), Disconnected("elsewhere", "there")], ids=repr)
def test_trouble_in_reading_the_message_is_the_callers_own(
    server: GraphServer, way: str, good: int, trouble: Exception
) -> None:
    writer = writer_of(server, way)
    with pytest.raises(type(trouble)) as caught:
        writer.appending.append(writer.inbox, Message(NOWHERE, Broken(trouble, good)), "op")
    assert caught.value is trouble
    with pytest.raises(Undecided):
        writer.appending.append(writer.inbox, Message(NOWHERE, (SMALL,)), "op")
    assert writer.held() == {}


@WAYS
@pytest.mark.parametrize("second", [b"", SMALL[:-1], SMALL + b"\r\n", SMALL.swapcase()])
def test_bytes_that_change_are_not_written(server: GraphServer, way: str, second: bytes) -> None:
    writer = writer_of(server, way)
    with pytest.raises(ValueError, match="when it was read again"):
        writer.appending.append(writer.inbox, Message(NOWHERE, Fickle(SMALL, second)), "op")
    assert writer.held() == {}


@WAYS
def test_bytes_that_can_be_read_once_only_are_no_message(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    with pytest.raises(ValueError, match="read only once"):
        writer.appending.append(writer.inbox, Message(NOWHERE, iter([SMALL])), "op")


@WAYS
def test_a_server_that_is_not_there_any_more_is_no_doubt(server: GraphServer, way: str) -> None:
    """No connection is made, so that nothing can have been written."""
    writer = writer_of(server, way)
    writer.append(SMALL)
    other = Client(writer.settings, GraphMailbox(ALICE))
    other.links.root = other.links.root.replace(str(server.port), "1")
    fresh = appending.Appending(Sending(other), writer.settings)
    fresh.imports = way == "import"
    with pytest.raises(Unreachable):
        fresh.append(writer.inbox, Message(NOWHERE, (SMALL,), received_at=RECEIVED), "op")


ADDRESSES = {
    "in clear": "http://127.0.0.1:9/upload",
    "with a name in it": "https://graph@127.0.0.1:9/upload",
    "of no kind": "upload",
    "none at all": None,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_mail_is_sent_to_no_address_that_is_not_safe(server: GraphServer, address: str) -> None:
    writer = writer_of(server, "compose")
    told = Response(201, {"uploadUrl": ADDRESSES[address]})
    server.faults.add(Answer(response=told), path="createUploadSession$")
    with pytest.raises(ProtocolError, match="no safe address"):
        writer.append(LARGE)
    assert writer.held() == {"Deletions": 1}


def test_no_token_and_no_content_is_logged_or_said(server: GraphServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="connectors")
    writer = writer_of(server, "compose")
    server.faults.add(Answer(404, "ErrorItemNotFound", "Gone."), method="PUT", path="AttachmentSessions")
    with pytest.raises(ReplicationError) as caught:
        writer.append(LARGE)
    said = f"{caught.value.message} {caught.value.advice} {caplog.text}"
    assert not any(token in said for token in server.login.issued)
    assert [word for word in ("authtoken", "See below", "ann@example", "a file\r") if word in said] == []


def test_a_message_that_cannot_be_read_may_be_the_one(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    item = writer.append(SMALL)
    writer.alice.spoil(item.immutable_id)
    with pytest.raises(ItemUnreadable, match="ErrorCorruptData"):
        window.find(writer.client, writer.inbox, BEGINNING, lambda message: bool(b"".join(message.raw)))
    assert len(window.find(writer.client, writer.inbox, BEGINNING, lambda _: True)) == 1


def test_a_message_that_always_troubles_the_server_is_named_in_the_end(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    writer.append(SMALL)
    server.faults.add(Answer(500), path=r"/\$value$", times=3)
    kinds = []
    for _ in range(3):
        with pytest.raises(ReplicationError) as caught:
            window.find(writer.client, writer.inbox, BEGINNING, lambda message: bool(b"".join(message.raw)))
        kinds.append(caught.value.code)
    assert kinds == ["ServerBusy", "ServerBusy", "ItemBusy"]


def test_a_marked_folder_that_is_gone_or_refused(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    writer.alice.make_folder("Doomed")
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        doomed = folder(source, "Doomed")
    writer.alice.lock_folder("Doomed")
    with pytest.raises(FolderRefused):
        window.mark(writer.client, doomed)
    writer.alice.delete_folder("Doomed")
    with pytest.raises(FolderGone):
        window.mark(writer.client, doomed)
    server.tenant_data.deny(ALICE)
    with pytest.raises(LoginRefused):
        window.mark(writer.client, writer.inbox)
