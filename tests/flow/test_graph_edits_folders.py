"""Folders made and renamed by Graph: names that are taken, meanwhile or in secret, and what is cut off half way."""

from collections.abc import Callable

import pytest

from connectors.errors import Disconnected, FolderGone, FolderRefused, LoginRefused, QuotaExceeded, Throttled
from connectors.graph import GraphMailbox
from connectors.graph.client import Client
from connectors.graph.folders import STAGING
from connectors.graph.source import GraphSource
from connectors.model import Folder, Role
from connectors.protocols import Target
from fixtures.exchange import Mailbox
from fixtures.graph import EVER, Act, Answer, Drop, GraphServer, Lose, Response
from tests.flow.test_graph import ALICE
from tests.flow.test_graph_edits import alice_fixture, opened, quick_settings, server_fixture, target_fixture  # noqa: F401

Path = tuple[str, ...]
DEEP = tuple(f"level {number}" for number in range(30))


def paths(server: GraphServer) -> dict[Path, Folder]:
    """As the Source lists them."""
    source = GraphSource(Client(quick_settings(server), GraphMailbox(ALICE)))
    found = {folder.path: folder for folder in source.folders()}
    source.close()
    return found


def asked(server: GraphServer) -> list[str]:
    """Requests about the mailbox, but for those in batches."""
    return [entry.method for entry in server.log.entries(path="/users/") if not entry.inner]


def test_a_deep_tree_is_made_with_a_request_for_each_level(server: GraphServer, target: Target) -> None:
    made = target.ensure_folder(DEEP)
    assert asked(server) == ["GET", *["POST"] * len(DEEP)]
    assert paths(server)[DEEP] == made
    server.log.forget()
    assert target.ensure_folder(DEEP) == made
    assert asked(server) == ["GET"] * len(DEEP)
    assert target.ensure_folder((*DEEP[:10], "beside")).path == (*DEEP[:10], "beside")


def test_the_inbox_has_its_own_name_in_every_language(server: GraphServer, alice: Mailbox, target: Target) -> None:
    alice.rename_folder("inbox", "Posteingang")
    inbox = target.ensure_folder(("INBOX",))
    assert (inbox.id, inbox.role) == (alice.folder("inbox").id, Role.INBOX)
    below = target.ensure_folder(("INBOX", "Projekte"))
    assert alice.folder("Posteingang/Projekte").id == below.id
    for name in ("inbox", "Inbox", "Posteingang", "posteingang"):
        with pytest.raises(FolderRefused):
            target.ensure_folder((name,))
    assert target.ensure_folder(("Sent Items",), Role.SENT).role is Role.SENT
    assert target.ensure_folder(("Sent",), Role.SENT).role is Role.NONE
    assert paths(server)["Sent",].role is Role.NONE


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a\tb", "\ud800", "x" * 256, STAGING, "Recoverable Items"])
def test_a_name_that_exchange_would_not_keep_is_refused(server: GraphServer, target: Target, name: str) -> None:
    before = paths(server).keys()
    server.quirks.trims = True
    for path in ((name,), ("new", name)):
        if path[0] != "new" or name not in (STAGING, "Recoverable Items"):
            with pytest.raises(FolderRefused):
                target.ensure_folder(path)
    assert paths(server).keys() == before


def test_no_path_at_all(target: Target) -> None:
    with pytest.raises(FolderRefused):
        target.ensure_folder(())


def test_a_name_that_is_taken_meanwhile(server: GraphServer, alice: Mailbox, target: Target) -> None:
    """409 says that there is one, and a look says which."""
    server.faults.add(Act(lambda: alice.make_folder("Plans")), method="POST", path="/childFolders")
    assert target.ensure_folder(("Plans",)).id == alice.folder("Plans").id
    server.faults.add(Act(lambda: alice.make_folder("North", "Plans")), method="POST", path="/childFolders")
    assert target.ensure_folder(("Plans", "North", "East")).id == alice.folder("Plans/North/East").id
    server.faults.add(Act(lambda: alice.make_folder("DEALS")), method="POST", path="/childFolders")
    with pytest.raises(FolderRefused, match="ErrorFolderExists"):
        target.ensure_folder(("Deals",))


def test_names_that_differ_in_case_only_are_one(alice: Mailbox, target: Target) -> None:
    alice.make_folder("Plans")
    with pytest.raises(FolderRefused, match="ErrorFolderExists"):
        target.ensure_folder(("plans",))
    assert target.ensure_folder(("Plans",)).id == alice.folder("Plans").id


def test_names_that_are_taken_by_what_nobody_sees(server: GraphServer, alice: Mailbox, target: Target) -> None:
    hidden = alice.make_folder("Secrets", hidden=True)
    alice.make_folder("Unread mail", search=True)
    alice.make_folder("Birthdays", kind="IPF.Appointment")
    for name in ("secrets", "Unread mail", "Birthdays"):
        with pytest.raises(FolderRefused):
            target.ensure_folder((name,))
    assert target.ensure_folder(("Secrets",)).id == hidden.id
    assert ("Secrets",) in paths(server)


def test_what_is_above_is_deleted_meanwhile(server: GraphServer, alice: Mailbox, target: Target) -> None:
    old = target.ensure_folder(("Plans",)).id
    server.faults.add(Act(lambda: alice.delete_folder("Plans")), method="POST", path="/childFolders")
    made = target.ensure_folder(("Plans", "North"))
    assert alice.folder("Plans/North").id == made.id
    assert alice.folder("Plans").id != old


def test_what_is_above_is_deleted_each_time(server: GraphServer, alice: Mailbox, target: Target) -> None:
    delete = Act(lambda: alice.delete_folder("Plans"))
    server.faults.add(delete, method="POST", path="/mailFolders/AAMk[^/]*/childFolders$", times=EVER)
    with pytest.raises(FolderRefused, match="all the time"):
        target.ensure_folder(("Plans", "North"))
    assert not {("Plans",), ("Plans", "North")} & paths(server).keys()


def test_another_name_than_the_one_asked_for_does_not_stay(server: GraphServer, alice: Mailbox, target: Target) -> None:
    odd = alice.make_folder("Odd").id
    given = Answer(response=Response(201, {"id": odd, "displayName": "Odd"}))
    server.faults.add(given, method="POST", path="/childFolders")
    with pytest.raises(FolderRefused, match="another name"):
        target.ensure_folder(("Even",))
    assert not {("Odd",), ("Even",)} & paths(server).keys()


def test_a_full_mailbox_and_one_that_is_closed(server: GraphServer, alice: Mailbox, target: Target) -> None:
    alice.full = True
    with pytest.raises(QuotaExceeded):
        target.ensure_folder(("new",))
    server.tenant_data.deny(ALICE)
    with pytest.raises(LoginRefused):
        target.ensure_folder(("new",))


@pytest.mark.parametrize("fault", [Lose(0), Lose(504), Drop(), Answer(504)], ids=str)
def test_a_lost_answer_is_made_good_by_asking_again(
    server: GraphServer, alice: Mailbox, target: Target, fault: Lose | Drop | Answer
) -> None:
    server.faults.add(fault, method="POST", path="/childFolders")
    with pytest.raises(Disconnected):
        target.ensure_folder(("a", "b"))
    again = opened(server)
    assert again.ensure_folder(("a", "b")).id == alice.folder("a/b").id
    again.close()


@pytest.mark.parametrize(("path", "steps"), [
    (("projects",), ["PATCH"]), (("Plans",), ["PATCH"]), (("INBOX", "Projects"), ["POST"]),
    (("INBOX", "Plans"), ["PATCH", "POST"]), (("Taken", "Ideas"), ["POST", "PATCH"]),
    (("Taken", "Deals"), ["PATCH", "POST", "PATCH"]), (("Projects",), []),
])  # fmt: skip
def test_a_folder_is_renamed_in_as_few_steps_as_can_be(
    server: GraphServer, alice: Mailbox, target: Target, path: Path, steps: list[str]
) -> None:
    """Another folder of the old name may be where it goes, and one of the new name where it stands."""
    old = target.ensure_folder(("Projects",))
    for taken in (("Ideas",), ("Deals",), ("Taken",)):
        target.ensure_folder(taken)
    if path == ("Taken", "Deals"):
        target.ensure_folder(("Taken", "projects"))
    server.log.forget()
    renamed = target.rename_folder(old, path)
    assert [method for method in asked(server) if method != "GET"] == steps
    assert (renamed.id, renamed.path) == (old.id, path)
    assert paths(server)[path] == renamed


def test_a_rename_that_is_refused_half_way_is_undone(server: GraphServer, alice: Mailbox, target: Target) -> None:
    old = target.ensure_folder(("Projects",))
    server.faults.add(Answer(400, "ErrorMoveCopyFailed", "The move or copy operation failed."), path="/move$")
    with pytest.raises(FolderRefused, match="ErrorMoveCopyFailed"):
        target.rename_folder(old, ("INBOX", "Plans"))
    assert alice.folder("Projects").id == old.id
    for refusal, path in (("ErrorMoveCopyFailed", "/move$"), ("ErrorInvalidRequest", f"{old.id[:20]}[^/]*$")):
        server.faults.add(Answer(400, refusal, "No."), path=path, method="POST" if "move" in path else "PATCH",
                          after=0 if "move" in path else 1)  # fmt: skip
    with pytest.raises(FolderRefused, match="could not be put back"):
        target.rename_folder(old, ("INBOX", "Plans"))
    assert alice.folder("Plans").id == old.id


def test_a_rename_to_a_name_that_graph_changes_is_undone(server: GraphServer, alice: Mailbox, target: Target) -> None:
    old = target.ensure_folder(("Projects",))
    odd = Response(200, {"id": old.id, "displayName": "Odd"})
    server.faults.add(Answer(response=odd), method="PATCH")
    with pytest.raises(FolderRefused, match="another name"):
        target.rename_folder(old, ("Even",))
    assert alice.folder("Projects").id == old.id


@pytest.mark.parametrize("fault", [Lose(0), Drop()], ids=str)
@pytest.mark.parametrize("step", ["PATCH", "POST"])
def test_a_rename_that_is_cut_off_half_way_goes_on(
    server: GraphServer, alice: Mailbox, target: Target, step: str, fault: Lose | Drop
) -> None:
    old = target.ensure_folder(("Projects",))
    server.faults.add(fault, method=step, path="/move$" if step == "POST" else "")
    with pytest.raises(Disconnected):
        target.rename_folder(old, ("INBOX", "Plans"))
    again = opened(server)
    assert again.rename_folder(old, ("INBOX", "Plans")).id == old.id
    assert alice.folder("Inbox/Plans").id == old.id
    again.close()


def test_what_cannot_be_renamed(server: GraphServer, alice: Mailbox, target: Target) -> None:
    old = target.ensure_folder(("Projects",))
    below = target.ensure_folder(("Projects", "North"))
    sent = target.ensure_folder(("Sent Items",))
    before = paths(server).keys()
    acts: list[Callable[[], object]] = [
        lambda: target.rename_folder(target.ensure_folder(("INBOX",)), ("elsewhere",)),
        lambda: target.rename_folder(old, ("Projects", "x", "Projects")),
        lambda: target.rename_folder(old, ("Projects", "North", "Projects")),
        lambda: target.rename_folder(old, ("Sent Items",)), lambda: target.rename_folder(old, ("sent items",)),
        lambda: target.rename_folder(old, ()), lambda: target.rename_folder(old, ("a ",)),
        lambda: target.rename_folder(sent, ("INBOX", "Gone out")),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(FolderRefused):
            act()
    assert paths(server).keys() == before
    alice.delete_folder("Projects")
    for gone in (old, below):
        with pytest.raises(FolderGone):
            target.rename_folder(gone, ("elsewhere",))


def test_of_two_pauses_in_one_answer_the_longer_one_is_kept(
    server: GraphServer, alice: Mailbox, target: Target
) -> None:
    server.faults.add(Answer(503, retry_after=2), path="sentitems")
    server.faults.add(Answer(429, retry_after=9), path="junkemail")
    with pytest.raises(Throttled) as caught:
        target.ensure_folder(("new",))
    assert caught.value.retry_after == 9
    server.clock.advance(10)
    target.ensure_folder(("new",))
    assert server.log.early() == []
