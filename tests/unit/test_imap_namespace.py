"""Where a server keeps the user's own folders: what stands before all their names is no part of their paths."""

import pytest

from connectors.model import Folder
from fixtures.servers.imap_script import scripted
from fixtures.servers.scripted_imap import Exchange

COURIER = '* NAMESPACE (("INBOX." ".")) NIL (("#shared." ".")("shared." "."))'
CYRUS = '* NAMESPACE (("INBOX/" "/")) (("user/" "/")) (("" "/"))'
DOTTED = tuple(f'* LIST () "." "{name}"' for name in ("INBOX", "INBOX.Sent", "INBOX.Sent.2024", "shared.team"))


def listed(
    rows: tuple[str, ...], *namespaces: str, end: str = "{tag} OK done", capability: str = "IMAP4rev1 NAMESPACE"
) -> list[Folder]:
    asked = [Exchange("NAMESPACE", *namespaces, end)] if namespaces or "NO" in end else []
    with scripted(Exchange("LIST", *rows, "{tag} OK done"), *asked, capability=capability) as (source, _):
        return list(source.folders())


def test_a_prefix_is_left_out_of_paths_and_kept_in_ids() -> None:
    assert {folder.id: folder.path for folder in listed(DOTTED, COURIER)} == {
        "INBOX": ("INBOX",),
        "INBOX.Sent": ("Sent",),
        "INBOX.Sent.2024": ("Sent", "2024"),
        "shared.team": ("shared", "team"),
    }


def test_what_others_share_keeps_its_whole_name() -> None:
    rows = tuple(f'* LIST () "/" "{name}"' for name in ("INBOX", "INBOX/a", "user/bob/a", "team"))
    assert [folder.path for folder in listed(rows, CYRUS)] == [("INBOX",), ("a",), ("team",), ("user", "bob", "a")]


def test_nothing_is_asked_where_nothing_lies_below_inbox() -> None:
    """One command a pass less; and a folder "INBOXes" is not below INBOX."""
    rows = tuple(f'* LIST () "." "{name}"' for name in ("INBOX", "INBOXes", "a"))
    assert [folder.path for folder in listed(rows)] == [("INBOX",), ("INBOXes",), ("a",)]


@pytest.mark.parametrize(
    "answer",
    [
        '* NAMESPACE (("" ".")) NIL NIL',
        '* NAMESPACE (("INBOX." ".")("" ".")) NIL NIL',
        '* NAMESPACE (("INBOX/" ".")) NIL NIL',
        '* NAMESPACE (("#mh/" "/")) NIL NIL',
        '* NAMESPACE (("INBOX" NIL)) NIL NIL',
        "* NAMESPACE NIL NIL NIL",
        "* NAMESPACE",
    ],
    ids=["none", "two", "another separator", "another place", "no levels", "nothing of one's own", "nonsense"],
)
def test_a_level_that_is_the_users_own_stays(answer: str) -> None:
    assert ("INBOX", "Sent") in [folder.path for folder in listed(DOTTED, answer)]


def test_a_server_that_refuses_to_say_or_does_not_know_the_command() -> None:
    for found in (listed(DOTTED, end="{tag} NO not now"), listed(DOTTED, capability="IMAP4rev1")):
        assert ("INBOX", "Sent") in [folder.path for folder in found]


def test_a_prefix_in_any_spelling() -> None:
    rows = ('* LIST () "." inbox', '* LIST () "." Inbox.Sent')
    assert [folder.path for folder in listed(rows, '* namespace (("Inbox." ".")) NIL NIL')] == [("INBOX",), ("Sent",)]


def test_no_two_folders_get_one_path() -> None:
    """Without its prefix a name may be another folder's, or INBOX: it stays whole."""
    names = ("INBOX", "INBOX.Sent", "Sent", "INBOX.INBOX", "INBOX.inbox.a")
    found = listed(tuple(f'* LIST () "." "{name}"' for name in names), COURIER)
    assert {folder.id: folder.path for folder in found} == {
        "INBOX": ("INBOX",),
        "INBOX.Sent": ("INBOX", "Sent"),
        "Sent": ("Sent",),
        "INBOX.INBOX": ("INBOX", "INBOX"),
        "INBOX.inbox.a": ("INBOX", "inbox", "a"),
    }


def test_the_prefix_is_asked_for_once_a_session() -> None:
    listing = Exchange("LIST", *DOTTED, "{tag} OK done")
    once = Exchange("NAMESPACE", COURIER, "{tag} OK done")
    with scripted(listing, once, listing, capability="IMAP4rev1 NAMESPACE") as (source, _):
        assert list(source.folders()) == list(source.folders())
