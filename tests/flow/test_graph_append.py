"""A message appended by Graph, by either way: what its user then sees, and where; and the marks that find it again."""

from base64 import encodebytes
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from connectors.errors import AppRefused, ItemRefused, ItemTooLarge, LoginRefused, Renumbered
from connectors.graph import GraphMailbox, GraphSettings
from connectors.graph.client import Client
from connectors.graph.folders import STAGING
from connectors.graph.limiter import Limiters
from connectors.graph.source import GraphSource
from connectors.graph.writing import window
from connectors.graph.writing.appending import Appending
from connectors.graph.writing.sending import Sending
from connectors.model import BEGINNING, Folder, Mark, Message, Ref
from connectors.testing.corpus import large, plain
from fixtures.exchange import Item, Mailbox
from fixtures.graph import Act, Answer, GraphServer
from tests.flow.test_graph import ALICE, folder, settings_of

NOWHERE = Ref("", "")
RECEIVED = datetime(2023, 2, 3, 4, 5, 6, tzinfo=UTC)
WAYS = pytest.mark.parametrize("way", ["import", "compose"])
FLAGS = frozenset({"\\Seen", "\\Flagged", "Red", "%5COdd"})


@dataclass
class Writer:
    """Everything that is needed to append, and to look at what came of it."""

    alice: Mailbox
    settings: GraphSettings
    client: Client
    appending: Appending
    inbox: Folder

    def append(self, raw: bytes, flags: frozenset[str] = frozenset(), where: Folder | None = None) -> Item:
        """As it then stands in the mailbox."""
        message = Message(NOWHERE, (raw,), flags, RECEIVED)
        return self.alice.item(self.appending.append(where or self.inbox, message, "intent 7").id)

    def again(self) -> "Writer":
        """A new session, as of another day."""
        client = Client(self.settings, GraphMailbox(ALICE))
        appending = Appending(Sending(client), self.settings)
        appending.prepare()
        return Writer(self.alice, self.settings, client, appending, self.inbox)

    def held(self) -> dict[str, int]:
        """How many messages stand where."""
        counts = {each.name: self.alice.count(each.id) for each in self.alice.folders()}
        return {name: count for name, count in counts.items() if count}


def writer_of(server: GraphServer, way: str = "auto", **changed: object) -> Writer:
    """A session of its own. Pauses are over when the service's clock says so."""
    settings = settings_of(server, writing=way, **changed)
    object.__setattr__(settings, "limiters", Limiters(server.clock.now))
    client = Client(settings, GraphMailbox(ALICE))
    appending = Appending(Sending(client), settings)
    appending.prepare()
    with closing(GraphSource(Client(settings, GraphMailbox(ALICE)))) as source:
        inbox = folder(source, "INBOX")
    return Writer(server.mailbox(ALICE), settings, client, appending, inbox)


def asked(server: GraphServer) -> list[str]:
    """What has been asked for, in few words."""
    return [f"{entry.method} {entry.path.rpartition('/')[2].partition('?')[0]}" for entry in server.log.entries()]


@pytest.fixture(name="server")
def server_fixture() -> Iterator[GraphServer]:
    with GraphServer(seed=4) as server:
        server.mailbox(ALICE)
        yield server


@WAYS
def test_date_flags_categories_and_no_draft(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    item = writer.append(plain(1), FLAGS | {"\\Draft", "\\Answered", "\\Recent"})
    assert (item.received, item.folder_id) == (RECEIVED, writer.inbox.id)
    assert (item.flags.read, item.flags.follow_up, item.flags.draft) == (True, "flagged", False)
    assert item.flags.categories == ("Red", "\\Odd")
    assert writer.append(plain(2)).flags.read is False
    assert "intent 7" in item.extended.values()
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        answers = list(source.fetch([Ref(writer.inbox.id, item.immutable_id)]))
        assert [(each.flags, each.received_at) for each in answers if isinstance(each, Message)] == [(FLAGS, RECEIVED)]


def test_a_small_message_is_composed_by_one_request_in_its_place(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    before = len(server.log.entries())
    writer.append(plain(1))
    assert asked(server)[before:] == ["POST messages"]


def test_a_message_is_imported_described_and_moved(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    writer.append(plain(1))
    before = len(server.log.entries())
    item = writer.append(plain(2))
    assert asked(server)[before:] == ["POST importMime", f"PATCH {item.immutable_id}", "POST move"]
    assert writer.held() == {"Inbox": 2}


@WAYS
def test_the_staging_is_seen_by_no_one(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    writer.append(mixed(4 << 20))
    assert STAGING in {each.name for each in writer.alice.folders()}
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        assert STAGING not in {each.path[-1] for each in source.folders()}
    writer.alice.make_folder(STAGING, "inbox", hidden=True)
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        assert [each.path for each in source.folders() if each.path[-1] == STAGING] == [("INBOX", STAGING)]


def test_auto_takes_what_the_tenant_allows(server: GraphServer) -> None:
    assert writer_of(server).appending.imports
    server.tenant_data.roles.discard("Mail-Advanced.ReadWrite.All")
    assert not writer_of(server).appending.imports
    with pytest.raises(AppRefused, match="cannot be imported") as caught:
        writer_of(server, "import")
    assert "Mail-Advanced.ReadWrite.All" in caught.value.advice


def test_a_cloud_without_importing_composes(server: GraphServer) -> None:
    server.quirks.imports = False
    writer = writer_of(server)
    assert not writer.appending.imports
    assert writer.appending.capabilities.keeps_dates
    assert writer.held() == {}


def test_the_right_to_write_is_asked_for_when_it_opens(server: GraphServer) -> None:
    server.tenant_data.roles = {"Mail.Read"}
    with pytest.raises(LoginRefused, match="ErrorAccessDenied") as caught:
        writer_of(server)
    assert "Mail.ReadWrite" in caught.value.advice
    server.tenant_data.roles = {"Mail.ReadWrite"}
    server.tenant_data.deny(ALICE)
    with pytest.raises(LoginRefused, match="OData is disabled"):
        writer_of(server)


def test_a_date_that_cannot_be_changed_is_left(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    server.quirks.arrivals = "refused"
    items = [writer.append(plain(number), FLAGS) for number in range(2)]
    assert all(item.flags.read and item.received > RECEIVED + timedelta(days=1) for item in items)
    assert asked(server).count(f"PATCH {items[0].immutable_id}") == 2
    assert asked(server).count(f"PATCH {items[1].immutable_id}") == 1, "it was said once"


def test_what_importing_refuses_is_composed(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    for refusal in (Answer(413), Answer(400, "ErrorMimeContentInvalid", "Invalid MIME.")):
        server.faults.add(refusal, path="importMime")
        assert writer.append(plain(1)).received == RECEIVED
    assert writer.held() == {"Inbox": 2}


def test_what_is_too_large_for_importing_is_composed(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    before = len(server.log.entries())
    item = writer.append(mixed(4 << 20))
    assert "POST importMime" not in asked(server)[before:]
    assert [len(each.data) for each in item.content.attachments] == [4 << 20]


@pytest.mark.parametrize(
    ("size", "least"),
    [
        (2_999_999, 3_000_000),
        (3_000_000, 3_000_000),
        ((3 << 20) - 400, 3_000_000),
        ((3 << 20) - 400, 3 << 20),
        (3 << 20, 3 << 20),
        (9_000_000, 3 << 20),
    ],
)
def test_files_of_every_size_arrive_whole(server: GraphServer, size: int, least: int) -> None:
    server.quirks.least_upload = least
    writer = writer_of(server, "compose")
    item = writer.append(mixed(size))
    (file,) = item.content.attachments
    assert (file.name, file.data, file.media) == ("Prüfung.bin", Random(size).randbytes(size), "application/x-test")
    assert (item.received, item.folder_id, item.flags.draft) == (RECEIVED, writer.inbox.id, False)
    assert server.log.leaks() == []


def test_a_cloud_without_upload_sessions_says_what_it_cannot_take(server: GraphServer) -> None:
    server.quirks.uploads = False
    writer = writer_of(server, "compose")
    with pytest.raises(ItemTooLarge, match="file of 5000000 bytes"):
        writer.append(mixed(5_000_000))
    assert writer.held() == {"Deletions": 1}, "what was begun stays nowhere"


@WAYS
def test_a_text_that_is_too_long_is_shown_in_part_and_attached_whole(server: GraphServer, way: str) -> None:
    writer, raw = writer_of(server, way), large(1, 5 << 20)
    content = writer.append(raw).content
    assert content.text is not None
    assert raw.decode().endswith(content.text[-1000:]) is False
    assert raw.decode().partition("\r\n\r\n")[2].startswith(content.text[: 1 << 18])
    assert [(each.name, each.data) for each in content.attachments] == [("message.eml", raw)]


def test_what_graph_may_refuse_and_no_one_would_miss_is_left_out(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    server.faults.add(Answer(400, "InvalidInternetMessageHeader", "No."), method="POST", path="/messages$")
    item = writer.append(b"X-Own: 1\r\nReferences: <a@b>\r\n" + plain(1))
    assert item.content.first("X-Own") == ""
    item = writer.append(b"X-Own: 1\r\nReferences: <a@b>\r\n" + plain(1))
    assert item.content.first("X-Own") == "1"
    assert item.content.first("References") == "<a@b>"


@WAYS
def test_nothing_is_no_message(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    with pytest.raises(ItemRefused, match="nothing in it"):
        writer.append(b"")


@WAYS
def test_a_mark_tells_what_came_after_it(server: GraphServer, way: str) -> None:
    writer = writer_of(server, way)
    writer.append(plain(1))
    mark = window.mark(writer.client, writer.inbox)
    assert found(writer, mark) == []
    second = writer.append(plain(1))
    third = writer.alice.deliver("inbox", plain(3))
    assert set(found(writer, mark)) == {second.immutable_id, third.immutable_id}
    assert len(found(writer, BEGINNING)) == 3
    assert found(writer, mark, lambda message: b"0003" in b"".join(message.raw)) == [third.immutable_id]
    writer.alice.move(second.immutable_id, "archive")
    assert found(writer, mark) == [third.immutable_id]


def test_a_message_that_left_and_came_back_is_no_new_one(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    item = writer.append(plain(1))
    writer.alice.move(item.immutable_id, "archive")
    away = window.mark(writer.client, writer.inbox)
    writer.alice.move(item.immutable_id, "inbox")
    here = window.mark(writer.client, writer.inbox)
    writer.alice.move(item.immutable_id, "archive")
    writer.alice.move(item.immutable_id, "inbox")
    assert found(writer, here) == []
    assert found(writer, away) == [item.immutable_id]


def test_what_came_is_in_the_order_of_its_coming(server: GraphServer) -> None:
    writer = writer_of(server, "import")
    mark, came = window.mark(writer.client, writer.inbox), []
    for number in range(12):
        message = Message(NOWHERE, (plain(number),), frozenset(), RECEIVED - timedelta(days=number))
        came.append(writer.appending.append(writer.inbox, message, "op").id)
        server.clock.advance(1)
    assert found(writer, mark) == came


def test_a_window_is_read_as_often_and_as_far_as_one_likes(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    raw = large(1, 3 << 20)
    writer.alice.deliver("inbox", raw)
    writer.alice.deliver("inbox", plain(2))

    def judge(message: Message) -> bool:
        first = next(iter(message.raw))
        whole = b"".join(message.raw)
        return whole.startswith(first) and next(iter(message.raw)) == first

    for _ in range(3):
        assert len(found(writer, BEGINNING, judge)) == 2
    assert server.log.most_at_once(ALICE) == 1
    assert writer.client.limiter.take() == 1, "a place was not given back"


def test_a_body_is_not_read_after_its_judgement(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    writer.alice.deliver("inbox", plain(1))
    seen: list[Message] = []
    found(writer, BEGINNING, lambda message: bool(seen.append(message)))
    with pytest.raises(RuntimeError, match="after it had been judged"):
        list(seen[0].raw)


def test_what_leaves_while_it_is_judged_is_not_found(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    first, second = (writer.alice.deliver("inbox", plain(number)) for number in (1, 2))
    purge = Act(lambda: writer.alice.delete(first.immutable_id, hard=True))
    server.faults.add(purge, path=r"/\$value$")
    assert found(writer, BEGINNING, lambda message: bool(b"".join(message.raw))) == [second.immutable_id]


def test_a_mark_of_another_folder_or_of_nothing_is_refused(server: GraphServer) -> None:
    writer = writer_of(server, "compose")
    with closing(GraphSource(Client(writer.settings, GraphMailbox(ALICE)))) as source:
        archive = folder(source, "Archive")
    mark = window.mark(writer.client, archive)
    damaged = str(mark).replace('"ids":"', '"ids":"AAAA')
    for wrong in (str(mark), damaged, damaged.replace(archive.id, writer.inbox.id), "?", "[]", '{"v":2}'):
        with pytest.raises(Renumbered):
            found(writer, Mark(wrong))


def found(writer: Writer, since: Mark, matches: Callable[[Message], bool] = lambda _: True) -> list[str]:
    """The ids of what came."""
    return [ref.id for ref in window.find(writer.client, writer.inbox, since, matches)]


def mixed(size: int) -> bytes:
    """A text, and a file of that many bytes."""
    head = b"From: ann@example.test\r\nTo: bob@example.test\r\nSubject: a file\r\nMessage-ID: <%d@x>\r\n" % size
    top = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n"
    text = b"--cut\r\n\r\nSee below.\r\n--cut\r\n"
    kind = b"Content-Type: application/x-test; name*=utf-8''Pr%C3%BCfung.bin\r\n"
    data = encodebytes(Random(size).randbytes(size)).replace(b"\n", b"\r\n")
    return head + top + text + kind + b"Content-Transfer-Encoding: base64\r\n\r\n" + data + b"--cut--\r\n"
