"""Changes of messages by Graph, and what others do to the same message at the same moment."""

from collections.abc import Callable, Iterator

import pytest

from connectors.errors import (
    AppRefused,
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemBusy,
    ItemGone,
    ItemRefused,
    LoginRefused,
    Throttled,
)
from connectors.graph import CONNECTOR, GraphMailbox, GraphSettings
from connectors.graph.folders import ARCHIVE_MAILBOX
from connectors.graph.limiter import Limiters
from connectors.model import Folder, Gone, Message, Ref, Stale, Unknown, Version
from connectors.protocols import Target, Writable
from connectors.testing.corpus import plain
from fixtures.exchange import Clock, Mailbox
from fixtures.exchange.item import Flags
from fixtures.graph import EVER, Act, Answer, Drop, GraphServer, Lose, Response
from fixtures.graph.faults import Fault
from tests.flow.test_graph import ALICE, settings_of

SEEN, FLAGGED = frozenset({"\\Seen"}), frozenset({"\\Flagged"})
NONE: frozenset[str] = frozenset()
Edit = Callable[[Target, Ref, Version | None], object]
EDITS: dict[str, tuple[str, Edit]] = {
    "flags": ("PATCH", lambda target, ref, seen: target.set_flags(ref, SEEN, NONE, seen)),
    "removal": ("DELETE", lambda target, ref, seen: target.remove(ref, seen)),
}
"""Those that are made by a request with a condition."""
by_condition = pytest.mark.parametrize("edit", EDITS)
LOST: dict[str, tuple[Fault, bool]] = {
    "no answer": (Lose(0), True), "504 after it was done": (Lose(504), True), "cut off before": (Drop(), False),
    "504 instead": (Answer(504), False), "500 instead": (Answer(500), False),
}  # fmt: skip
lost = pytest.mark.parametrize("loss", LOST)


@pytest.fixture(name="server")
def server_fixture() -> Iterator[GraphServer]:
    with GraphServer(seed=8, clock=Clock()) as server:
        yield server


@pytest.fixture(name="alice")
def alice_fixture(server: GraphServer) -> Mailbox:
    return server.mailbox(ALICE)


@pytest.fixture(name="target")
def target_fixture(server: GraphServer, alice: Mailbox) -> Iterator[Target]:
    target = opened(server)
    server.log.forget()
    yield target
    target.close()


class Given:
    """Tokens without a login: that is tested elsewhere, and takes longer than all the rest."""

    def __init__(self, server: GraphServer) -> None:
        self._server, self._token = server, server.login.give()

    def token(self) -> str:
        return self._token

    def renew(self, refused: str) -> str:
        self._token = self._server.login.give()
        return self._token


def quick_settings(server: GraphServer) -> GraphSettings:
    """Pauses are of the service's clock."""
    settings = settings_of(server)
    object.__setattr__(settings, "limiters", Limiters(server.clock.now))
    object.__setattr__(settings, "tokens", Given(server))
    return settings


def opened(server: GraphServer) -> Target:
    """As a program opens one."""
    settings = quick_settings(server)
    assert isinstance(CONNECTOR, Writable)
    return CONNECTOR.open_target(settings, GraphMailbox(ALICE))


def place(mailbox: Mailbox, name: str, *path: str) -> Folder:
    return Folder(mailbox.folder(name).id, path or (name,))


def delivered(mailbox: Mailbox, **flags: object) -> Ref:
    item = mailbox.deliver("inbox", plain(1), flags=Flags(**flags))  # type: ignore[arg-type]  # by name
    return Ref(item.folder_id, item.immutable_id)


def version(mailbox: Mailbox, ref: Ref, flags: frozenset[str] = NONE) -> Version:
    return Version(mailbox.item(ref.id).change_key, flags)


def statuses(server: GraphServer, method: str) -> list[int]:
    return [entry.status for entry in server.log.entries(method=method)]


@by_condition
def test_a_change_by_another_at_the_same_moment_is_seen(
    server: GraphServer, alice: Mailbox, target: Target, edit: str
) -> None:
    ref, (method, act) = delivered(alice), EDITS[edit]
    server.faults.add(Act(lambda: alice.set_flags(ref.id, categories=("Red",))), method=method)
    answer = act(target, ref, version(alice, ref))
    assert answer == Stale(version(alice, ref, frozenset({"Red"})))
    assert alice.item(ref.id).flags == Flags(categories=("Red",))
    assert alice.item(ref.id).folder_id == ref.folder
    assert statuses(server, method) == [412]


def test_without_a_condition_both_changes_stand(server: GraphServer, alice: Mailbox, target: Target) -> None:
    ref = delivered(alice, categories=("Blue",))
    server.faults.add(Act(lambda: alice.set_flags(ref.id, categories=("Blue", "Red"))), method="PATCH")
    now = target.set_flags(ref, SEEN | {"Green"}, frozenset({"Blue"}))
    assert now == version(alice, ref, SEEN | {"Red", "Green"})
    assert alice.item(ref.id).flags == Flags(read=True, categories=("Red", "Green"))


@by_condition
def test_where_graph_heeds_no_conditions_only_the_look_does(
    server: GraphServer, alice: Mailbox, target: Target, edit: str
) -> None:
    """What happens between them is then not seen: the target does not claim that it is."""
    server.quirks.conditions = "none"
    assert not target.capabilities.atomic
    ref, (method, act) = delivered(alice), EDITS[edit]
    before = version(alice, ref)
    server.faults.add(Act(lambda: alice.set_flags(ref.id, follow_up="flagged")), method=method)
    assert act(target, ref, before) == (Gone(ref) if edit == "removal" else version(alice, ref, SEEN | FLAGGED))
    if edit == "flags":
        assert act(target, ref, before) == Stale(version(alice, ref, SEEN | FLAGGED))


def test_by_flags_a_change_of_something_else_is_none(server: GraphServer, alice: Mailbox, target: Target) -> None:
    ref = delivered(alice)
    server.faults.add(Act(lambda: alice.touch(ref.id)), method="PATCH")
    assert target.set_flags(ref, SEEN, NONE, Version("", NONE)) == version(alice, ref, SEEN)


@by_condition
def test_a_message_that_is_never_left_alone_is_left_for_later(
    server: GraphServer, alice: Mailbox, target: Target, edit: str
) -> None:
    ref, (method, act) = delivered(alice), EDITS[edit]
    server.faults.add(Act(lambda: alice.touch(ref.id)), method=method, times=EVER)
    with pytest.raises(ItemBusy, match="others"):
        act(target, ref, None)
    assert statuses(server, method) == [412] * 4
    assert alice.item(ref.id).folder_id == ref.folder


@by_condition
@pytest.mark.parametrize("how", ["moved", "deleted", "purged"])
def test_a_message_that_leaves_at_the_same_moment_is_gone(
    server: GraphServer, alice: Mailbox, target: Target, edit: str, how: str
) -> None:
    ref, (method, act) = delivered(alice), EDITS[edit]
    leave: dict[str, Callable[[], object]] = {
        "moved": lambda: alice.move(ref.id, "archive"),
        "deleted": lambda: alice.delete(ref.id),
        "purged": lambda: alice.delete(ref.id, hard=True),
    }
    server.faults.add(Act(leave[how]), method=method)
    with pytest.raises(ItemGone):
        act(target, ref, None)
    assert [item.flags.read for item in alice.items()] == ([] if how == "purged" else [False])
    with pytest.raises(ItemGone):
        target.move(ref, place(alice, "archive"))


def test_only_what_changes_is_written(server: GraphServer, alice: Mailbox, target: Target) -> None:
    ref = delivered(alice, read=True, follow_up="complete", categories=("a;b", "Red"))
    now = version(alice, ref, SEEN | {"a;b", "Red"})
    assert target.set_flags(ref, SEEN | {"Red", "\\Answered"}, FLAGGED | {"Green"}) == now
    assert statuses(server, "PATCH") == []
    assert isinstance(target.set_flags(ref, frozenset({"Green", "%5COdd"}), frozenset({"Red"})), Version)
    left = Flags(read=True, follow_up="complete", categories=("a;b", "Green", "\\Odd"))
    assert alice.item(ref.id).flags == left
    target.set_flags(ref, FLAGGED, frozenset({"a;b", "\\Seen"}))
    assert alice.item(ref.id).flags == Flags(follow_up="flagged", categories=("Green", "\\Odd"))
    assert target.keeps(place(alice, "inbox"), frozenset({"\\Seen", "\\Answered", "\\Draft", "Red", "a;b"})) == {
        "\\Seen", "Red"
    }  # fmt: skip


def test_an_answer_that_does_not_say_what_has_become_of_it(server: GraphServer, alice: Mailbox, target: Target) -> None:
    """Then it is looked at: here, that nothing has."""
    ref = delivered(alice)
    for odd in (Response(204), Response(200, {"id": ref.id})):
        server.faults.add(Answer(response=odd), method="PATCH")
        assert target.set_flags(ref, SEEN, NONE) == version(alice, ref)


def test_what_is_removed_can_be_recovered_by_its_user(alice: Mailbox, target: Target) -> None:
    ref = delivered(alice)
    assert target.remove(ref, version(alice, ref)) == Gone(ref)
    assert alice.item(ref.id).folder_id == alice.folder("recoverableitemsdeletions").id
    with pytest.raises(ItemGone):
        target.remove(ref)


def test_a_move_keeps_the_id_and_asks_no_more_than_it_must(server: GraphServer, alice: Mailbox, target: Target) -> None:
    ref, archive = delivered(alice), place(alice, "archive")
    assert target.move(ref, place(alice, "inbox")) == ref
    assert statuses(server, "POST") == []
    assert target.move(ref, archive) == Ref(archive.id, ref.id)
    assert [entry.method for entry in server.log.entries()] == ["GET", "GET", "POST"]


def test_a_move_does_not_see_that_its_user_moved_the_message_meanwhile(
    server: GraphServer, alice: Mailbox, target: Target
) -> None:
    ref, archive = delivered(alice), place(alice, "archive")
    server.faults.add(Act(lambda: alice.move(ref.id, "sentitems")), method="POST")
    assert target.move(ref, archive, version(alice, ref)) == Ref(archive.id, ref.id)
    assert [item.folder_id for item in alice.items()] == [archive.id]


@pytest.mark.parametrize("gone", ["message", "folder"])
def test_a_move_says_what_of_both_is_gone(server: GraphServer, alice: Mailbox, target: Target, gone: str) -> None:
    ref, there = delivered(alice), Folder(alice.make_folder("there").id, ("there",))
    delete = (lambda: alice.delete(ref.id, hard=True)) if gone == "message" else lambda: alice.delete_folder("there")
    server.faults.add(Act(delete), method="POST")
    with pytest.raises(ItemGone if gone == "message" else FolderGone):
        target.move(ref, there)
    assert len(alice.items("inbox")) == (gone == "folder")


@lost
def test_a_lost_move_is_unknown_and_the_message_in_one_place(
    server: GraphServer, alice: Mailbox, target: Target, loss: str
) -> None:
    ref, archive, (fault, happened) = delivered(alice), place(alice, "archive"), LOST[loss]
    mark = target.mark(archive)
    server.faults.add(fault, method="POST", path="/move$")
    answer = target.move(ref, archive)
    assert isinstance(answer, Unknown)
    assert not answer.written
    assert [item.folder_id for item in alice.items()] == [archive.id if happened else ref.folder]
    with pytest.raises(Disconnected):
        target.remove(ref)
    assert isinstance(target.move(ref, archive), Unknown)
    again = opened(server)
    found = again.find(archive, mark, lambda _: True)
    assert found == ([Ref(archive.id, ref.id)] if happened else [])
    again.close()


@lost
@by_condition
def test_a_lost_change_may_be_made_again(server: GraphServer, alice: Mailbox, edit: str, loss: str) -> None:
    ref, (method, act), (fault, happened), target = delivered(alice), EDITS[edit], LOST[loss], opened(server)
    server.faults.add(fault, method=method, path=ref.id)
    with pytest.raises(Disconnected) as caught:
        act(target, ref, None)
    assert "whether it was written is not known" in str(caught.value)
    again = opened(server)
    if edit == "removal" and happened:
        with pytest.raises(ItemGone):
            act(again, ref, None)
    else:
        act(again, ref, None)
    left = {item.immutable_id: item.flags.read for item in alice.items("inbox")}
    assert left == ({} if edit == "removal" else {ref.id: True})
    again.close()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_pause_is_passed_on_and_the_session_goes_on(
    server: GraphServer, alice: Mailbox, target: Target, method: str
) -> None:
    ref = delivered(alice)
    server.faults.add(Answer(429, retry_after=30), method=method)
    with pytest.raises(Throttled) as caught:
        target.set_flags(ref, SEEN, NONE)
    assert caught.value.retry_after == 30
    with pytest.raises(Throttled):
        target.set_flags(ref, SEEN, NONE)
    assert not alice.item(ref.id).flags.read
    server.clock.advance(31)
    assert isinstance(target.set_flags(ref, SEEN, NONE), Version)
    assert server.log.early() == []


def test_a_right_that_is_taken_away(server: GraphServer, alice: Mailbox, target: Target) -> None:
    ref = delivered(alice)
    server.tenant_data.roles = {"Mail.Read"}
    for write in (
        lambda: target.set_flags(ref, SEEN, NONE), lambda: target.remove(ref),
        lambda: target.move(ref, place(alice, "archive")), lambda: target.ensure_folder(("new",)),
    ):  # fmt: skip
        with pytest.raises(LoginRefused) as caught:
            write()
        assert "Mail.ReadWrite" in caught.value.advice
    assert [item.flags for item in alice.items("inbox")] == [Flags()]
    with pytest.raises(LoginRefused) as refused:
        opened(server)
    assert not isinstance(refused.value, AppRefused)
    assert "Mail.ReadWrite" in refused.value.advice


def test_a_folder_that_is_refused_is_only_that(alice: Mailbox, target: Target) -> None:
    ref, archive = delivered(alice), place(alice, "archive")
    alice.lock_folder("archive")
    with pytest.raises(FolderRefused):
        target.move(ref, archive)
    inside = alice.deliver("archive", plain(2))
    for write in (lambda ref: target.set_flags(ref, SEEN, NONE), target.remove):
        with pytest.raises(FolderRefused):
            write(Ref(archive.id, inside.immutable_id))
    assert isinstance(target.set_flags(ref, SEEN, NONE), Version)


def test_what_is_no_message_and_no_folder_for_mail(alice: Mailbox, target: Target) -> None:
    ref = delivered(alice)
    with pytest.raises(ItemRefused):
        target.remove(Ref(ref.folder, "none"))
    for act in (
        lambda: target.append(ARCHIVE_MAILBOX, Message(ref, (plain(2),)), "op"), lambda: target.mark(ARCHIVE_MAILBOX),
        lambda: target.move(ref, ARCHIVE_MAILBOX),
    ):  # fmt: skip
        with pytest.raises(FolderRefused, match="not for mail"):
            act()
    quota = target.quota()
    assert (quota.told, quota.largest) == (False, 150_000_000)
