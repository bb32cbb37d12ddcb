"""Delta queries of the simulator: rounds, links that stop working, and each of Graph's ways, one at a time."""

from collections import Counter
from collections.abc import Iterator

import pytest

from connectors.testing.corpus import plain
from fixtures.exchange import Item, Mailbox
from fixtures.graph import Clock, GraphServer, Quirks
from fixtures.graph.client import IMMUTABLE, Client, Json
from tests.tenancy import alice_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `server` and its like

INBOX = "mailFolders/inbox/messages/delta"


@pytest.fixture
def client(server: GraphServer, alice: Mailbox) -> Iterator[Client]:
    with Client(server, alice.address, f"{IMMUTABLE}, odata.maxpagesize=4") as client:
        yield client


def fill(mailbox: Mailbox, count: int, folder: str = "inbox") -> list[Item]:
    return [mailbox.deliver(folder, plain(number)) for number in range(count)]


def gone(rows: list[Json]) -> list[str]:
    return [row["id"] for row in rows if "@removed" in row]


def here(rows: list[Json]) -> list[str]:
    return [row["id"] for row in rows if "@removed" not in row]


def test_a_round_in_pages(client: Client, alice: Mailbox) -> None:
    items = fill(alice, 10)
    pages, rows, link = client.round(f"{INBOX}?$select=subject,isRead")
    assert [len(page["value"]) for page in pages] == [4, 4, 2]
    assert here(rows) == [item.immutable_id for item in items]
    assert rows[3].keys() == {"@odata.type", "@odata.etag", "id", "subject", "isRead"}
    assert f"/users('{alice.user_id}')/mailFolders('" in link
    assert "$deltatoken=" in link
    assert all("$skiptoken=" in page["@odata.nextLink"] for page in pages[:-1])


def test_nothing_new_gives_the_same_link(client: Client, alice: Mailbox) -> None:
    fill(alice, 3)
    _, _, link = client.round(INBOX)
    for _ in range(5):
        assert client.round(link) == ([client.get(link)], [], link)


def test_what_is_new_changed_and_gone(client: Client, alice: Mailbox) -> None:
    items = fill(alice, 4)
    _, _, link = client.round(f"{INBOX}?$select=isRead,parentFolderId")
    alice.set_flags(items[0].id, read=True)
    alice.move(items[1].id, "archive")
    alice.delete(items[2].id, hard=True)
    fresh = alice.deliver("inbox", plain(9))
    _, rows, after = client.round(link)
    assert here(rows) == [items[0].immutable_id, fresh.immutable_id]
    assert gone(rows) == [items[1].immutable_id, items[2].immutable_id]
    assert rows[0]["isRead"] is True
    assert after != link
    assert client.round(after)[1] == []


def test_a_move_is_an_arrival_in_the_other_folder(client: Client, alice: Mailbox) -> None:
    (item,) = fill(alice, 1)
    links = [client.round(f"mailFolders/{name}/messages/delta")[2] for name in ("inbox", "archive")]
    alice.move(item.id, "archive")
    rows = [client.round(link)[1] for link in links]
    assert (gone(rows[0]), here(rows[1])) == ([item.immutable_id], [item.immutable_id])


def test_a_move_that_is_seen_only_as_a_removal(client: Client, alice: Mailbox) -> None:
    (item,) = fill(alice, 1)
    links = [client.round(f"mailFolders/{name}/messages/delta")[2] for name in ("inbox", "archive")]
    alice.hide_arrivals()
    alice.move(item.id, "archive")
    assert [len(client.round(link)[1]) for link in links] == [1, 0]
    assert client.get(f"messages/{item.immutable_id}")["parentFolderId"] == alice.folder("archive").id
    assert here(client.round("mailFolders/archive/messages/delta")[1]) == [item.immutable_id]


def test_what_left_and_came_back_is_lost(client: Client, alice: Mailbox) -> None:
    (item,) = fill(alice, 1)
    _, _, link = client.round(INBOX)
    alice.move(item.id, "archive")
    alice.move(item.immutable_id, "inbox")
    _, rows, link = client.round(link)
    assert (gone(rows), here(rows)) == ([item.immutable_id], [])
    assert client.round(link)[1] == []
    assert client.get(f"messages/{item.immutable_id}")["parentFolderId"] == alice.folder("inbox").id


def test_with_default_ids_it_is_not(client: Client, alice: Mailbox) -> None:
    client.prefer = "odata.maxpagesize=4"
    (item,) = fill(alice, 1)
    _, _, link = client.round(INBOX)
    alice.move(item.id, "archive")
    back = alice.move(item.immutable_id, "inbox")
    _, rows, _ = client.round(link)
    assert (gone(rows), here(rows)) == ([item.id], [back.id])
    assert client.error("GET", f"messages/{item.id}") == (404, "ErrorItemNotFound")


def test_the_kind_of_id_is_not_in_the_link(client: Client, server: GraphServer, alice: Mailbox) -> None:
    _, _, link = client.round(INBOX)
    (item,) = fill(alice, 1)
    client.prefer = ""
    assert here(client.round(link)[1]) == [item.id]
    server.quirks.strict_ids = True
    assert client.error("GET", link) == (400, "SyncStateInvalid")


def test_only_the_newest_links_work(client: Client, server: GraphServer, alice: Mailbox) -> None:
    fill(alice, 20)
    pages, _, link = client.round(INBOX)
    links = [page["@odata.nextLink"] for page in pages[:-1]] + [link]
    statuses = [client.ask("GET", each).status_code for each in reversed(links)]
    assert statuses[0] == 200
    assert statuses[-1] == 410
    answer = client.ask("GET", links[0])
    assert answer.json()["error"]["code"] == "SyncStateNotFound"
    text = answer.json()["error"]["message"]
    assert text.startswith("The sync state generation is not found; generation=1;[highest=")
    server.quirks.locates = True
    initial = client.ask("GET", links[0]).headers["Location"]
    assert len(client.round(initial)[1]) == 20


def test_three_links_work_and_the_fourth_does_not(client: Client, alice: Mailbox) -> None:
    links = []
    for number in range(4):
        alice.deliver("inbox", plain(number))
        links.append(client.round(links[-1] if links else INBOX)[2])
    client.prefer = IMMUTABLE
    assert client.ask("GET", links[0]).status_code == 410
    assert len(client.round(links[1])[1]) == 2


def test_two_walkers_take_each_others_links_away(client: Client, alice: Mailbox) -> None:
    fill(alice, 20)
    first = client.get(INBOX)["@odata.nextLink"]
    for _ in range(3):
        client.get(INBOX)
    assert client.error("GET", first) == (410, "SyncStateNotFound")


def test_links_are_for_one_folder_and_for_what_was_given(client: Client, server: GraphServer, alice: Mailbox) -> None:
    _, _, link = client.round(INBOX)
    other = link.replace(f"mailFolders('{alice.folder('inbox').id.replace('=', '%3D')}", "mailFolders('archive")
    assert other != link
    assert client.error("GET", other) == (400, "SyncStateInvalid")
    assert client.error("GET", link + "x") == (400, "SyncStateInvalid")
    server.forget_links()
    assert client.error("GET", link) == (410, "SyncStateNotFound")


def test_a_deleted_folder(client: Client, alice: Mailbox) -> None:
    made = alice.make_folder("Projects")
    _, _, link = client.round(f"mailFolders/{made.id}/messages/delta")
    alice.delete_folder(made.id)
    assert client.error("GET", link) == (404, "ErrorSyncFolderNotFound")
    assert client.error("GET", f"mailFolders/{made.id}/messages/delta") == (404, "ErrorItemNotFound")


def test_changes_are_seen_late(alice: Mailbox) -> None:
    clock = Clock()
    with GraphServer(clock=clock) as server, Client(server, "bob@corp.example") as client:
        bob = server.mailbox("bob@corp.example")
        bob.lag = 60
        bob.deliver("inbox", plain(1))
        _, rows, link = client.round(INBOX)
        assert rows == []
        clock.advance(61)
        assert len(client.round(link)[1]) == 1


def test_the_first_round_tells_of_what_has_left(client: Client, server: GraphServer, alice: Mailbox) -> None:
    items = fill(alice, 2)
    alice.delete(items[0].id, hard=True)
    assert gone(client.round(INBOX)[1]) == []
    server.quirks.ghosts = 1
    assert gone(client.round(INBOX)[1]) == [items[0].immutable_id]


def test_empty_pages_lead_on(client: Client, server: GraphServer, alice: Mailbox) -> None:
    server.quirks.empty_pages = 0.5
    fill(alice, 20)
    pages, rows, _ = client.round(INBOX)
    assert [] in [page["value"] for page in pages]
    assert len(here(rows)) == 20


def test_rows_come_twice_and_again(client: Client, server: GraphServer, alice: Mailbox) -> None:
    server.quirks.repeats = server.quirks.replays = 0.5
    items = fill(alice, 12)
    _, rows, link = client.round(INBOX)
    assert set(here(rows)) == {item.immutable_id for item in items}
    assert max(Counter(here(rows)).values()) == 2
    fresh = alice.deliver("inbox", plain(50))
    _, rows, _ = client.round(link)
    assert {fresh.immutable_id} < set(here(rows))


def test_changed_rows_show_only_what_changed(client: Client, server: GraphServer, alice: Mailbox) -> None:
    server.quirks.sparse = 1
    (item,) = fill(alice, 1)
    _, _, link = client.round(f"{INBOX}?$select=isRead,subject,categories,parentFolderId")
    alice.set_flags(item.id, categories=("Red",))
    (row,) = client.round(link)[1]
    assert row.keys() == {"@odata.type", "@odata.etag", "id", "categories"}


def test_options_of_a_round(client: Client, alice: Mailbox) -> None:
    items = fill(alice, 12)
    assert client.error("GET", f"{INBOX}?$select=@removed") == (400, "RequestBroker--ParseUri")
    assert len(client.round(f"{INBOX}?$top=5")[1]) == 5
    assert len(client.round(f"{INBOX}?$filter=receivedDateTime ge 2001-01-01T00:00:00Z")[1]) == 12
    assert client.error("GET", f"{INBOX}?$filter=isRead eq true") == (400, "BadRequest")
    _, _, link = client.round(f"{INBOX}?changeType=deleted")
    alice.set_flags(items[0].id, read=True)
    alice.delete(items[1].id)
    assert gone(client.round(link)[1]) == [items[1].immutable_id]


@pytest.mark.proof
def test_a_filter_ends_a_round_at_five_thousand(client: Client, alice: Mailbox) -> None:
    fill(alice, 5010)
    client.prefer = f"{IMMUTABLE}, odata.maxpagesize=1000"
    assert len(client.round(f"{INBOX}?$filter=receivedDateTime ge 2001-01-01T00:00:00Z")[1]) == 5000
    assert len(client.round(INBOX)[1]) == 5010


def test_without_a_preference_a_page_has_ten_rows(client: Client, alice: Mailbox) -> None:
    fill(alice, 11)
    client.prefer = IMMUTABLE
    assert [len(page["value"]) for page in client.round(INBOX)[0]] == [10, 1]


def test_folders_have_a_delta_too(client: Client, alice: Mailbox) -> None:
    made = alice.make_folder("Projects", "inbox")
    _, rows, link = client.round("mailFolders/delta?$select=displayName,parentFolderId")
    names = {row["id"]: row["displayName"] for row in rows}
    assert names[made.id] == "Projects"
    assert {"Inbox", "Archive"} <= set(names.values())
    assert "Sync Issues" not in names.values()
    alice.rename_folder(made.id, "Work")
    (row,) = client.round(link)[1]
    assert (row["id"], row["displayName"]) == (made.id, "Work")
    alice.delete_folder(made.id)
    assert client.round(link)[1] == [{"id": made.id, "@removed": {"reason": "deleted"}}]


def test_the_same_seed_gives_the_same_pages() -> None:
    seen = []
    for seed in (3, 3, 4):
        with GraphServer(seed=seed, quirks=Quirks.wild()) as server, Client(server, "alice@corp.example") as client:
            fill(server.mailbox("alice@corp.example"), 30)
            pages = client.round(f"{INBOX}?$select=subject")[0]
            seen.append([[row["subject"] for row in page["value"]] for page in pages])
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
