"""Content that is made anew, by someone who wants mail to be lost by it, doubled, or paid for dearly."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.body import header_block
from connectors.memory import INBOX, MemorySource
from connectors.model import Page, Ref
from reconcile.fingerprint import ENTITIES_MAX, Fingerprinter
from reconcile.kinship import Kinship, Likeness, kinship, likeness
from replicator.engine.keeping import Intake
from replicator.mailstore.mailbox import kindred as module
from replicator.mailstore.mailbox.answers import New
from replicator.mailstore.mailbox.kindred import CANDIDATES_MAX
from tests.shelf import NAME
from tests.unit.test_engine_regenerated import SENT, Desk, mail, numbers

DATED = b"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\n"
HEAD = b"Message-ID: <1@x>\r\n" + DATED + b"From: a@x\r\nTo: b@x\r\nCc: c@x\r\nSubject: pump\r\n"
TEXT = b"The pump arrived on Monday, and nobody in the north hall has counted the pieces.\r\n"
WITHOUT_ID = HEAD.removeprefix(b"Message-ID: <1@x>\r\n")
LONG = b"X-List: " + b"a" * 66_000 + b"\r\n" + HEAD
PARTS = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + TEXT
FILE = b"--b\r\nContent-Type: image/png; name=%s\r\n\r\nPNG\r\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def look(raw: bytes) -> Likeness:
    reader = Fingerprinter()
    reader.feed(raw)
    return likeness(reader, header_block(raw))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HEAD, HEAD.replace(b"10:00:00", b"10:00:01")),
        (HEAD, HEAD.replace(DATED, b"")),
        (HEAD, HEAD.replace(b"From: a@x", b"From: The Director <a@x>")),
        (HEAD, HEAD.replace(b"To: b@x\r\nCc: c@x", b"To: c@x\r\nCc: b@x")),
        (HEAD, HEAD + b"Reply-To: mallory@x\r\n"),
        (HEAD, HEAD + b"Sender: assistant@x\r\n"),
        (HEAD, HEAD + b"Bcc: all those who asked\r\n"),
        (HEAD, HEAD + b"Importance: high\r\n"),
        (WITHOUT_ID, WITHOUT_ID + b"X-Incident: 17\r\n"),
    ],
)
def test_a_copy_whose_header_shows_something_else_is_kept(one: bytes, other: bytes) -> None:
    assert kinship(look(one + b"\r\n" + TEXT), look(other + b"\r\n" + TEXT)) is Kinship.VARIANT


def test_fields_that_are_only_written_anew_are_equal() -> None:
    one = HEAD + b'Reply-To: "R. Miller" <r@x>\r\nX-Hop: 1\r\n'
    other = HEAD + b"Reply-To: =?utf-8?q?R=2E?=\r\n Miller\r\n\t<r@x>\r\n"
    assert kinship(look(one + b"\r\n" + TEXT), look(other + b"\r\n" + TEXT)) is Kinship.EQUAL


def test_what_was_not_looked_at_is_not_taken_for_equal() -> None:
    """A Bcc behind 64 KiB of header; the name of a file behind a thousand parts."""
    assert kinship(look(LONG + b"\r\n" + TEXT), look(LONG + b"Bcc: z@x\r\n\r\n" + TEXT)) is Kinship.VARIANT
    many = FILE % b"a.png" * ENTITIES_MAX
    one, other = (PARTS + many + FILE % name + b"--b--\r\n" for name in (b"b.png", b"c.png"))
    assert kinship(look(one), look(other)) is Kinship.VARIANT
    few = PARTS + FILE % b"a.png" * 10 + b"--b--\r\n"
    assert kinship(look(few), look(few.replace(b"boundary=b", b"boundary=b "))) is Kinship.EQUAL


def test_two_variants_that_are_told_before_their_kin_are_one_item(desk: Desk) -> None:
    desk.ahead = 3
    desk.server.append(INBOX, mail(more=b"Bcc: c@x\r\n"))
    desk.server.append(INBOX, mail(more=b"Bcc: d@x\r\n"))
    desk.server.append(INBOX, mail())
    assert numbers(desk.sync()) == (3, 1, 2, 0)
    assert (desk.held(), len({each.item for each in desk.listed()})) == (3, 1)


def test_a_variant_whose_kin_is_told_on_the_next_page_is_the_same_item(desk: Desk) -> None:
    desk.server.append(INBOX, mail(more=b"Bcc: c@x\r\n"))
    desk.server.append(INBOX, mail())
    with desk.shelf.open() as mailstore:
        store = mailstore.ensure_mailbox(NAME)
        source = MemorySource(desk.server, desk.capabilities, page_changes=1)
        folder = next(each for each in source.folders() if each.path == INBOX)
        first, second, *_ = source.changes(folder, None)
        with mailstore.lease(store) as epoch, mailstore.writer(store, epoch) as writer:
            store.begin("run", epoch)
            intake = Intake(store, writer, lambda *_: None)
            intake.kindred = store.kindred()
            answers = dict(zip(["kin", "variant"], _kept(source, intake, [second, first]), strict=True))
            intake.sync()
            row = store.open_folder("primary", folder)
            for page, name in ((first, "variant"), (second, "kin")):
                row, counts = store.record(row, page, {_refs(page)[0]: answers[name]}, full=True, ending=True)
            assert (counts.stored, counts.merged) == (0, 1)
        assert len({each.item for each in store.listing()}) == 1
    assert desk.shelf.problems() == []


@pytest.mark.parametrize("id_", [True, False])
def test_a_crowd_on_one_page_costs_each_message_a_few_looks(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, id_: bool
) -> None:
    """One id, or one header core, for all of them; and a true copy among them is found all the same."""
    judged = Counter[str]()
    monkeypatch.setattr(module, "kinship", lambda a, b: judged.update(["all"]) or kinship(a, b))
    for number in range(8 * CANDIDATES_MAX):
        desk.server.append(
            INBOX, mail(7, id_=id_, text=b"Part %d of a tale that has no end, as it seems to all. %%d\r\n" % number)
        )
    desk.server.append(INBOX, mail(7, id_=id_, text=b"Part 0 of a tale that has no end, as it seems to all. %d\r\n"))
    assert numbers(desk.sync()) == (8 * CANDIDATES_MAX + 1, 8 * CANDIDATES_MAX, 1, 0)
    assert judged["all"] <= 8 * CANDIDATES_MAX * CANDIDATES_MAX * id_ + 1


def test_headers_that_name_a_multitude_are_not_held_in_any_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is not compared, and kept."""
    monkeypatch.setattr(module, "WAITING_MAX", 100)
    people = b"Cc: " + b", ".join(b"p%d@x" % number for number in range(80)) + b"\r\n"
    for number in (1, 1, 2, 2, 3, 3):
        desk.server.append(INBOX, mail(number, more=people * (number != 3)))
    assert numbers(desk.sync()) == (6, 4, 2, 0)
    desk.server.append(SENT, mail(2, more=people))
    assert numbers(desk.sync()) == (1, 0, 1, 0)


def test_a_fingerprint_that_was_damaged_stands_for_nothing(desk: Desk) -> None:
    uid = desk.server.append(INBOX, mail())
    desk.sync()
    with desk.shelf.open() as mailstore:
        connection = mailstore.mailbox(NAME).database.connection
        connection.execute("UPDATE fingerprint SET print = x'0102'")
        connection.commit()
    desk.server.move(INBOX, uid, SENT)
    report = desk.shelf.sync(source=desk.source)
    assert (report.error, numbers(report)) == (None, (1, 1, 0, 1))
    assert None not in desk.shelf.held().values()
    assert desk.shelf.problems()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revision SET stamp = 'other'",
        "DELETE FROM revision",
        "INSERT INTO revision VALUES (77, 'other')",
        "UPDATE version SET item = 77",
        "DELETE FROM fingerprint_key",
        "INSERT INTO fingerprint_key VALUES (1, 1)",
    ],
)
def test_rows_that_were_tampered_with_are_noticed(desk: Desk, statement: str) -> None:
    desk.capabilities = replace(desk.capabilities, edits=True)
    desk.server.append(INBOX, mail())
    desk.sync()
    with desk.shelf.open() as mailstore:
        connection = mailstore.mailbox(NAME).database.connection
        connection.execute(statement)
        connection.commit()
    assert desk.shelf.problems() != []


def test_an_edit_stays_with_its_item_though_its_kin_is_not_on_record_yet(desk: Desk) -> None:
    """It was made the same as a message that is read before it and told after it."""
    desk.capabilities = replace(desk.capabilities, edits=True)
    uid = desk.server.append(INBOX, mail(5))
    desk.sync()
    (before,) = desk.listed()
    desk.server.edit(INBOX, str(uid), mail(1, more=b"Bcc: z@x\r\n"))
    desk.server.append(INBOX, mail(1))
    assert desk.sync().counts.edited == 1
    assert [each.item for each in desk.listed() if each.ref == before.ref] == [before.item]


def _refs(page: Page) -> list[Ref]:
    return [change.ref for change in page.changes]


def _kept(source: MemorySource, intake: Intake, pages: Iterable[Page]) -> Iterator[New]:
    for page in pages:
        (message,) = source.fetch(_refs(page))
        (kept,) = intake.keep([message])
        assert isinstance(kept, New)
        yield kept
