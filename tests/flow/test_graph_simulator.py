"""The simulator over HTTP: folders, lists, messages and batches."""

import pytest
import requests

from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.graph import Answer, Clock, Cut, GraphServer
from fixtures.graph.client import IMMUTABLE, Client, Json
from tests.tenancy import alice_fixture, client_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `client` and its like

CLASS = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x3613')"


# Folders


def test_folders_level_by_level(client: Client, alice: Mailbox) -> None:
    made = alice.make_folder("Projects", "inbox")
    inner = alice.make_folder("Old", made.id)
    rows = client.get("mailFolders?$top=100")["value"]
    names = [row["displayName"] for row in rows]
    assert "Projects" not in names
    assert {"Inbox", "Sent Items", "Archive"} <= set(names)
    assert next(row["childFolderCount"] for row in rows if row["displayName"] == "Inbox") == 1
    (row,) = client.get("mailFolders/inbox/childFolders")["value"]
    assert (row["id"], row["parentFolderId"]) == (made.id, alice.folder("inbox").id)
    assert [row["id"] for row in client.get(f"mailFolders/{made.id}/childFolders")["value"]] == [inner.id]


def test_hidden_folders_are_there_for_those_who_ask(client: Client) -> None:
    shown = {row["displayName"] for row in client.get("mailFolders?$top=100")["value"]}
    everything = client.get("mailFolders?$top=100&includeHiddenFolders=true")["value"]
    hidden = {row["displayName"] for row in everything if row["isHidden"]}
    assert {row["displayName"] for row in everything} == shown | hidden
    assert {"Sync Issues", "Conversation Action Settings"} <= hidden - shown
    assert not {"Deletions", "Finder"} & (shown | hidden)
    assert client.get("mailFolders/recoverableitemsdeletions")["displayName"] == "Deletions"


def test_what_a_folder_is_for(client: Client, alice: Mailbox) -> None:
    alice.make_folder("Holidays", kind="IPF.Appointment")
    alice.make_folder("Unread", search=True)
    rows = {row["displayName"]: row for row in client.get(f"mailFolders?$top=100&$select=displayName&{CLASS}")["value"]}
    kinds = {name: row["singleValueExtendedProperties"] for name, row in rows.items()}
    assert kinds["Inbox"] == [{"id": "String 0x3613", "value": "IPF.Note"}]
    assert kinds["Holidays"] == [{"id": "String 0x3613", "value": "IPF.Appointment"}]
    assert rows["Unread"]["@odata.type"] == "#microsoft.graph.mailSearchFolder"
    assert rows["Inbox"].keys() == {"id", "displayName", "singleValueExtendedProperties"}


def test_a_folder_by_name_and_id(client: Client, alice: Mailbox) -> None:
    inbox = client.get("mailFolders/Inbox")
    assert inbox == client.get(f"mailFolders('{alice.folder('inbox').id}')")
    assert client.error("GET", "mailFolders/Projects") == (400, "ErrorInvalidIdMalformed")
    gone = alice.make_folder("Projects").id
    alice.delete_folder(gone)
    assert client.error("GET", f"mailFolders/{gone}") == (404, "ErrorItemNotFound")


def test_a_locked_folder(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("archive", plain(1))
    alice.lock_folder("archive")
    for path in ("mailFolders/archive/messages", "mailFolders/archive/messages/delta", f"messages/{item.id}/$value"):
        assert client.error("GET", path) == (403, "ErrorAccessDenied")
    assert client.get("mailFolders/archive")["totalItemCount"] == 1


# Lists


def test_a_list_in_pages_newest_first(client: Client, alice: Mailbox) -> None:
    ids = [alice.deliver("inbox", plain(number)).immutable_id for number in range(7)]
    client.prefer = f"{IMMUTABLE}, odata.maxpagesize=3"
    page, found = client.get("mailFolders/inbox/messages?$select=id&$count=true"), []
    assert page["@odata.count"] == 7
    while True:
        found += [row["id"] for row in page["value"]]
        if "@odata.nextLink" not in page:
            break
        page = client.get(page["@odata.nextLink"])
    assert found == ids[::-1]
    assert client.ask("GET", "mailFolders/inbox/messages/$count").text == "7"
    assert len(client.get("messages?$top=1000")["value"]) == 7
    assert client.error("GET", "messages?$top=1001") == (400, "ErrorInvalidRequest")


def test_a_list_by_message_id(client: Client, alice: Mailbox) -> None:
    alice.deliver("archive", plain(2))
    item = alice.deliver("inbox", plain(2))
    alice.deliver("inbox", plain(3))
    wanted = "$filter=internetMessageId eq '<0002@example.test>'"
    (row,) = client.get(f"mailFolders/inbox/messages?{wanted}")["value"]
    assert row["id"] == item.immutable_id
    assert len(client.get(f"messages?{wanted} and isRead eq false")["value"]) == 2
    assert client.error("GET", "messages?$filter=colour eq 'red'") == (400, "BadRequest")
    assert client.error("GET", "messages?$filter=isRead eq true or isRead eq false") == (
        400,
        "ErrorInvalidUrlQueryFilter",
    )


# Messages


def test_a_message_as_json(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    row = client.get(f"messages/{item.immutable_id}")
    assert (row["subject"], row["internetMessageId"]) == ("conformance 0001", "<0001@example.test>")
    assert row["from"]["emailAddress"]["address"] == "ann@example.test"
    assert (row["changeKey"], row["@odata.etag"]) == (item.change_key, f'W/"{item.change_key}"')
    assert "internetMessageHeaders" not in row
    headers = client.get(f"messages/{item.immutable_id}?$select=internetMessageHeaders")["internetMessageHeaders"]
    assert {"name": "Message-ID", "value": "<0001@example.test>"} in headers
    wanted = "$expand=singleValueExtendedProperties($filter=id eq 'Integer 0xe07' or id eq 'Integer 0x0E08')"
    found = client.get(f"messages/{item.immutable_id}?$select=id&{wanted}")["singleValueExtendedProperties"]
    assert {each["id"]: int(each["value"]) > 0 for each in found} == {"Integer 0xe07": False, "Integer 0x0E08": True}


def test_ids_of_either_kind(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    assert client.get(f"messages/{item.id}")["id"] == item.immutable_id
    client.prefer = ""
    assert client.get(f"messages/{item.immutable_id}")["id"] == item.id
    assert client.error("GET", f"messages/{item.id[:-2]}b=") == (404, "ErrorItemNotFound")
    assert client.error("GET", "messages/17") == (400, "ErrorInvalidIdMalformed")


def test_ids_are_translated(client: Client, alice: Mailbox) -> None:
    items = [alice.deliver("inbox", plain(number)) for number in range(2)]
    told: Json = {"inputIds": [item.id for item in items], "sourceIdType": "restId"}
    answer = client.ask("POST", "translateExchangeIds", json={**told, "targetIdType": "restImmutableEntryId"})
    assert [(row["sourceId"], row["targetId"]) for row in answer.json()["value"]] == [
        (item.id, item.immutable_id) for item in items
    ]
    back = {"inputIds": [items[0].immutable_id], "sourceIdType": "restImmutableEntryId", "targetIdType": "restId"}
    (row,) = client.ask("POST", "translateExchangeIds", json=back).json()["value"]
    assert row["targetId"] == items[0].id
    many = {**told, "inputIds": ["x"] * 1001, "targetIdType": "restImmutableEntryId"}
    assert client.error("POST", "translateExchangeIds", json=many) == (400, "ErrorInvalidRequest")
    assert client.error("POST", "translateExchangeIds", json=told) == (400, "ErrorInvalidRequest")


def test_mime_is_text_and_streams(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", large(1, 700_000))
    answer = client.ask("GET", f"messages/{item.immutable_id}/$value", stream=True)
    assert answer.headers["Content-Type"] == "text/plain"
    assert b"".join(answer.iter_content(10_000)) == client.ask("GET", f"messages/{item.id}/$value").content


@pytest.mark.parametrize("packed", [False, True])
def test_bodies_packed_and_without_a_length(client: Client, server: GraphServer, alice: Mailbox, packed: bool) -> None:
    item = alice.deliver("inbox", large(1, 300_000))
    path, whole = f"messages/{item.id}/$value", alice.mime(item.id)
    server.quirks.chunked, server.quirks.gzip = True, packed
    answer = client.ask("GET", path)
    assert (answer.headers["Transfer-Encoding"], answer.headers.get("Content-Encoding") == "gzip") == (
        "chunked",
        packed,
    )
    assert "Content-Length" not in answer.headers
    assert answer.content == whole
    assert client.get("mailFolders/inbox")["totalItemCount"] == 1
    server.faults.add(Cut(at=10_000_000), path="/\\$value")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.ask("GET", path)
    assert [each.cut for each in server.log.entries(path="$value")] == [False, True]
    assert client.ask("DELETE", f"messages/{item.id}").status_code == 204


def test_an_unreadable_item(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    alice.spoil(item.id)
    assert client.error("GET", f"messages/{item.id}/$value") == (500, "ErrorCorruptData")
    assert client.get(f"messages/{item.id}")["subject"] == "conformance 0001"


def test_flags_are_changed_if_nobody_was_faster(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    path, etag = f"messages/{item.immutable_id}", f'W/"{item.change_key}"'
    told = {"isRead": True, "flag": {"flagStatus": "flagged"}, "categories": ["Red"], "importance": "low"}
    answer = client.ask("PATCH", path, json=told, headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["isRead"], answer.json()["flag"]) == (200, True, told["flag"])
    assert client.error("PATCH", path, json=told, headers={"If-Match": etag}) == (412, "ErrorIrresolvableConflict")
    assert client.error("DELETE", path, headers={"If-Match": etag}) == (412, "ErrorIrresolvableConflict")
    assert client.error("PATCH", path, json={"importance": "huge"}) == (400, "RequestBodyRead")
    assert client.error("PATCH", path, json={"subject": "another"}) == (403, "ErrorAccessDenied")
    assert alice.item(item.id).flags.categories == ("Red",)


def test_moved_copied_and_deleted(client: Client, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))
    moved = client.ask("POST", f"messages/{item.immutable_id}/move", json={"destinationId": "archive"})
    assert (moved.status_code, moved.json()["id"]) == (201, item.immutable_id)
    copy = client.ask("POST", f"messages/{item.immutable_id}/copy", json={"destinationId": "inbox"}).json()
    assert copy["id"] != item.immutable_id
    assert client.ask("DELETE", f"messages/{item.immutable_id}").status_code == 204
    assert alice.item(item.immutable_id).folder_id == alice.folder("recoverableitemsdeletions").id
    assert client.ask("POST", f"messages/{copy['id']}/permanentDelete").status_code == 204
    assert client.error("GET", f"messages/{copy['id']}") == (404, "ErrorItemNotFound")


# Batches


def test_a_batch(client: Client, alice: Mailbox) -> None:
    items = [alice.deliver("inbox", plain(number)) for number in range(3)]
    get = [{"method": "GET", "url": f"messages/{item.immutable_id}?$select=subject"} for item in items]
    get[0]["headers"] = {"Prefer": IMMUTABLE}
    alice.delete(items[2].id, hard=True)
    answers = client.batch(*get)
    assert [answers[name]["status"] for name in "012"] == [200, 200, 404]
    assert answers["0"]["body"]["id"] == items[0].immutable_id
    assert answers["1"]["body"]["id"] == items[1].id
    assert answers["2"]["body"]["error"]["code"] == "ErrorItemNotFound"


def test_limits_of_a_batch(client: Client, server: GraphServer) -> None:
    get = {"method": "GET", "url": "/users/alice@corp.example/mailFolders/inbox"}
    for told in ([{**get, "id": str(n)} for n in range(21)], [{**get, "id": "1"}] * 2, [get], []):
        answer = client.ask("POST", f"{server.base_url}/v1.0/$batch", json={"requests": told})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_each_request_of_a_batch_is_throttled_on_its_own(client: Client, server: GraphServer) -> None:
    server.faults.add(Answer(429, retry_after=7), path="mailFolders/inbox")
    answers = client.batch(
        *({"method": "GET", "url": f"mailFolders/{name}"} for name in ("archive", "inbox", "drafts"))
    )
    assert {name: each["status"] for name, each in answers.items()} == {"0": 200, "1": 429, "2": 200}
    assert answers["1"]["headers"]["Retry-After"] == "7"
    assert [each.inner for each in server.log.entries(status=429)] == [True]
    assert server.log.early() == []  # they were under way together


def test_who_does_not_wait_is_early(client: Client, server: GraphServer, clock: Clock) -> None:
    server.faults.add(Answer(429, retry_after=7), path="mailFolders/inbox")
    client.batch({"method": "GET", "url": "mailFolders/inbox"})
    for seconds, name in ((1, "archive"), (6.5, "drafts")):
        clock.advance(seconds)
        client.get(f"mailFolders/{name}")
    assert [each.path.rpartition("/")[2] for each in server.log.early()] == ["archive"]
