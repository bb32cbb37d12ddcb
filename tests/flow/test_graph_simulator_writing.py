"""Writing to the simulator: each way of Graph's with what it loses, and the program that serves by itself."""

import json
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import requests

from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.graph import GraphServer
from fixtures.graph.client import Client, Json
from tests.tenancy import alice_fixture, client_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `client` and its like

ROOT = Path(__file__).resolve().parents[2]
NO_DRAFT = [{"id": "Integer 0x0E07", "value": "4"}]
FILE = {"@odata.type": "#microsoft.graph.fileAttachment"}
RECEIVED = b"Received: from there by here; Mon, 2 Nov 2026 08:00:01 +0000\r\n"


def post_mime(client: Client, path: str, data: bytes, version: str = "v1.0") -> requests.Response:
    return client.ask("POST", path, data=data, headers={"Content-Type": "text/plain"}, version=version)


def mime(client: Client, name: str) -> bytes:
    return client.ask("GET", f"messages/{name}/$value").content


def test_mime_becomes_a_draft_whatever_is_done(client: Client, alice: Mailbox) -> None:
    made = post_mime(client, "messages", b64encode(RECEIVED + plain(1)))
    assert (made.status_code, made.json()["isDraft"]) == (201, True)
    name = made.json()["id"]
    assert RECEIVED in mime(client, name)
    told = {"singleValueExtendedProperties": NO_DRAFT}
    assert client.error("PATCH", f"messages/{name}", json=told) == (400, "ErrorInvalidPropertySet")
    moved = client.ask("POST", f"messages/{name}/move", json={"destinationId": "inbox"}).json()
    assert (moved["isDraft"], moved["parentFolderId"]) == (True, alice.folder("inbox").id)


def test_mime_goes_into_no_folder(client: Client, alice: Mailbox) -> None:
    answer = post_mime(client, "mailFolders/inbox/messages", b64encode(plain(1)))
    assert answer.status_code == 400
    assert alice.items() == []


def test_mime_that_is_none(client: Client, alice: Mailbox) -> None:
    answer = post_mime(client, "messages", plain(1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ErrorMimeContentInvalidBase64String")
    assert alice.items() == []


def test_four_megabytes_are_the_end(client: Client, alice: Mailbox) -> None:
    small, big = b64encode(large(1, 3_000_000)), b64encode(large(2, 3_300_000))
    assert post_mime(client, "messages", small).status_code == 201
    assert post_mime(client, "messages", big).status_code == 413
    assert len(alice.items("drafts")) == 1


def test_an_import_is_no_draft_and_in_beta_only(client: Client, server: GraphServer, alice: Mailbox) -> None:
    made = post_mime(client, "mailFolders/archive/importMime", b64encode(RECEIVED + plain(1)), "beta")
    assert (made.status_code, made.json()["isDraft"]) == (201, False)
    assert [item.immutable_id for item in alice.items("archive")] == [made.json()["id"]]
    assert RECEIVED in mime(client, made.json()["id"])
    assert post_mime(client, "mailFolders/archive/importMime", b64encode(plain(2))).status_code == 400
    server.tenant_data.roles.discard("Mail-Advanced.ReadWrite.All")
    assert post_mime(client, "mailFolders/archive/importMime", b64encode(plain(2)), "beta").status_code == 403


def test_json_says_when_it_is_created_that_it_is_no_draft(client: Client) -> None:
    draft = client.ask("POST", "mailFolders/inbox/messages", json={"subject": "one"}).json()
    sent = [*NO_DRAFT, {"id": "SystemTime 0x0E06", "value": "2026-11-02T08:00:00Z"},
            {"id": "SystemTime 0x39", "value": "2026-11-01T08:00:00Z"}]  # fmt: skip
    kept = {"subject": "two", "isRead": True, "singleValueExtendedProperties": sent}
    whole = client.ask("POST", "mailFolders/inbox/messages", json=kept).json()
    assert [each["isDraft"] for each in (draft, whole)] == [True, False]
    assert (whole["receivedDateTime"], whole["sentDateTime"]) == ("2026-11-02T08:00:00Z", "2026-11-01T08:00:00Z")
    flags = "$select=id&$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x0E07')"
    (bits,) = client.get(f"messages/{whole['id']}?{flags}")["singleValueExtendedProperties"]
    assert bits["value"] == "1"


def test_what_json_keeps_and_loses(client: Client) -> None:
    person = {"emailAddress": {"name": "Jörg, Dr.", "address": "joerg@corp.example"}}
    told: Json = {
        "subject": "Grüße", "toRecipients": [person], "from": person, "internetMessageId": "<mine@corp.example>",
        "body": {"contentType": "html", "content": "<p>Grüße</p>"}, "singleValueExtendedProperties": NO_DRAFT,
        "internetMessageHeaders": [{"name": "x-shop", "value": "4711"}],
        "attachments": [{**FILE, "name": "a.bin", "contentType": "application/x-a", "contentBytes": "AAEC"}],
    }  # fmt: skip
    name = client.ask("POST", "mailFolders/inbox/messages", json=told).json()["id"]
    raw = mime(client, name)
    for part in (
        b"joerg@corp.example>",
        b"x-shop: 4711",
        b"Message-ID: <mine@corp.example>",
        b'filename="a.bin"',
        b"AAEC",
    ):
        assert part in raw
    told["internetMessageHeaders"] = [{"name": "Received", "value": "from there"}]
    assert client.error("POST", "mailFolders/inbox/messages", json=told) == (400, "InvalidInternetMessageHeader")


def test_a_mark_of_our_own_is_found_again(client: Client) -> None:
    mark = {"id": "String {3f2a7c1e-0000-4000-8000-000000000001} Name MailContinuityKey", "value": "op-17"}
    name = client.ask("POST", "messages", json={"subject": "x", "singleValueExtendedProperties": [mark]}).json()["id"]
    wanted = f"$select=id&$expand=singleValueExtendedProperties($filter=id eq '{mark['id']}')"
    assert client.get(f"messages/{name}?{wanted}")["singleValueExtendedProperties"] == [mark]


def test_attachments_are_added(client: Client, alice: Mailbox) -> None:
    name = client.ask("POST", "messages", json={"subject": "x"}).json()["id"]
    file = {**FILE, "name": "a.bin", "contentBytes": "AAEC"}
    assert client.ask("POST", f"messages/{name}/attachments", json=file).status_code == 201
    (shown,) = client.get(f"messages/{name}/attachments")["value"]
    assert (shown["name"], shown["contentBytes"], shown["size"]) == ("a.bin", "AAEC", 3)
    assert client.get(f"messages/{name}")["hasAttachments"] is True
    broken = {**FILE, "contentBytes": "?"}
    assert client.error("POST", f"messages/{name}/attachments", json=broken) == (400, "RequestBodyRead")
    assert len(alice.item(name).content.attachments) == 1


def test_folders_are_made_renamed_moved_and_deleted(client: Client, alice: Mailbox) -> None:
    made = client.ask("POST", "mailFolders", json={"displayName": "Projects"})
    assert made.status_code == 201
    assert client.error("POST", "mailFolders", json={"displayName": "projects"}) == (409, "ErrorFolderExists")
    below = client.ask("POST", f"mailFolders/{made.json()['id']}/childFolders", json={"displayName": "Old"}).json()
    assert below["parentFolderId"] == made.json()["id"]
    client.ask("PATCH", f"mailFolders/{below['id']}", json={"displayName": "Older"})
    client.ask("POST", f"mailFolders/{below['id']}/move", json={"destinationId": "inbox"})
    assert alice.folder("Inbox/Older").id == below["id"]
    assert client.ask("DELETE", f"mailFolders/{below['id']}").status_code == 204
    assert client.error("GET", f"mailFolders/{below['id']}") == (404, "ErrorItemNotFound")
    assert client.error("DELETE", "mailFolders/inbox") == (400, "ErrorDeleteDistinguishedFolder")


def test_who_may_only_read_does_not_write(client: Client, server: GraphServer, alice: Mailbox) -> None:
    server.tenant_data.roles = {"Mail.Read"}
    item = alice.deliver("inbox", plain(1))
    assert client.get(f"messages/{item.immutable_id}")["isRead"] is False
    assert client.error("PATCH", f"messages/{item.immutable_id}", json={"isRead": True}) == (403, "ErrorAccessDenied")
    assert client.error("POST", "messages", json={"subject": "x"}) == (403, "ErrorAccessDenied")


def test_it_serves_by_itself_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fixtures.graph", "--json", "--messages", "5", "--wild", "--directory", tmp_path]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = json.loads(program.stdout.readline())
        where = f"{told['base_url']}/{told['tenant']}/v2.0/.well-known/openid-configuration"
        with requests.Session() as session:
            session.trust_env = False
            found = session.get(where, verify=told["ca_file"], timeout=20).json()
        program.send_signal(signal.SIGINT)
        assert program.communicate(timeout=20)[0] == "stopped\n"
    assert program.returncode == 0
    assert found["token_endpoint"].startswith(told["authority"])
    assert told["mailboxes"] == ["alice@corp.example"]
    assert Path(told["certificate_file"]).stat().st_mode & 0o077 == 0
