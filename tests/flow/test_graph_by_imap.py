"""Writing to Microsoft 365 by IMAP: the same mailbox, and the id that Graph has for what was appended there."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from connectors.errors import LoginRefused
from connectors.graph import GraphMailbox, GraphSettings
from connectors.graph.client import Client
from connectors.graph.source import GraphSource
from connectors.graph.writing.byimap import ByImap, message_id
from connectors.graph.writing.sending import Sending, Undecided
from connectors.model import Folder, Message, Ref
from connectors.testing.corpus import plain
from fixtures.copies.originals import KINDS
from fixtures.exchange import Mailbox
from fixtures.graph import GraphServer
from fixtures.graph.imap import HOST, SharedImap
from fixtures.servers.scripted_imap import CUT
from reconcile.verdict import Outcome, compare
from tests.tenancy import alice_fixture, clock_fixture, server_fixture  # noqa: F401 - gives `server` and `alice`

RECEIVED = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
NOWHERE = Ref("", "")


@pytest.fixture
def imap(server: GraphServer, alice: Mailbox) -> Iterator[SharedImap]:
    alice.make_folder("Büro", alice.make_folder("Projects").id)
    with SharedImap(server) as imap:
        yield imap


@pytest.fixture
def settings(server: GraphServer, imap: SharedImap) -> GraphSettings:
    where = server.base_url, server.authority, server.ca_file
    told = GraphSettings(server.tenant, server.client_id, server.certificate_file.read_text, *where)
    return replace(told, imap_host=HOST, imap_port=imap.port)


@pytest.fixture
def open_way(settings: GraphSettings, alice: Mailbox) -> Iterator[Callable[[], ByImap]]:
    opened: list[ByImap] = []

    def open_() -> ByImap:
        opened.append(ByImap.open(Sending(Client(settings, GraphMailbox(alice.address))), settings))
        return opened[-1]

    yield open_
    for way in opened:
        way.close()


def folder(settings: GraphSettings, alice: Mailbox, *path: str) -> Folder:
    source = GraphSource.open(settings, GraphMailbox(alice.address))
    found = next(each for each in source.folders() if each.path == path)
    source.close()
    return found


def message(number: int, *flags: str) -> Message:
    return Message(NOWHERE, (plain(number),), frozenset(flags), RECEIVED)


def test_it_stands_there_with_flags_categories_and_date(
    settings: GraphSettings, alice: Mailbox, open_way: Callable[[], ByImap]
) -> None:
    way = open_way()
    for number, path in enumerate((("INBOX",), ("Projects", "Büro"), ("Sent Items",))):
        place = folder(settings, alice, *path)
        assert way.shows(place)
        ref = way.append(place, message(number, "\\Seen", "\\Flagged", "Red", "\\Answered"), f"op-{number}")
        (item,) = alice.items(place.id)
        assert ref == Ref(place.id, item.immutable_id)
        assert (item.flags.read, item.flags.follow_up, item.flags.categories) == (True, "flagged", ("Red",))
        assert (item.received, item.flags.draft) == (RECEIVED, False)
        assert item.content.message_id == message_id(message(number))


def test_mail_of_every_kind_comes_back_as_the_same_message(
    settings: GraphSettings, alice: Mailbox, open_way: Callable[[], ByImap]
) -> None:
    inbox, way = folder(settings, alice, "INBOX"), open_way()
    assert way.shows(inbox)
    for name, make in KINDS.items():
        raw = make(Random(name))
        ref = way.append(inbox, Message(NOWHERE, (raw,), received_at=RECEIVED), "op")
        assert compare(raw, alice.mime(ref.id)).outcome is Outcome.SAME, name


def test_it_is_told_from_what_comes_at_the_same_time(
    settings: GraphSettings, alice: Mailbox, imap: SharedImap, open_way: Callable[[], ByImap]
) -> None:
    inbox, way = folder(settings, alice, "INBOX"), open_way()
    assert way.shows(inbox)
    for number in range(60):
        alice.deliver("inbox", plain(100 + number))
    account = imap.account(alice.address)
    add = account.add

    def busy(*told: object, **more: object) -> int:
        alice.deliver("inbox", plain(900))
        uid = add(*told, **more)  # type: ignore[arg-type]
        alice.deliver("inbox", plain(901))
        return uid

    account.add = busy  # type: ignore[method-assign]
    ref = way.append(inbox, message(1), "op")
    assert alice.item(ref.id).content.message_id == message_id(message(1))


def test_an_equal_one_at_the_same_time_leaves_it_undecided(
    settings: GraphSettings, alice: Mailbox, imap: SharedImap, open_way: Callable[[], ByImap]
) -> None:
    inbox, way = folder(settings, alice, "INBOX"), open_way()
    assert way.shows(inbox)
    account = imap.account(alice.address)
    add = account.add

    def twice(*told: object, **more: object) -> int:
        alice.deliver("inbox", plain(1))
        return add(*told, **more)  # type: ignore[arg-type]

    account.add = twice  # type: ignore[method-assign]
    with pytest.raises(Undecided, match="may be it") as caught:
        way.append(inbox, message(1), "op")
    assert caught.value.written
    assert len(alice.items(inbox.id)) == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_lost_answer_is_undecided(
    settings: GraphSettings, alice: Mailbox, imap: SharedImap, open_way: Callable[[], ByImap], *, there: bool
) -> None:
    inbox, way = folder(settings, alice, "INBOX"), open_way()
    assert way.shows(inbox)
    if there:
        account = imap.account(alice.address)
        add = account.add

        def lost(*told: object, **more: object) -> int:
            add(*told, **more)  # type: ignore[arg-type]
            raise ConnectionAbortedError

        account.add = lost  # type: ignore[method-assign]
    else:
        imap.trouble(alice.address, "APPEND", CUT)
    with pytest.raises(Undecided):
        way.append(inbox, message(1), "op")
    assert len(alice.items(inbox.id)) == there


def test_a_folder_that_imap_does_not_show(
    settings: GraphSettings, alice: Mailbox, open_way: Callable[[], ByImap]
) -> None:
    way = open_way()
    assert way.shows(folder(settings, alice, "INBOX"))
    for name in ("In/Out", "Hidden"):
        alice.make_folder(name, hidden=name == "Hidden")
        assert not way.shows(folder(settings, alice, name))
    alice.make_folder("Later")
    assert way.shows(folder(settings, alice, "Later"))


def test_a_refused_category_is_no_refused_message(
    server: GraphServer, settings: GraphSettings, alice: Mailbox, open_way: Callable[[], ByImap]
) -> None:
    inbox, way = folder(settings, alice, "INBOX"), open_way()
    assert way.shows(inbox)
    server.tenant_data.roles = {"Mail.Read"}
    with pytest.raises(Undecided):
        way.append(inbox, message(1, "Red"), "op")
    assert len(alice.items(inbox.id)) == 1


def test_who_may_not_log_in_is_told(server: GraphServer, open_way: Callable[[], ByImap]) -> None:
    server.login.lifetime = -1
    with pytest.raises(LoginRefused):
        open_way()


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"Subject: x\r\nMessage-ID:\r\n <a@b>\r\n\r\nMessage-ID: <c@d>\r\n", "<a@b>"),
        (b"Subject: x\r\n\r\nMessage-ID: <c@d>\r\n", ""),
        (b"message-id: nonsense\r\n\r\n", ""),
        (b"X-Message-ID: <x@y>\r\n\r\n", ""),
    ],
)
def test_the_id_that_a_message_has_itself(raw: bytes, found: str) -> None:
    assert message_id(Message(NOWHERE, tuple(raw[at : at + 3] for at in range(0, len(raw), 3)))) == found
