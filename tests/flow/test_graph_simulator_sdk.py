"""The simulator as Microsoft's own SDK sees it: azure-identity logs in, msgraph-sdk reads and writes with its models.

Neither knows that it speaks to a simulator; each has its own opinion of links, errors, dates and Retry-After.
"""

import asyncio
import ssl
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.followup_flag import FollowupFlag
from msgraph.generated.models.followup_flag_status import FollowupFlagStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.users.item.mail_folders.item.messages.item.move.move_post_request_body import MovePostRequestBody
from msgraph_core import GraphClientFactory

from connectors.testing.corpus import large, plain
from fixtures.exchange import Mailbox
from fixtures.graph import Answer, GraphServer, Lose, Slow

if TYPE_CHECKING:
    from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import DeltaRequestBuilder
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

# The SDK's own modules use classes that it calls deprecated, when they are first loaded.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
]
IMMUTABLE = 'IdType="ImmutableId"'
ALICE = "alice@corp.example"


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer(seed=5) as server:
        yield server


@pytest.fixture
def alice(server: GraphServer) -> Mailbox:
    return server.mailbox(ALICE)


@asynccontextmanager
async def connected(server: GraphServer) -> AsyncIterator["UserItemRequestBuilder"]:
    """Alice's mailbox in the SDK, with all of its own middleware."""
    credential = CertificateCredential(
        server.tenant,
        server.client_id,
        str(server.certificate_file),
        authority=server.authority,
        disable_instance_discovery=True,
        connection_verify=str(server.ca_file),
        connection_timeout=20,
        retry_total=0,
    )
    login = AzureIdentityAuthenticationProvider(credential, scopes=[server.scope], allowed_hosts=["127.0.0.1"])
    # Named here, since the SDK wraps it and does not close it.
    wire = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(server.ca_file)))
    client = GraphClientFactory.create_with_default_middleware(client=httpx.AsyncClient(transport=wire, timeout=30))
    adapter = GraphRequestAdapter(login, client=client)
    adapter.base_url = f"{server.base_url}/v1.0"
    try:
        yield GraphServiceClient(request_adapter=adapter).users.by_user_id(ALICE)
    finally:
        await wire.aclose()
        credential.close()


def work(server: GraphServer, do: Callable[["UserItemRequestBuilder"], Awaitable[None]]) -> None:
    async def run() -> None:
        async with connected(server) as user:
            await do(user)

    asyncio.run(run())


def preferring(*preferences: str) -> RequestConfiguration[object]:
    configuration: RequestConfiguration[object] = RequestConfiguration()
    for preference in preferences:
        configuration.headers.add("Prefer", preference)
    return configuration


async def a_round(delta: "DeltaRequestBuilder", size: int = 4) -> tuple[list[Message], str]:
    """Over all pages; the SDK follows links by its own reading of them."""
    rows: list[Message] = []
    while True:
        page = await delta.get(request_configuration=preferring(IMMUTABLE, f"odata.maxpagesize={size}"))
        rows += page.value
        if page.odata_next_link is None:
            return rows, page.odata_delta_link
        assert page.odata_delta_link is None
        delta = delta.with_url(page.odata_next_link)


def is_removed(row: Message) -> bool:
    return "@removed" in row.additional_data


def test_folders(server: GraphServer, alice: Mailbox) -> None:
    made = alice.make_folder("Projects", "inbox")
    alice.deliver("inbox", plain(1))

    async def do(user: "UserItemRequestBuilder") -> None:
        folders = {each.display_name: each for each in (await user.mail_folders.get()).value}
        inbox = folders["Inbox"]
        assert (inbox.total_item_count, inbox.unread_item_count, inbox.child_folder_count) == (1, 1, 1)
        assert (inbox.is_hidden, inbox.parent_folder_id) == (False, alice.folder("msgfolderroot").id)
        below = await user.mail_folders.by_mail_folder_id(inbox.id).child_folders.get()
        assert [each.id for each in below.value] == [made.id]

    work(server, do)


def test_rounds_of_delta(server: GraphServer, alice: Mailbox) -> None:
    items = [alice.deliver("inbox", plain(number)) for number in range(10)]

    async def do(user: "UserItemRequestBuilder") -> None:
        delta = user.mail_folders.by_mail_folder_id("inbox").messages.delta
        rows, link = await a_round(delta)
        assert [row.id for row in rows] == [item.immutable_id for item in items]
        assert rows[0].subject == "conformance 0000"
        assert rows[0].received_date_time == items[0].received
        assert (rows[0].is_read, rows[0].flag.flag_status) == (False, FollowupFlagStatus.NotFlagged)
        alice.set_flags(items[0].id, read=True, categories=("Red",))
        alice.move(items[1].id, "archive")
        rows, link = await a_round(delta.with_url(link))
        changed, gone = rows
        assert (changed.id, changed.is_read, changed.categories) == (items[0].immutable_id, True, ["Red"])
        assert (gone.id, is_removed(gone), is_removed(changed)) == (items[1].immutable_id, True, False)
        assert await a_round(delta.with_url(link)) == ([], link)

    work(server, do)


def test_a_link_that_is_gone(server: GraphServer, alice: Mailbox) -> None:
    alice.deliver("inbox", plain(1))

    async def do(user: "UserItemRequestBuilder") -> None:
        delta = user.mail_folders.by_mail_folder_id("inbox").messages.delta
        _, link = await a_round(delta)
        server.forget_links()
        with pytest.raises(ODataError) as refused:
            await a_round(delta.with_url(link))
        assert refused.value.response_status_code == 410
        assert refused.value.error.code == "SyncStateNotFound"
        assert refused.value.error.message.startswith("The sync state generation is not found; generation=1;")
        assert refused.value.error.inner_error.request_id == refused.value.response_headers["request-id"]

    work(server, do)


def test_mime(server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", large(1, 300_000))

    async def do(user: "UserItemRequestBuilder") -> None:
        raw = await user.messages.by_message_id(item.id).content.get()
        assert raw.startswith(b"From: ann@example.test\r\n")
        assert len(raw) > 300_000
        alice.spoil(item.id)
        with pytest.raises(ODataError) as refused:
            await user.messages.by_message_id(item.id).content.get()
        assert (refused.value.response_status_code, refused.value.error.code) == (500, "ErrorCorruptData")

    work(server, do)


def test_its_own_retries_wait_as_they_are_told(server: GraphServer, alice: Mailbox) -> None:
    server.faults.add(Answer(429, retry_after=1), path="mailFolders$")
    server.faults.add(Answer(503), path="mailFolders$", after=1)

    async def do(user: "UserItemRequestBuilder") -> None:
        assert (await user.mail_folders.get()).value
        assert (await user.mail_folders.get()).value

    work(server, do)
    asked = server.log.entries(path="mailFolders")
    assert [each.status for each in asked] == [429, 200, 503, 200]
    assert asked[1].started - asked[0].ended >= 1
    assert server.log.early() == []


def test_six_at_once_are_throttled_and_all_get_there(server: GraphServer, alice: Mailbox) -> None:
    """Real concurrency: four are let in and held there, the others are sent away and come again."""
    items = [alice.deliver("inbox", plain(number)) for number in range(6)]
    gate = threading.Event()
    server.faults.add(Slow(gate), path="/\\$value", times=4)

    async def do(user: "UserItemRequestBuilder") -> None:
        reading = [asyncio.ensure_future(user.messages.by_message_id(item.id).content.get()) for item in items]
        await asyncio.to_thread(server.log.wait_for, 2, status=429)
        gate.set()
        assert len(set(await asyncio.gather(*reading))) == 6

    work(server, do)
    assert server.log.most_at_once(ALICE) > 4
    assert {each.retry_after for each in server.log.entries(status=429)} == {1}


def test_flags_moves_and_deletions(server: GraphServer, alice: Mailbox) -> None:
    item = alice.deliver("inbox", plain(1))

    async def do(user: "UserItemRequestBuilder") -> None:
        flag = FollowupFlag(flag_status=FollowupFlagStatus.Flagged)
        message = user.messages.by_message_id(item.id)
        changed = await message.patch(Message(is_read=True, flag=flag))
        assert (changed.is_read, changed.flag.flag_status) == (True, FollowupFlagStatus.Flagged)
        stale: RequestConfiguration[object] = RequestConfiguration()
        stale.headers.add("If-Match", f'W/"{item.change_key}"')
        with pytest.raises(ODataError) as refused:
            await message.patch(Message(is_read=False), request_configuration=stale)
        assert refused.value.error.code == "ErrorIrresolvableConflict"
        moved = await message.move.post(MovePostRequestBody(destination_id="archive"))
        assert moved.id != item.id
        assert moved.parent_folder_id == alice.folder("archive").id
        await user.messages.by_message_id(moved.id).delete()

    work(server, do)
    assert alice.item(item.immutable_id).folder_id == alice.folder("recoverableitemsdeletions").id


def test_a_message_written_as_json(server: GraphServer, alice: Mailbox) -> None:
    """With PidTagMessageFlags it is no draft; without, it is."""
    received = SingleValueLegacyExtendedProperty(id="SystemTime 0x0E06", value="2026-11-02T08:00:00Z")
    flags = SingleValueLegacyExtendedProperty(id="Integer 0x0E07", value="4")

    async def do(user: "UserItemRequestBuilder") -> None:
        body = ItemBody(content_type=BodyType.Text, content="It is written.")
        inbox = user.mail_folders.by_mail_folder_id("inbox").messages
        mail = Message(subject="Grüße", body=body, single_value_extended_properties=[received, flags])
        made = await inbox.post(mail)
        assert (made.is_draft, made.subject, f"{made.received_date_time:%d %H}") == (False, "Grüße", "02 08")
        assert (await inbox.post(Message(subject="draft"))).is_draft is True
        raw = await user.messages.by_message_id(made.id).content.get()
        assert b"It is written." in raw

    work(server, do)
    assert [item.content.subject for item in alice.items("inbox")] == ["Grüße", "draft"]


def test_an_outcome_that_is_not_known(server: GraphServer, alice: Mailbox) -> None:
    """The SDK repeats a write that was answered by 504, and writes twice: it is what our own client must not do."""
    server.faults.add(Lose(504), method="POST", path="/messages$")

    async def do(user: "UserItemRequestBuilder") -> None:
        await user.messages.post(Message(subject="once"))

    work(server, do)
    assert [item.content.subject for item in alice.items("drafts")] == ["once", "once"]


def test_a_message_written_as_mime(server: GraphServer, alice: Mailbox) -> None:
    """The SDK has no function for it; its HTTP client and its login do."""

    async def do(user: "UserItemRequestBuilder") -> None:
        request = user.messages.to_post_request_information(Message())
        request.headers.clear()
        request.set_stream_content(b64encode(plain(1)), "text/plain")
        made = await user.request_adapter.send_async(request, Message, {"XXX": ODataError})
        assert (made.is_draft, made.internet_message_id) == (True, "<0001@example.test>")

    work(server, do)
    assert [item.flags.draft for item in alice.items("drafts")] == [True]


def test_a_login_that_is_refused(server: GraphServer, alice: Mailbox) -> None:
    server.tenant_data.certificates.clear()

    async def do(user: "UserItemRequestBuilder") -> None:
        with pytest.raises(ClientAuthenticationError, match=r"AADSTS700027.*The key was not found"):
            await user.mail_folders.get()

    work(server, do)


def test_a_permission_that_is_missing(server: GraphServer, alice: Mailbox) -> None:
    server.tenant_data.roles.clear()

    async def do(user: "UserItemRequestBuilder") -> None:
        with pytest.raises(ODataError) as refused:
            await user.mail_folders.get()
        assert (refused.value.response_status_code, refused.value.error.code) == (403, "ErrorAccessDenied")

    work(server, do)
