"""Changes on the wire: conditions, expunges of one message alone, moves without MOVE, folders with roles."""

import pytest

from connectors.errors import (
    Disconnected,
    FolderGone,
    FolderRefused,
    ItemGone,
    ItemRefused,
    QuotaExceeded,
    Renumbered,
    ServerBusy,
)
from connectors.model import Folder, Gone, Quota, Ref, Role, Stale, Unknown, Version
from fixtures.servers.scripted_imap import CUT, Answer, Exchange
from fixtures.servers.target_script import PLAIN, selected, writing

FULL = "IMAP4rev1 UIDPLUS MOVE CONDSTORE"
REF = Ref("INBOX", "7:2")
AWAY = Folder("Away", ("Away",))
SEEN, FLAGGED, NONE = frozenset({"\\Seen"}), frozenset({"\\Flagged"}), frozenset[str]()
STORED = "* 2 FETCH (MODSEQ (60))"
ALL = "* OK [PERMANENTFLAGS (\\Seen \\Flagged \\Deleted \\*)] all"


def row(flags: str, modseq: int = 0, uid: int = 2) -> str:
    last = f" MODSEQ ({modseq})" if modseq else ""
    return f"* {uid} FETCH (UID {uid} FLAGS ({flags}){last})"


def looked(*lines: Answer) -> Exchange:
    return Exchange(r"UID FETCH 2 \(UID FLAGS", *lines, "{tag} OK done")


def test_a_condition_goes_to_the_server_with_what_was_just_read() -> None:
    script = (
        selected(ALL),
        looked(row("\\Seen", 50)),
        Exchange(
            r"UID STORE 2 \(UNCHANGEDSINCE 50\) \+FLAGS.SILENT \(\\Flagged\)",
            "* 2 FETCH (MODSEQ (60))",
            "{tag} OK done",
        ),
        looked(row("\\Seen \\Flagged", 60)),
    )
    with writing(*script, capability=FULL) as (target, _):
        assert target.set_flags(REF, FLAGGED, NONE, Version("50", SEEN)) == Version("60", SEEN | FLAGGED)


def test_adding_and_removing_under_a_condition_is_one_store() -> None:
    script = (
        selected(ALL),
        looked(row("\\Seen mine", 50)),
        Exchange(r"UID STORE 2 \(UNCHANGEDSINCE 50\) FLAGS.SILENT \(\\Flagged mine\)", "{tag} OK done"),
        looked(row("\\Flagged mine", 60)),
    )
    with writing(*script, capability=FULL) as (target, _):
        assert target.set_flags(REF, FLAGGED, SEEN, Version("50", SEEN | {"mine"})) == Version("60", FLAGGED | {"mine"})


def test_a_keyword_beyond_ascii_that_the_server_gave_goes_back_to_it() -> None:
    script = (
        selected(ALL),
        looked(row("gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n")),
        Exchange(r"UID STORE 2 -FLAGS.SILENT \(gr.{1,2}n\)", "{tag} OK done"),
        looked(row("")),
    )
    with writing(*script) as (target, _):
        assert target.set_flags(REF, NONE, frozenset({"gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"})) == Version(
            "", NONE
        )


@pytest.mark.parametrize("said", ["OK [MODIFIED 2] one failed", "NO [MODIFIED 2] failed"])
def test_what_the_server_finds_modified_is_stale(said: str) -> None:
    script = (
        selected(ALL),
        looked(row("", 50)),
        Exchange(r"UID STORE 2 \(UNCHANGEDSINCE 50\)", "{tag} " + said),
        looked(row("\\Seen", 55)),
    )
    with writing(*script, capability=FULL) as (target, _):
        assert target.set_flags(REF, FLAGGED, NONE, Version("50", NONE)) == Stale(Version("55", SEEN))


def test_what_was_changed_before_is_stale_and_nothing_is_sent() -> None:
    with writing(selected(ALL), looked(row("\\Seen", 55)), capability=FULL) as (target, commands):
        assert target.set_flags(REF, FLAGGED, NONE, Version("50", NONE)) == Stale(Version("55", SEEN))
    assert not any(command.startswith("UID STORE") for command in commands)


def test_without_condstore_flags_are_compared_first() -> None:
    script = (
        selected(ALL),
        looked(row("\\Seen")),
        Exchange(r"UID STORE 2 \+FLAGS.SILENT \(\\Flagged\)", "{tag} OK done"),
        looked(row("\\Seen \\Flagged")),
        Exchange(r"UID STORE 2 -FLAGS.SILENT \(\\Seen\)", "{tag} OK done"),
        looked(row("\\Flagged")),
        looked(row("\\Flagged")),
    )
    with writing(*script, capability=PLAIN) as (target, _):
        assert target.capabilities.atomic is False
        assert target.set_flags(REF, FLAGGED, SEEN, Version("", SEEN)) == Version("", FLAGGED)
        assert target.set_flags(REF, SEEN, NONE, Version("", SEEN)) == Stale(Version("", FLAGGED))


def test_rows_of_others_and_rows_without_a_uid_say_nothing_of_this_message() -> None:
    script = (
        selected(ALL),
        looked("* 9 FETCH (UID 9 FLAGS (\\Deleted))", "* 2 FETCH (FLAGS (\\Deleted))", row("\\Seen"), "* 3 EXPUNGE"),
    )
    with writing(*script, capability=PLAIN) as (target, _):
        assert target.set_flags(REF, SEEN, NONE) == Version("", SEEN)


def test_what_came_since_the_folder_was_opened_is_shown_after_a_noop() -> None:
    with writing(selected(ALL), looked(), looked(row("\\Seen")), capability=PLAIN) as (target, commands):
        assert target.set_flags(REF, SEEN, NONE) == Version("", SEEN)
    assert commands[-3:-1] == ["NOOP", "UID FETCH 2 (UID FLAGS)"]


def test_flags_that_the_server_refuses_are_said() -> None:
    script = (
        selected(ALL),
        looked(row("")),
        Exchange("UID STORE 2", "{tag} NO [LIMIT] too many keywords"),
        looked(row("")),
        Exchange("STATUS", '* STATUS "INBOX" (MESSAGES 1)', "{tag} OK done"),
    )
    with writing(*script, capability=PLAIN) as (target, _), pytest.raises(ItemRefused, match="too many keywords"):
        target.set_flags(REF, frozenset({"one-more"}), NONE)


def test_a_ref_of_another_numbering_is_not_used() -> None:
    with writing(selected(ALL), capability=PLAIN) as (target, _), pytest.raises(Renumbered, match="was 6, is 7"):
        target.remove(Ref("INBOX", "6:2"))


def test_without_uidplus_nothing_is_removed() -> None:
    """EXPUNGE would take with it whatever else is marked as deleted."""
    with writing(capability="IMAP4rev1") as (target, _), pytest.raises(ItemRefused, match="UIDPLUS"):
        target.remove(REF)


def test_imap4rev2_has_it_without_saying_so() -> None:
    script = (
        selected(ALL),
        looked(row("")),
        Exchange(r"UID STORE 2 \+FLAGS.SILENT \(\\Deleted\)", "{tag} OK done"),
        looked(row("\\Deleted")),
        Exchange("UID EXPUNGE 2", "* 2 EXPUNGE", "{tag} OK done"),
        looked(),
    )
    with writing(*script, capability="IMAP4rev1 IMAP4rev2") as (target, _):
        assert target.remove(REF) == Gone(REF)


def test_a_removal_that_was_cut_in_the_middle_can_be_repeated() -> None:
    """It is marked as deleted by the first try, and nothing else happened to it."""
    script = (
        selected(ALL),
        looked(row("\\Seen", 50)),
        Exchange(r"UID STORE 2 \(UNCHANGEDSINCE 50\)", "{tag} OK done"),
        looked(row("\\Seen \\Deleted", 51)),
        Exchange("UID EXPUNGE 2", CUT),
    )
    seen = Version("50", SEEN)
    with writing(*script, capability=FULL) as (target, _), pytest.raises(Disconnected):
        target.remove(REF, seen)
    again = (
        selected(ALL),
        looked(row("\\Seen \\Deleted", 51)),
        Exchange("UID EXPUNGE 2", "{tag} OK done"),
        looked(),
    )
    with writing(*again, capability=FULL) as (target, _):
        assert target.remove(REF, seen) == Gone(REF)


def test_a_message_that_the_server_keeps_is_no_removed_one() -> None:
    script = (
        selected(ALL),
        looked(row("\\Deleted")),
        Exchange("UID EXPUNGE 2", "{tag} OK but no"),
        looked(row("\\Deleted")),
    )
    with writing(*script, capability=PLAIN) as (target, _), pytest.raises(ItemRefused, match="keeps it"):
        target.remove(REF)


def test_a_removal_that_is_refused_leaves_no_mark() -> None:
    script = (
        selected(ALL),
        looked(row("")),
        Exchange(r"UID STORE 2 \+FLAGS.SILENT \(\\Deleted\)", "{tag} OK done"),
        looked(row("\\Deleted")),
        Exchange("UID EXPUNGE 2", "{tag} NO [NOPERM] not you"),
        Exchange(r"UID STORE 2 -FLAGS.SILENT \(\\Deleted\)", "{tag} OK done"),
        looked(row("")),
    )
    with writing(*script, capability=PLAIN) as (target, _), pytest.raises(FolderRefused, match="not you"):
        target.remove(REF)


def test_a_copy_whose_original_stays_is_no_failure_but_unknown() -> None:
    script = (
        selected(ALL),
        looked(row("")),
        Exchange('UID COPY 2 "Away"', "{tag} OK [COPYUID 9 2 31] done"),
        Exchange("UID STORE 2", "{tag} OK done"),
        looked(row("\\Deleted")),
        Exchange("UID EXPUNGE 2", "{tag} NO [NOPERM] not you"),
    )
    with writing(*script, capability=PLAIN) as (target, _):
        answer = target.move(REF, AWAY)
    assert isinstance(answer, Unknown)
    assert isinstance(answer.error, FolderRefused)


@pytest.mark.parametrize(
    "lines",
    [
        ("* OK [COPYUID 9 2 31] moved", "* 2 EXPUNGE", "{tag} OK done"),
        ("* 2 EXPUNGE", "{tag} OK [COPYUID 9 2 31] done"),
    ],
)
def test_a_move_says_where_it_went(lines: tuple[str, ...]) -> None:
    with writing(selected(ALL), looked(row("")), Exchange('UID MOVE 2 "Away"', *lines), capability=FULL) as (target, _):
        assert target.move(REF, AWAY) == Ref("Away", "9:31")


def test_without_move_it_is_copied_and_then_expunged_alone() -> None:
    script = (
        selected(ALL),
        looked(row("\\Seen")),
        Exchange('UID COPY 2 "Away"', "{tag} OK [COPYUID 9 2 31] done"),
        Exchange(r"UID STORE 2 \+FLAGS.SILENT \(\\Deleted\)", "{tag} OK done"),
        looked(row("\\Seen \\Deleted")),
        Exchange("UID EXPUNGE 2", "* 2 EXPUNGE", "{tag} OK done"),
        looked(),
    )
    with writing(*script, capability=PLAIN) as (target, _):
        assert target.move(REF, AWAY) == Ref("Away", "9:31")


def test_without_either_nothing_is_copied() -> None:
    with (
        writing(selected(ALL), looked(row("")), capability="IMAP4rev1") as (target, commands),
        pytest.raises(ItemRefused, match="UIDPLUS"),
    ):
        target.move(REF, AWAY)
    assert not any("COPY" in command for command in commands)


@pytest.mark.parametrize("where", ["MOVE", "COPY", "STORE", "EXPUNGE"])
def test_a_move_that_was_cut_is_unknown(where: str) -> None:
    steps = [
        Exchange('UID COPY 2 "Away"', "{tag} OK [COPYUID 9 2 31] done"),
        Exchange("UID STORE 2", "{tag} OK done"),
        looked(row("\\Deleted")),
        Exchange("UID EXPUNGE 2", "{tag} OK done"),
    ]
    if where == "MOVE":
        steps = [Exchange("UID MOVE 2", CUT)]
    else:
        at = [step.command.split(" ")[1] for step in steps].index(where)
        steps = [*steps[:at], Exchange(steps[at].command, CUT)]
    with writing(selected(ALL), looked(row("")), *steps, capability=FULL if where == "MOVE" else PLAIN) as (target, _):
        answer = target.move(REF, AWAY)
        assert isinstance(answer, Unknown)
        assert isinstance(answer.error, Disconnected)


def test_a_move_that_does_not_say_where_is_unknown() -> None:
    with writing(selected(ALL), looked(row("")), Exchange("UID MOVE 2", "{tag} OK done"), capability=FULL) as (
        target,
        _,
    ):
        assert isinstance(target.move(REF, AWAY), Unknown)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("NO [TRYCREATE] no such folder", FolderGone),
        ("NO [OVERQUOTA] full", QuotaExceeded),
        ("NO [NOPERM] not there", FolderRefused),
        ("NO [UNAVAILABLE] later", ServerBusy),
        ("NO [EXPUNGEISSUED] gone", ItemGone),
    ],
)
def test_a_refused_move_leaves_the_message(said: str, kind: type[Exception]) -> None:
    with (
        writing(selected(ALL), looked(row("")), Exchange("UID MOVE 2", "{tag} " + said), capability=FULL) as (
            target,
            _,
        ),
        pytest.raises(kind),
    ):
        target.move(REF, AWAY)


def listed(name: str, *lines: str) -> Exchange:
    return Exchange(f'LIST "" "{name}"', *lines, "{tag} OK done")


SEPARATOR = Exchange('LIST "" ""', '* LIST (\\Noselect) "/" ""', "{tag} OK done")
NAMESPACE = Exchange("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL NIL', "{tag} OK done")


def test_a_role_is_asked_for_and_a_folder_made_without_if_it_is_refused() -> None:
    offered = "IMAP4rev1 CREATE-SPECIAL-USE"
    script = (
        SEPARATOR,
        listed("Old"),
        Exchange(r'CREATE "Old" \(USE \(\\Archive\)\)', "{tag} NO [USEATTR] not here"),
        Exchange('CREATE "Old"', "{tag} OK done"),
        listed("Old", '* LIST () "/" Old'),
        Exchange('SUBSCRIBE "Old"', "{tag} OK done"),
    )
    with writing(*script, capability=offered) as (target, _):
        assert target.ensure_folder(("Old",), Role.ARCHIVE) == Folder("Old", ("Old",))


def test_folders_are_made_where_the_server_has_the_users_own() -> None:
    script = (
        Exchange('LIST "" ""', '* LIST (\\Noselect) "." ""', "{tag} OK done"),
        NAMESPACE,
        listed("INBOX.a.b"),
        listed("INBOX.a", '* LIST (\\Noselect) "." INBOX.a'),
        Exchange('CREATE "INBOX.a.b"', "{tag} OK done"),
        listed("INBOX.a.b", '* LIST () "." INBOX.a.b'),
        Exchange("SUBSCRIBE", "{tag} NO not subscribed"),
    )
    with writing(*script, capability="IMAP4rev1 NAMESPACE") as (target, _):
        assert target.ensure_folder(("a", "b")) == Folder("INBOX.a.b", ("a", "b"))
        for path in (("INBOX", "x"), ("a.b",), ("inbox",), (), ("",)):
            with pytest.raises(FolderRefused):
                target.ensure_folder(path)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("NO [CANNOT] reserved name", FolderRefused),
        ("NO [OVERQUOTA] no more folders", QuotaExceeded),
        ("NO [LIMIT] too many folders", FolderRefused),
        ("BAD Invalid mailbox name", FolderRefused),
        ("NO [INUSE] later", ServerBusy),
    ],
)
def test_a_folder_that_cannot_be_made(said: str, kind: type[Exception]) -> None:
    with writing(SEPARATOR, listed("x"), Exchange("CREATE", "{tag} " + said)) as (target, _), pytest.raises(kind):
        target.ensure_folder(("x",))


def test_a_folder_that_someone_made_meanwhile_is_the_folder() -> None:
    script = (
        SEPARATOR,
        listed("x"),
        Exchange("CREATE", "{tag} NO [ALREADYEXISTS] there"),
        listed("x", '* LIST () "/" x'),
        Exchange("SUBSCRIBE", "{tag} OK done"),
    )
    with writing(*script) as (target, _):
        assert target.ensure_folder(("x",)).id == "x"


def test_a_folder_of_another_name_is_not_the_folder() -> None:
    with (
        writing(SEPARATOR, listed("x"), Exchange("CREATE", "{tag} OK made"), listed("x")) as (target, _),
        pytest.raises(FolderRefused, match="something else"),
    ):
        target.ensure_folder(("x",))


def test_the_tightest_quota_counts() -> None:
    answers = (
        '* QUOTAROOT INBOX "user" "shared"',
        '* QUOTA "user" (STORAGE 10 512 MESSAGE 3 1000)',
        '* QUOTA "shared" (STORAGE 90 100)',
    )
    with writing(Exchange("GETQUOTAROOT", *answers, "{tag} OK done"), capability="IMAP4rev1 QUOTA") as (target, _):
        quota = target.quota()
    assert quota == Quota(90 * 1024, 100 * 1024, 3, 1000)
    assert quota.free == 10 * 1024


def test_no_limit_and_no_word_differ() -> None:
    unlimited = Exchange("GETQUOTAROOT", "* QUOTAROOT INBOX", "{tag} OK done")
    with writing(unlimited, capability="IMAP4rev1 QUOTA=RES-STORAGE") as (target, _):
        assert target.quota() == Quota()
    with writing(capability="IMAP4rev1 APPENDLIMIT=35882577") as (target, _):
        assert target.quota() == Quota(largest=35882577, told=False)
    refused = Exchange("GETQUOTAROOT", "{tag} NO no")
    with writing(refused, capability="IMAP4rev1 QUOTA") as (target, _):
        assert target.quota().told is False
