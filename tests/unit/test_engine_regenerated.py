"""A mail system that makes a message anew at each reading: the same content is held once, and nothing is lost by it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from connectors.memory import FULL, INBOX, MemorySource
from connectors.memory.mailbox import Kept
from connectors.model import Failure, Message, Ref
from connectors.protocols import Source
from reconcile.fingerprint import fingerprint
from replicator.engine.indexing import Indexing
from replicator.engine.report import MailboxReport
from replicator.mailstore.mailbox.history import Listed
from replicator.mailstore.mailbox.kindred import CANDIDATES_MAX, Kindred
from tests.shelf import NAME, Shelf

ANEW = replace(FULL, exact_bytes=False, exact_sizes=False)
TEXT = b"The pump arrived on Monday, and nobody in the north hall has counted the pieces of number %d.\r\n"
SENT = ("Sent",)


def mail(number: int = 1, *, more: bytes = b"", id_: bool = True, text: bytes = TEXT, padding: int = 0) -> bytes:
    own = b"Message-ID: <%d@x>\r\n" % number if id_ else b""
    head = b"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\nFrom: a@x\r\nTo: b@x\r\nSubject: pump\r\n"
    kind = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=BOUNDARY\r\n\r\n--BOUNDARY\r\n\r\n"
    return own + head + more + kind + text % number + b"word and line\r\n" * padding + b"--BOUNDARY--\r\n"


class Anew(MemorySource):
    """Writes another boundary at each reading, as Exchange does; in pieces where `cut`."""

    boundaries: Iterator[int]
    cut = False

    def answer(self, ref: Ref) -> Message | Failure:
        answer = super().answer(ref)
        if isinstance(answer, Failure):
            return answer
        raw = b"".join(answer.raw).replace(b"BOUNDARY", b"_%06d_" % next(self.boundaries))
        return replace(answer, raw=iter([raw[:100], raw[100:]]) if self.cut else (raw,))

    def size(self, message: Kept) -> int:
        return super().size(message) + 7


class Desk:
    """A shelf that such a mail system fills."""

    def __init__(self, directory: Path) -> None:
        self.shelf = Shelf(directory)
        self.server = self.shelf.server
        self.server.create_folder(SENT)
        self.boundaries = count()
        self.cut = False
        self.ahead = 0
        self.capabilities = ANEW

    def source(self) -> Source:
        source = Anew(self.server, self.capabilities, ahead=self.ahead)
        source.boundaries, source.cut = self.boundaries, self.cut
        return source

    def sync(self, *, index: bool = True) -> MailboxReport:
        """`index`: the second stage follows at once; else it never had time."""
        if index:
            report = self.shelf.sync(source=self.source)
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Indexing, "run", lambda _: True)
                report = self.shelf.sync(source=self.source)
        assert report.ok, report.as_json()
        assert self.shelf.problems() == []
        return report

    def listed(self) -> list[Listed]:
        with self.shelf.open() as mailstore:
            return list(mailstore.mailbox(NAME).listing())

    def held(self) -> int:
        """Versions."""
        with self.shelf.open() as mailstore:
            connection = mailstore.mailbox(NAME).database.connection
            return int(connection.execute("SELECT count(*) FROM version").fetchone()[0])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def numbers(report: MailboxReport) -> tuple[int, ...]:
    counts = report.counts
    return counts.seen, counts.stored, counts.merged, counts.removed


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("index", [False, True])
def test_a_message_that_was_moved_is_merged(desk: Desk, *, index: bool, cut: bool) -> None:
    """`merged` is content that is held already: by verdict, where bytes are made anew (contract, `sync --json`)."""
    desk.cut = cut
    uid = desk.server.append(INBOX, mail())
    assert numbers(desk.sync(index=index)) == (1, 1, 0, 0)
    desk.server.move(INBOX, uid, SENT)
    assert numbers(desk.sync(index=index)) == (1, 0, 1, 1)
    assert (desk.held(), len({each.item for each in desk.listed()})) == (1, 1)
    assert numbers(desk.sync(index=index)) == (0, 0, 0, 0)


def test_copies_that_come_in_one_run_are_one_content(desk: Desk) -> None:
    for path in (INBOX, INBOX, SENT):
        desk.server.append(path, mail())
    assert numbers(desk.sync(index=False)) == (3, 1, 2, 0)
    assert (desk.held(), len(desk.listed())) == (1, 3)


def test_a_message_without_id_is_known_once_it_is_indexed(desk: Desk) -> None:
    uid = desk.server.append(INBOX, mail(id_=False))
    desk.sync()
    desk.server.move(INBOX, uid, SENT)
    assert numbers(desk.sync()) == (1, 0, 1, 1)


@pytest.mark.parametrize("more", [b"Bcc: secret@x\r\n", b"Cc: c@x\r\n"])
@pytest.mark.parametrize("index", [False, True])
def test_a_copy_that_shows_more_is_kept_as_another_version(desk: Desk, more: bytes, *, index: bool) -> None:
    desk.server.append(INBOX, mail())
    desk.sync(index=index)
    desk.server.append(SENT, mail(more=more))
    assert numbers(desk.sync(index=index)) == (1, 0, 1, 0)
    assert (desk.held(), len({each.item for each in desk.listed()})) == (2, 1)
    assert [more in (raw or b"") for raw in desk.shelf.held().values()] == [False, True]
    assert numbers(desk.sync(index=index)) == (0, 0, 0, 0)


def test_a_variant_of_a_variant_is_the_same_item(desk: Desk) -> None:
    desk.server.append(INBOX, mail())
    desk.server.append(INBOX, mail(more=b"Bcc: c@x\r\n"))
    desk.server.append(INBOX, mail(more=b"Bcc: d@x\r\n"))
    assert numbers(desk.sync()) == (3, 1, 2, 0)
    assert (desk.held(), len({each.item for each in desk.listed()})) == (3, 1)


def test_a_variant_that_is_told_before_its_kin_is_read_after_it(desk: Desk) -> None:
    """Bodies come in any order."""
    desk.ahead = 2
    desk.server.append(INBOX, mail(more=b"Bcc: c@x\r\n"))
    desk.server.append(INBOX, mail())
    assert numbers(desk.sync()) == (2, 1, 1, 0)
    assert (desk.held(), len({each.item for each in desk.listed()})) == (2, 1)


def test_a_crowd_under_one_core_and_one_id_is_looked_through_in_part(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kindred, "_read", lambda *_: pytest.fail("none of these is the same message"))
    for number in range(60):
        desk.server.append(INBOX, mail(7, text=b"Part %d of the tale, and not the last. %%d\r\n" % number))
        desk.server.append(INBOX, mail(id_=False, text=b"Alarm %d of the day, and not the last. %%d\r\n" % number))
    desk.sync()
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        for raw in (mail(7, text=b"More\r\n%d"), mail(id_=False, text=b"More\r\n%d")):
            found = fingerprint(raw)
            assert len(list(store.kindred()._candidates(found, b""))) <= CANDIDATES_MAX


def test_look_alikes_are_all_stored(desk: Desk) -> None:
    desk.server.append(INBOX, mail(1))
    desk.server.append(INBOX, mail(1, text=TEXT.replace(b"Monday", b"Friday")))
    desk.server.append(INBOX, mail(2))
    desk.server.append(INBOX, mail(1, more=b"Resent-From: b@x\r\nResent-Date: Tue, 3 Feb 2026 10:00:00 +0000\r\n"))
    assert numbers(desk.sync()) == (4, 4, 0, 0)


def test_an_exact_source_is_held_by_its_bytes(desk: Desk) -> None:
    desk.server.append(INBOX, mail())
    desk.server.append(INBOX, b"X-Hop: 1\r\n" + mail())
    assert numbers(desk.shelf.sync()) == (2, 2, 0, 0)


def test_what_cannot_be_read_stands_for_nothing(desk: Desk) -> None:
    """The copy on record is damaged: the one that the server has is kept."""
    uid = desk.server.append(INBOX, mail(padding=300))
    desk.sync()
    (segment,) = (desk.shelf.path / "seg").glob("*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) - 40] ^= 1
    segment.write_bytes(data)
    desk.server.move(INBOX, uid, SENT)
    report = desk.shelf.sync(source=desk.source)
    assert numbers(report) == (1, 1, 0, 1)
    assert None not in desk.shelf.held().values()


def test_one_id_used_for_many_messages_costs_a_bounded_number_of_looks(desk: Desk) -> None:
    for number in range(3 * CANDIDATES_MAX):
        desk.server.append(INBOX, mail(7, text=b"Part %d of the tale, and not the last. %%d\r\n" % number))
    assert numbers(desk.sync(index=False))[1] == 3 * CANDIDATES_MAX
    desk.server.append(SENT, mail(7, text=b"Part %d of the tale, and not the last. %%d\r\n" % (3 * CANDIDATES_MAX - 1)))
    desk.server.append(SENT, mail(7, text=b"Part 0 of the tale, and not the last. %d\r\n"))
    assert numbers(desk.sync(index=False)) == (2, 1, 1, 0)


def test_a_body_that_is_read_again_is_not_taken_for_another(desk: Desk) -> None:
    desk.capabilities = replace(ANEW, identities=True)
    for number in range(5):
        desk.server.append(INBOX, mail(number))
    desk.sync()
    desk.server.renumber(INBOX)
    assert numbers(desk.sync()) == (5, 0, 5, 5)
    counts = desk.sync().counts
    assert (counts.reread, counts.corrected, desk.held()) == (5, 0, 5)
