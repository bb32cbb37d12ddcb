"""Upload sessions of the simulator, as Microsoft's SDK sees them too, and what else it refuses of what is written."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.models.attachment_item import AttachmentItem
from msgraph.generated.models.attachment_type import AttachmentType
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.item.mail_folders.item.move.move_post_request_body import MovePostRequestBody
from msgraph.generated.users.item.messages.item.attachments.create_upload_session.create_upload_session_post_request_body import (  # noqa: E501
    CreateUploadSessionPostRequestBody,
)
from msgraph_core.models import LargeFileUploadSession

from connectors.testing.corpus import plain
from fixtures.exchange import Mailbox
from fixtures.graph import Clock, GraphServer
from fixtures.graph.client import Client, Json
from tests.flow.test_graph_simulator_sdk import work
from tests.flow.test_graph_simulator_writing import FILE, post_mime
from tests.tenancy import alice_fixture, client_fixture, clock_fixture, server_fixture  # noqa: F401

if TYPE_CHECKING:
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

pytestmark = [
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
]
LEAST, PIECE = 3 << 20, 5 * 320 << 10
DATA = bytes(range(256)) * (LEAST // 256 + 5)


@pytest.fixture
def name(client: Client) -> str:
    """A message to which files are added."""
    return str(client.ask("POST", "messages", json={"subject": "x"}).json()["id"])


@pytest.fixture
def bare(server: GraphServer) -> Iterator[requests.Session]:
    """Knows of no login."""
    with requests.Session() as session:
        session.verify, session.trust_env = str(server.ca_file), False
        yield session


def begin(client: Client, name: str, size: int = len(DATA), **more: object) -> requests.Response:
    item = {"attachmentType": "file", "name": "big.bin", "size": size, **more}
    return client.ask("POST", f"messages/{name}/attachments/createUploadSession", json={"AttachmentItem": item})


def put(session: requests.Session, url: str, start: int, data: bytes, size: int = len(DATA)) -> requests.Response:
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{size}"}
    return session.put(url, data=data, headers=headers, timeout=30)


def test_a_large_file_comes_in_ranges(client: Client, alice: Mailbox, name: str, bare: requests.Session) -> None:
    told = begin(client, name, isInline=True, contentId="logo", contentType="image/png")
    session: Json = told.json()
    assert (told.status_code, session["nextExpectedRanges"]) == (201, ["0-"])
    assert session["uploadUrl"].startswith("https://localhost:"), "it is another host than Graph's"
    first = put(bare, session["uploadUrl"], 0, DATA[:PIECE])
    assert (first.status_code, first.json()["nextExpectedRanges"]) == (200, [str(PIECE)])
    assert alice.item(name).content.attachments == ()
    last = put(bare, session["uploadUrl"], PIECE, DATA[PIECE:])
    assert (last.status_code, last.content) == (201, b"")
    assert "/Attachments('" in last.headers["Location"]
    (file,) = alice.item(name).content.attachments
    assert (file.name, file.media, file.content_id, file.inline) == ("big.bin", "image/png", "logo", True)
    assert file.data == DATA
    assert put(bare, session["uploadUrl"], 0, DATA[:PIECE]).status_code == 404


def test_ranges_come_in_order_and_fit(client: Client, name: str, bare: requests.Session) -> None:
    url = begin(client, name).json()["uploadUrl"]
    assert put(bare, url, 1, DATA[1:PIECE]).status_code == 416
    assert put(bare, url, 0, DATA[:PIECE], len(DATA) + 1).status_code == 416
    assert bare.put(url, data=DATA[:PIECE], timeout=30).status_code == 416
    assert put(bare, url, 0, DATA[:PIECE]).status_code == 200
    assert put(bare, url, 0, DATA[:PIECE]).status_code == 416
    assert put(bare, url, PIECE, bytes(5 << 20)).status_code == 413


def test_a_token_that_is_sent_along_is_noted(
    client: Client, server: GraphServer, name: str, bare: requests.Session
) -> None:
    url = begin(client, name).json()["uploadUrl"]
    headers = {"Authorization": f"Bearer {client.token}", "Content-Range": f"bytes 0-9/{len(DATA)}"}
    assert server.log.leaks() == []
    assert bare.put(url, data=DATA[:10], headers=headers, timeout=30).status_code == 401
    assert [entry.mailbox for entry in server.log.leaks()] == ["alice@corp.example"]
    assert "authtoken" not in server.log.leaks()[0].path


def test_a_session_ends(client: Client, clock: Clock, server: GraphServer, name: str, bare: requests.Session) -> None:
    cancelled, late, wrong = (begin(client, name).json()["uploadUrl"] for _ in range(3))
    assert bare.delete(cancelled, timeout=30).status_code == 204
    clock.advance(7201)
    for url in (cancelled, late, wrong + "x"):
        assert put(bare, url, 0, DATA[:PIECE]).status_code == 404
    assert server.log.leaks() == []


def test_what_may_be_uploaded(client: Client, server: GraphServer, name: str) -> None:
    small = begin(client, name, LEAST - 1)
    assert small.json()["error"]["code"] == "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"
    assert [begin(client, name, size).status_code for size in (LEAST, 150_000_000, 150_000_001)] == [201, 201, 413]
    assert begin(client, name, attachmentType="item").status_code == 400
    server.quirks.uploads = False
    assert begin(client, name).json()["error"]["message"].endswith("'createUploadSession'.")


def test_an_upload_has_a_place_among_the_mailboxs_requests(
    client: Client, server: GraphServer, name: str, bare: requests.Session
) -> None:
    url = begin(client, name).json()["uploadUrl"]
    server.limits.upload = PIECE
    assert put(bare, url, 0, DATA[:PIECE]).status_code == 429
    assert server.log.entries(mailbox="alice@corp.example", method="PUT", status=429)


def test_a_file_of_three_megabytes_does_not_come_in_one_request(client: Client, alice: Mailbox, name: str) -> None:
    for size, status in ((LEAST - 1000, 201), (LEAST, 413)):
        file = {**FILE, "name": "a", "contentBytes": b64encode(bytes(size)).decode()}
        assert client.ask("POST", f"messages/{name}/attachments", json=file).status_code == status
    assert len(alice.item(name).content.attachments) == 1
    assert client.error("POST", f"messages/{name}/attachments", json={"name": "a"}) == (400, "RequestBodyRead")


def test_five_headers_and_not_none(client: Client) -> None:
    for count, status in ((0, 400), (1, 201), (5, 201), (6, 400)):
        headers = [{"name": f"x-{number}", "value": "1"} for number in range(count)]
        told = client.ask("POST", "messages", json={"subject": "x", "internetMessageHeaders": headers})
        assert told.status_code == status


def test_a_full_mailbox_and_a_message_that_is_too_large(client: Client, alice: Mailbox, name: str) -> None:
    alice.largest = 10_000
    file = {**FILE, "name": "a", "contentBytes": b64encode(bytes(20_000)).decode()}
    path = f"messages/{name}/attachments"
    assert client.error("POST", path, json=file) == (413, "ErrorMessageSizeExceeded")
    assert client.error("POST", "messages", json={"attachments": [file]}) == (413, "ErrorMessageSizeExceeded")
    alice.full = True
    for way, json in (("messages", {"subject": "x"}), ("mailFolders", {"displayName": "x"}), (path, FILE)):
        assert client.error("POST", way, json=json) == (403, "ErrorQuotaExceeded")
    assert client.ask("POST", f"messages/{name}/move", json={"destinationId": "archive"}).status_code == 201


def test_the_time_of_delivery_may_be_set_ignored_or_refused(client: Client, server: GraphServer, name: str) -> None:
    told = {"singleValueExtendedProperties": [{"id": "SystemTime 0x0E06", "value": "2020-02-02T02:02:02Z"}]}
    before = client.get(f"messages/{name}")["receivedDateTime"]
    server.quirks.arrivals = "refused"
    assert client.error("PATCH", f"messages/{name}", json=told) == (400, "ErrorInvalidPropertySet")
    for arrivals, shown in (("ignored", before), ("set", "2020-02-02T02:02:02Z")):
        server.quirks.arrivals = arrivals  # type: ignore[assignment]  # one of them
        assert client.ask("PATCH", f"messages/{name}", json=told).status_code == 200
        assert client.get(f"messages/{name}")["receivedDateTime"] == shown


def test_importing_can_be_asked_for_without_doing_it(client: Client, server: GraphServer, alice: Mailbox) -> None:
    path = "mailFolders/inbox/importMime"
    asked = [post_mime(client, path, b"?", "beta").json()["error"]["code"]]
    server.tenant_data.roles.discard("Mail-Advanced.ReadWrite.All")
    asked.append(post_mime(client, path, b"?", "beta").json()["error"]["code"])
    server.quirks.imports = False
    asked.append(post_mime(client, path, b"?", "beta").json()["error"]["message"])
    assert asked[:2] == ["ErrorMimeContentInvalidBase64String", "ErrorAccessDenied"]
    assert asked[2] == "Resource not found for the segment 'importMime'."
    assert alice.items() == []


def test_folders_are_found_by_name_and_refused_for_theirs(client: Client, server: GraphServer, alice: Mailbox) -> None:
    hidden = client.ask("POST", "mailFolders", json={"displayName": "It's hidden", "isHidden": True}).json()
    query = "$filter=displayName eq 'it''s hidden'"
    assert client.get(f"mailFolders?{query}")["value"] == []
    assert [each["id"] for each in client.get(f"mailFolders?includeHiddenFolders=true&{query}")["value"]] == [
        hidden["id"]
    ]
    for name in ("", " ", "x" * 256, "a\nb"):
        assert client.error("POST", "mailFolders", json={"displayName": name}) == (400, "ErrorInvalidRequest")
    server.quirks.trims = True
    assert client.ask("POST", "mailFolders", json={"displayName": " a "}).json()["displayName"] == "a"
    below = alice.make_folder("b", "a").id
    for name, to in ((alice.folder("a").id, below), ("sentitems", "inbox")):
        told = {"destinationId": to}
        assert client.ask("POST", f"mailFolders/{name}/move", json=told).status_code == 400


def test_each_new_item_may_have_a_second_of_its_own(client: Client, alice: Mailbox) -> None:
    alice.pace = 1.0
    for number in range(3):
        alice.deliver("inbox", plain(number))
    rows = client.get("mailFolders/inbox/messages?$select=createdDateTime,subject&$orderby=createdDateTime asc")[
        "value"
    ]
    assert [row["subject"] for row in rows] == [f"conformance 000{number}" for number in range(3)]
    assert len({row["createdDateTime"] for row in rows}) == 3


def test_the_sdk_uploads_a_large_file(server: GraphServer, alice: Mailbox) -> None:
    """By its models and its adapter, which sends its token to no host that it was not told of.

    Not by its own LargeFileUploadTask: that cannot read the ranges that Outlook's documentation shows.
    """

    async def do(user: "UserItemRequestBuilder") -> None:
        made = await user.messages.post(Message(subject="with a file"))
        item = AttachmentItem(attachment_type=AttachmentType.File, name="big.bin", size=len(DATA))
        begin = user.messages.by_message_id(made.id).attachments.create_upload_session
        session = await begin.post(CreateUploadSessionPostRequestBody(attachment_item=item))
        assert session.next_expected_ranges == ["0-"]
        assert session.expiration_date_time > datetime.now(UTC)
        adapter = user.request_adapter
        told = await adapter.send_async(ranged(session.upload_url, 0, PIECE), LargeFileUploadSession, {})
        assert told.next_expected_ranges == [str(PIECE)]
        await adapter.send_no_response_content_async(ranged(session.upload_url, PIECE, len(DATA)), {})

    work(server, do)
    (item,) = alice.items("drafts")
    (file,) = item.content.attachments
    assert (file.name, file.data == DATA) == ("big.bin", True)
    assert server.log.leaks() == []
    assert [entry.status for entry in server.log.entries(method="PUT")] == [200, 201]


def test_the_sdk_makes_hidden_folders_and_moves_them(server: GraphServer, alice: Mailbox) -> None:
    async def do(user: "UserItemRequestBuilder") -> None:
        made = await user.mail_folders.post(MailFolder(display_name="Secrets", is_hidden=True))
        assert made.is_hidden is True
        assert "Secrets" not in {each.display_name for each in (await user.mail_folders.get()).value}
        with pytest.raises(ODataError) as refused:
            await user.mail_folders.post(MailFolder(display_name="secrets"))
        assert (refused.value.response_status_code, refused.value.error.code) == (409, "ErrorFolderExists")
        folder = user.mail_folders.by_mail_folder_id(made.id)
        renamed = await folder.patch(MailFolder(display_name="Old secrets"))
        moved = await folder.move.post(MovePostRequestBody(destination_id="archive"))
        assert [renamed.display_name, renamed.id, moved.id] == ["Old secrets", made.id, made.id]

    work(server, do)
    assert alice.folder("Archive/Old secrets").hidden


def ranged(url: str, start: int, end: int) -> RequestInformation:
    """A PUT of these bytes."""
    told = RequestInformation()
    told.url, told.http_method = url, Method.PUT
    told.headers.add("Content-Range", f"bytes {start}-{end - 1}/{len(DATA)}")
    told.headers.add("Content-Type", "application/octet-stream")
    told.set_stream_content(DATA[start:end])
    return told
