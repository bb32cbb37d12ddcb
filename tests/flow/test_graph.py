"""The Graph source against the simulated service: folders, rows, what left and came back, links that are forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import CursorExpired, FolderRefused, ItemGone, ProtocolError
from connectors.graph import CONNECTOR, GraphMailbox, GraphSettings
from connectors.graph.client import Client
from connectors.graph.source import GraphSource
from connectors.model import Change, Cursor, Failure, Folder, Gone, Message, Ref, Role, Seen
from connectors.protocols import Source
from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.exchange.item import Flags
from fixtures.graph import Act, Answer, GraphServer, Response

ALICE = "alice@corp.example"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def settings_of(server: GraphServer, **changed: object) -> GraphSettings:
    """As an administrator's configuration has them."""
    told: dict[str, object] = {
        "tenant": server.tenant, "client_id": server.client_id, "certificate": server.certificate_file.read_text,
        "base_url": server.base_url, "authority": server.authority, "ca_file": server.ca_file, "timeout": 20.0,
    }  # fmt: skip
    return GraphSettings(**(told | changed))  # type: ignore[arg-type]  # by name


def opened(server: GraphServer, page: int = 100) -> GraphSource:
    client = Client(settings_of(server), GraphMailbox(ALICE))
    client.page = page
    return GraphSource(client)


def folder(source: Source, *path: str) -> Folder:
    return next(each for each in source.folders() if each.path == path)


def changes(source: Source, where: Folder, since: Cursor | None = None) -> tuple[list[Change], Cursor]:
    """One pass."""
    pages = list(source.changes(where, since))
    return [change for page in pages for change in page.changes], pages[-1].cursor


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer(seed=3) as server:
        yield server


@pytest.fixture
def alice(server: GraphServer) -> Mailbox:
    return server.mailbox(ALICE)


def test_folders_have_paths_roles_and_what_is_not_covered(server: GraphServer, alice: Mailbox) -> None:
    alice.rename_folder("inbox", "Posteingang")
    alice.rename_folder("sentitems", "Gesendete Elemente")
    plans = alice.make_folder("Plans", "inbox")
    alice.make_folder("North", plans.id)
    alice.make_folder("INBOX")
    alice.make_folder("Secrets", hidden=True)
    alice.make_folder("Birthdays", kind="IPF.Appointment")
    alice.make_folder("Feeds", kind="IPF.Note.OutlookHomepage")
    alice.make_folder("Unread mail", search=True)
    source = opened(server)
    listed = list(source.folders())
    assert listed[0].path == ("INBOX",)
    found = {each.path: each for each in listed}
    assert len(found) == len(listed)
    roles = {path: each.role for path, each in found.items()}
    assert roles["INBOX",] is Role.INBOX
    assert roles["Gesendete Elemente",] is Role.SENT
    assert {Role.DRAFTS, Role.TRASH, Role.JUNK, Role.ARCHIVE} <= set(roles.values())
    assert roles["INBOX", "Plans"] is roles["INBOX", "Plans", "North"] is Role.NONE
    assert roles["INBOX (not the inbox)",] is roles["Secrets",] is roles["Feeds",] is Role.NONE
    assert roles["Birthdays",] is Role.NOT_MAIL
    assert roles["Recoverable Items",] is roles["Online archive, if there is one",] is Role.NOT_MAIL
    assert ("Unread mail",) not in found
    assert all(each.selectable for each in found.values())
    with pytest.raises(FolderRefused, match="archive mailboxes"):
        source.count(found["Online archive, if there is one",])


def test_many_folders_on_a_level_come_in_several_answers(server: GraphServer, alice: Mailbox) -> None:
    for number in range(130):
        alice.make_folder(f"Project {number}")
    assert sum(each.path[0].startswith("Project") for each in opened(server).folders()) == 130


def test_rows_have_flags_categories_dates_and_revisions(server: GraphServer, alice: Mailbox) -> None:
    flags = Flags(read=True, draft=True, follow_up="flagged", categories=("Red", "\\Seen"))
    alice.deliver("inbox", plain(1), NOON, flags=flags)
    alice.deliver("inbox", plain(2), NOON, flags=Flags(follow_up="complete"))
    source = opened(server)
    first, second = changes(source, folder(source, "INBOX"))[0]
    assert isinstance(first, Seen)
    assert isinstance(second, Seen)
    assert first.flags == {"\\Seen", "\\Draft", "\\Flagged", "Red", "%5CSeen"}
    assert second.flags == frozenset()
    assert first.arrived_at == NOON
    assert (first.revision, first.size, first.identity) == (first.version, 0, "")
    assert first.version


def test_an_update_that_tells_only_what_changed_is_completed(server: GraphServer, alice: Mailbox) -> None:
    server.quirks.sparse = 1.0
    name = alice.deliver("inbox", plain(1), NOON, flags=Flags(read=True, follow_up="flagged")).immutable_id
    source = opened(server)
    inbox = folder(source, "INBOX")
    ((before,), cursor) = changes(source, inbox)
    alice.set_flags(name, categories=("Red",))
    server.log.forget()
    ((after,), _) = changes(source, inbox, cursor)
    assert isinstance(before, Seen)
    assert isinstance(after, Seen)
    assert after.flags == before.flags | {"Red"} == {"\\Seen", "\\Flagged", "Red"}
    assert after.arrived_at == NOON
    assert after.version not in ("", before.version)
    assert len(server.log.entries(path=f"/messages/{name}")) == 1


def test_what_went_away_and_came_back_is_there(server: GraphServer, alice: Mailbox) -> None:
    """Graph says that it left, and never again that it is there."""
    kept, left, moved = (alice.deliver("inbox", plain(number)).immutable_id for number in (1, 2, 3))
    source = opened(server)
    inbox = folder(source, "INBOX")
    _, cursor = changes(source, inbox)
    alice.move(kept, "archive")
    alice.move(kept, "inbox")
    alice.delete(left)
    alice.move(moved, "archive")
    found, cursor = changes(source, inbox, cursor)
    assert {change.ref.id: type(change) for change in found} == {kept: Seen, left: Gone, moved: Gone}
    assert server.log.entries(path="/$batch")[-1].concurrency <= 4
    assert changes(source, inbox, cursor) == ([], cursor)


def test_of_many_that_left_the_folder_is_listed_and_few_are_looked_up(server: GraphServer, alice: Mailbox) -> None:
    names = [alice.deliver("inbox", plain(number)).immutable_id for number in range(60)]
    source = opened(server)
    inbox = folder(source, "INBOX")
    _, cursor = changes(source, inbox)
    alice.move(names[0], "archive")
    alice.move(names[0], "inbox")
    for name in names[1:51]:
        alice.delete(name)
    server.log.forget()
    found, _ = changes(source, inbox, cursor)
    assert [type(change) for change in found].count(Gone) == 50
    assert [change.ref.id for change in found if isinstance(change, Seen)] == [names[0]]
    assert len([path for path in server.log.paths(path="/messages/") if "delta" not in path]) == 1


def test_a_link_too_many_pages_back_is_expired_and_says_so(server: GraphServer, alice: Mailbox) -> None:
    for number in range(12):
        alice.deliver("inbox", plain(number))
    source = opened(server, page=2)
    inbox = folder(source, "INBOX")
    pages = source.changes(inbox, None)
    first = next(pages)
    assert len(list(pages)) == 5
    with pytest.raises(CursorExpired):
        next(source.changes(inbox, first.cursor))
    found, _ = changes(source, inbox)
    assert len(found) == 12


@pytest.mark.parametrize(
    "answer",
    [
        Answer(410, "SyncStateNotFound"),
        Answer(400, "syncStateInvalid"),
        Answer(400, "ResyncRequired"),
        Answer(400, "ErrorInvalidUrlQuery"),
        Answer(404, "ErrorItemNotFound"),
    ],
    ids=lambda answer: answer.code,
)
def test_links_that_graph_does_not_take_any_more(server: GraphServer, alice: Mailbox, answer: Answer) -> None:
    """Also a 404, as long as the folder itself is there: nothing may be closed for it."""
    alice.deliver("inbox", plain(1))
    source = opened(server)
    inbox = folder(source, "INBOX")
    _, cursor = changes(source, inbox)
    server.faults.add(answer, path="deltatoken", times=2)  # in a batch, and alone
    with pytest.raises(CursorExpired):
        changes(source, inbox, cursor)
    assert len(changes(source, inbox)[0]) == 1


def test_a_link_to_another_host_is_not_followed(server: GraphServer, alice: Mailbox) -> None:
    source = opened(server)
    inbox = folder(source, "INBOX")
    for name in ("@odata.nextLink", "@odata.deltaLink"):
        body = {name: f"{server.base_url.replace('127.0.0.1', 'localhost')}/v1.0/x", "value": []}
        server.faults.add(Answer(response=Response(200, body)), path="/messages/delta")
        server.log.forget()
        with pytest.raises(ProtocolError, match="another host"):
            changes(source, inbox)
        assert len(server.log.entries()) == 1
    with pytest.raises(CursorExpired):
        changes(source, inbox, Cursor('{"v": 1, "link": "https://graph.example/v1.0/x"}'))


def test_a_message_that_moved_on_is_not_in_the_folder(server: GraphServer, alice: Mailbox) -> None:
    name = alice.deliver("inbox", plain(1)).immutable_id
    source = opened(server)
    inbox = folder(source, "INBOX")
    alice.move(name, "archive")
    (answer,) = source.fetch([Ref(inbox.id, name)])
    assert isinstance(answer, Failure)
    assert isinstance(answer.error, ItemGone)


def test_what_was_listed_costs_one_request_and_what_was_not_costs_two(server: GraphServer, alice: Mailbox) -> None:
    for number in range(5):
        alice.deliver("inbox", plain(number))
    source = opened(server)
    found, _ = changes(source, folder(source, "INBOX"))
    refs = [change.ref for change in found]
    for expected in (5, 10):
        server.log.forget()
        assert all(isinstance(answer, Message) for answer in source.fetch(refs))
        assert len(server.log.entries()) == expected


def test_an_inventory_misses_nothing_that_is_pushed_past_it(server: GraphServer, alice: Mailbox) -> None:
    """What leaves between two pages moves the rest up by a place."""
    names = [alice.deliver("inbox", plain(1), NOON + timedelta(seconds=n)).immutable_id for n in range(1100)]
    source = opened(server)
    inbox = folder(source, "INBOX")

    def disturb() -> None:
        listed = alice.items("inbox")
        for item in (*listed[:3], *listed[-3:]):
            alice.delete(item.immutable_id)

    server.faults.add(Act(disturb), path="skip", times=1)
    there = {ref.id for ref in source.inventory(inbox)}
    assert there >= {item.immutable_id for item in alice.items("inbox")}
    assert there <= set(names)


def test_a_large_message_is_cut_in_the_middle_of_nothing_else(server: GraphServer, alice: Mailbox) -> None:
    """Four large ones are under way, and the folder can still be asked about while each is read."""
    for number in range(6):
        alice.deliver("inbox", large(number, 3 << 20))
    source = opened(server)
    inbox = folder(source, "INBOX")
    refs = [change.ref for change in changes(source, inbox)[0]]
    sizes = []
    for answer in source.fetch(refs):
        assert isinstance(answer, Message)
        assert not isinstance(answer.raw, tuple)
        sizes.append(sum(map(len, answer.raw)))
    assert min(sizes) > 3 << 20
    assert len(sizes) == 6
    assert 1 < server.log.most_at_once(ALICE) <= 4
    assert source.count(inbox) == 6


def test_the_connector_opens_a_mailbox_by_its_users_id(server: GraphServer, alice: Mailbox) -> None:
    alice.deliver("inbox", plain(1))
    settings = settings_of(server, base_url=f"{server.base_url}/v1.0")
    source = CONNECTOR.open_source(settings, GraphMailbox(alice.user_id))
    assert source.capabilities == replace(source.capabilities, edits=True, exact_bytes=False, reports_removals=True)
    assert len([each for each in source.folders() if each.role is Role.INBOX]) == 1
    source.close()
