"""The index of a mailbox: what waits, what is found, what is passed over, and what `verify` says of it."""

import shutil
from pathlib import Path

import pytest

import fixtures.mailstores
from connectors.errors import StaleLease, StoreError, Tampered
from connectors.memory import INBOX
from reconcile.fingerprint import fingerprint
from replicator.engine import indexing
from replicator.engine.report import MailboxReport
from replicator.engine.step import Engine, MailboxJob, Progress
from replicator.mailstore import Mailstore
from replicator.mailstore.mailbox import fulltext, index, indexchecking, wordseal
from replicator.mailstore.mailbox.fulltext import phrase
from tests.shelf import NAME, Shelf

MAIL = (
    "Message-ID: <1@x>\r\nDate: Mon, 2 Jan 2006 15:04:05 +0000\r\nFrom: Jörg <joerg@corp.example>\r\n"
    "Subject: Überweisung 東京都\r\n\r\nthe quick brown fox\r\n",
    "Message-ID: <2@x>\r\nTo: ann@other.example\r\nSubject: lunch\r\n\r\nquick, brown: dog\r\n",
    "Message-ID: <2@x>\r\nReceived: by relay\r\nTo: ann@other.example\r\nSubject: lunch\r\n\r\nquick,  brown: dog\r\n",
    "no header at all",
)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    for raw in MAIL:
        made.server.append(INBOX, raw.encode(), ())
    return made


def run(shelf: Shelf, seconds: float = float("inf"), *, full: bool = False) -> MailboxReport:
    """One step that may spend so many seconds on the index. The clock moves by one at each look."""
    with shelf.open() as mailstore:
        engine = Engine(mailstore, "run", shelf.clock, shelf.clock, lambda *_: None)
        engine.indexing = seconds
        progress = Progress(MailboxReport(NAME))
        engine.step(MailboxJob(NAME, (shelf.side("primary"),), full=full), progress, float("inf"))
        assert progress.complete
        return progress.report


def test_everything_is_indexed_after_it_is_durable(shelf: Shelf) -> None:
    report = run(shelf)
    assert (report.indexed.done, report.indexed.failed, report.indexed.backlog) == (4, 0, 0)
    assert report.as_json()["indexed"].keys() == {"done", "failed", "backlog", "seconds"}
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        assert store.index.counts() == index.IndexCounts(4, 0, 0, {})
        assert store.fingerprint(1) == fingerprint(MAIL[0].encode())
        assert store.fingerprint(99) is None
    assert shelf.problems() == []


def test_copies_are_candidates_of_each_other(shelf: Shelf) -> None:
    run(shelf)
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        found = fingerprint(MAIL[2].replace("by relay", "by another").encode())
        assert store.candidates(found.keys) == {2, 3}
        assert store.candidates([]) == frozenset()
        assert store.candidates(range(1200)) == frozenset()


SEARCHES = {
    phrase("quick brown"): [3, 2, 1],
    f"{phrase('quick')} NOT {phrase('dog')}": [1],
    f"subject : {phrase('UBERWEISUNG')}": [1],
    f"subject : {phrase('京都')}": [1],
    phrase("京東"): [],
    f"sender : {phrase('joerg@corp.example')}": [1],
    f"sender : {phrase('corp.example')}": [1],
    f"recipient : {phrase('other.example')}": [3, 2],
    f"NEAR({phrase('quick')} {phrase('fox')}, 1)": [1],
    f"{phrase('qui')} *": [3, 2, 1],
    phrase('a "quoted" word'): [],
    phrase(""): [],
}


@pytest.mark.parametrize("match", SEARCHES)
def test_words_are_found(shelf: Shelf, match: str) -> None:
    run(shelf)
    with shelf.open() as mailstore:
        assert list(mailstore.mailbox(NAME).search_text(match)) == SEARCHES[match]


@pytest.mark.parametrize("match", ["secret AND", '"secret', "nowhere : secret", "(secret"])
def test_a_query_that_cannot_be_read_is_not_quoted(shelf: Shelf, match: str) -> None:
    run(shelf)
    with shelf.open() as mailstore, pytest.raises(StoreError) as caught:
        list(mailstore.mailbox(NAME).search_text(match))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_there_is_no_time_for_waits(shelf: Shelf) -> None:
    report = run(shelf, 0)
    assert (report.indexed.done, report.indexed.backlog) == (0, 4)
    report = run(shelf, 4)
    assert 0 < report.indexed.done < 4
    assert report.indexed.backlog == 4 - report.indexed.done
    assert shelf.problems() == []
    assert run(shelf).indexed.backlog == 0


def test_a_run_without_news_writes_nothing(shelf: Shelf) -> None:
    run(shelf)
    before = {path: path.read_bytes() for path in (shelf.path / "mailbox").rglob("*.db")}
    with shelf.open() as mailstore:
        mark = mailstore.catalog.mark(mailstore.mailbox(NAME).id)
    assert run(shelf).indexed.done == 0
    with shelf.open() as mailstore:
        assert mailstore.catalog.mark(mailstore.mailbox(NAME).id) == mark
        assert before.keys() == set((shelf.path / "mailbox").rglob("*.db"))


def poisoned(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The second message raises when it is read for the index."""
    real = index.read_searchable

    def read(chunks, size, sha256):  # type: ignore[no-untyped-def]
        raw = b"".join(chunks)
        if b"Received" not in raw and b"lunch" in raw:
            raise error
        return real((raw,), size, sha256)

    monkeypatch.setattr(index, "read_searchable", read)


def test_a_poison_message_is_recorded_and_passed_over(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        poisoned(patch, RecursionError("Subject: SECRET"))
        report = run(shelf)
        assert (report.ok, report.indexed.done, report.indexed.failed, report.indexed.backlog) == (True, 3, 1, 0)
        assert run(shelf).indexed.failed == 0, "it is not tried again"
        assert run(shelf, full=True).indexed.failed == 1, "but by a full pass"
    with shelf.open() as mailstore:
        counts = mailstore.mailbox(NAME).index.counts()
        assert counts == index.IndexCounts(3, 0, 1, {"unexpected RecursionError": 1})
        assert mailstore.mailbox(NAME).fingerprint(2) is None
    assert shelf.problems() == []
    report = run(shelf, full=True)
    assert (report.indexed.done, report.indexed.failed) == (1, 0)
    with shelf.open() as mailstore:
        assert mailstore.mailbox(NAME).fingerprint(2) == fingerprint(MAIL[1].encode())
    assert shelf.problems() == []


def test_damaged_content_is_recorded_and_a_broken_disk_is_not(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        poisoned(patch, OSError("no disk"))
        report = run(shelf)
        assert report.error is not None
        assert report.counts.stored == 4, "all is durable before"
    with monkeypatch.context() as patch:
        poisoned(patch, Tampered("gone", "restore it"))
        assert run(shelf).indexed.failed == 1
    with shelf.open() as mailstore:
        assert mailstore.mailbox(NAME).index.counts().reasons == {"Tampered: gone": 1}


@pytest.mark.parametrize("name", ["CANONICAL", "WORDS"])
def test_another_version_begins_anew(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patch:
        poisoned(patch, ValueError("x"))
        run(shelf)
    for module in (index, indexchecking):
        monkeypatch.setattr(module, name, 7)
    assert shelf.problems() == []
    with shelf.open() as mailstore:
        assert mailstore.mailbox(NAME).index.counts() == index.IndexCounts(0, 4, 0, {})
    assert run(shelf, 4).indexed.done in range(1, 4)
    assert shelf.problems() == []
    run(shelf)
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        assert store.index.counts() == index.IndexCounts(4, 0, 0, {})
        assert list(store.search_text("quick")) == [3, 2, 1]
        assert len(store.candidates(fingerprint(MAIL[1].encode()).keys)) == 2
    assert shelf.problems() == []


def test_a_database_of_version_1_has_everything_to_index(tmp_path: Path) -> None:
    (old,) = Path(fixtures.mailstores.__file__).parent.glob("v1")
    shutil.copytree(old, tmp_path / "kept")
    (tmp_path / "kept" / "key").chmod(0o600)
    shelf = Shelf(tmp_path / "kept")
    shelf.now += 1_000_000
    with shelf.open() as mailstore:
        counts = mailstore.mailbox(NAME).index.counts()
    assert counts.backlog > 0
    assert counts == index.IndexCounts(0, counts.backlog, 0, {})
    assert shelf.problems() == []
    assert run(shelf).indexed.done == counts.backlog
    assert shelf.problems() == []


def test_who_lost_the_mailbox_writes_no_index(shelf: Shelf) -> None:
    run(shelf, 0)
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        with mailstore.lease(store) as epoch:
            store.begin("one", epoch)
        entries = [store.index.read(wanted) for wanted in store.index.backlog(10)]
        with shelf.open() as second:
            other = second.mailbox(NAME)
            with second.lease(other) as epoch:
                other.begin("two", epoch)
            with pytest.raises(StaleLease):
                store.index.write(entries)
        assert store.index.counts().done == 0


DAMAGE = {
    "DELETE FROM fingerprint WHERE version = 2": "has no fingerprint",
    "UPDATE fingerprint SET print = (SELECT print FROM fingerprint WHERE version = 1)": "not those that were written",
    "UPDATE fingerprint SET sent = 5 WHERE version = 1": "not those that were written",
    "DELETE FROM fingerprint_key WHERE version = 1": "not those that were written",
    "INSERT INTO fingerprint_key VALUES (1, 1)": "not those that were written",
    "INSERT INTO fingerprint VALUES (99, 1, x'', NULL, 0, 0, 'x')": "no message that is held",
    "DELETE FROM fulltext WHERE rowid = 1": "not in the full text",
    "INSERT INTO fulltext (rowid, body) VALUES (99, 'more')": "not held",
    "UPDATE fulltext_docsize SET sz = x'00' WHERE id = 1": "not those that were written",
    "UPDATE fulltext_data SET block = zeroblob(length(block)) WHERE id > 1000": "full text",
    "DELETE FROM fulltext_idx": "full text",
    "UPDATE fulltext_seal SET digest = x'00'": "full text",
    "UPDATE indexing SET through = 3": "its rows are not those that were written",
    "DELETE FROM indexing": "its rows are not those that were written",
}


@pytest.mark.parametrize("statement", DAMAGE)
def test_damage_to_the_index_is_reported(shelf: Shelf, statement: str) -> None:
    run(shelf)
    with shelf.open() as mailstore:
        mailstore.mailbox(NAME).database.connection.execute(statement)
        mailstore.mailbox(NAME).database.connection.commit()
    assert any(DAMAGE[statement] in problem for problem in shelf.problems(None)), shelf.problems(None)


def test_a_fingerprint_that_is_not_the_messages_own_is_reported(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by a program that took it in another way under the same version."""
    run(shelf)
    other = fingerprint(b"Subject: other\r\n\r\nother")
    monkeypatch.setattr(indexchecking, "fingerprint", lambda chunks: b"".join(chunks) and other)
    assert shelf.problems(None) == []
    assert sum("not its own" in problem for problem in shelf.problems(100)) == 4


def test_batches_end_by_number_and_by_length(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    written: list[int] = []
    real = index.Index.write
    monkeypatch.setattr(index.Index, "write", lambda self, rows: (written.append(len(rows)), real(self, rows))[1])
    run(shelf)
    assert written == [3, 1]
    monkeypatch.setattr(indexing, "BATCH_CHARACTERS", 1)
    shelf.fill(3)
    run(shelf)
    assert written[2:] == [1, 1, 1]


def test_the_seal_follows_when_segments_are_merged(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """FTS5 merges sixteen segments into one, and gives the new one an old number."""
    monkeypatch.setattr(indexing, "BATCH", 1)
    shelf.fill(45)
    run(shelf)
    with shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        (parts,) = store.database.connection.execute("SELECT count(*) FROM fulltext_seal").fetchone()
        assert 2 < parts < 20
        assert len(list(store.search_text(f"subject : {phrase('mail')}"))) == 45
    assert shelf.problems() == []


STATEMENTS = {
    index.BACKLOG: (1, 1),
    index.FAILED: (1, 1),
    index.CANDIDATES: ("[1]",),
    index.COUNTS: (1,),
    index.REASONS: (),
    fulltext.SEARCH: ("x",),
    indexchecking.PRINT: (b"x", 1),
    wordseal.NEXT_PART: (1,),
    wordseal.LAST_ROW: (1,),
    wordseal.ROW: (1,),
    wordseal.ROWS: (1, 1),
    wordseal.TERMS: (1,),
    wordseal.SETTINGS: (),
    **{statement: () for statement, _ in indexchecking.STRAYS},
}
WHOLE = {index.COUNTS, wordseal.SETTINGS, *(statement for statement, _ in indexchecking.STRAYS)}
"""Those that may walk a table."""


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_sorts_and_few_walk(shelf: Shelf, statement: str) -> None:
    with Mailstore.open(shelf.path, shelf.root, shelf.clock) as mailstore:
        connection = mailstore.ensure_mailbox(NAME).database.connection
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {statement}", STATEMENTS[statement]).fetchall())
    assert "TEMP B-TREE" not in plan
    assert statement in WHOLE or not any(f"SCAN {table}" in plan for table in ("version", "v ", "k ", "fulltext_d"))
