"""Whatever Graph answers in the place of one message: that one is quarantined, with Graph's words, and no other."""

from pathlib import Path

import pytest

from connectors.errors import ItemBusy
from connectors.graph.fetch import STRIKES
from connectors.testing.corpus import plain
from fixtures.graph import EVER, Act, Answer, Refused
from replicator.mailstore.mailbox.failures import FailureBook, FailureRecord
from replicator.mailstore.mailbox.quarantine import PAUSES
from tests.flow.test_graph import ALICE
from tests.flow.test_graph_engine import NAME, Office, office

CODES = [
    # What corso met on single items (alcionai/corso, pkg/services/m365/api/graph/errors.go).
    (500, "ErrorCorruptData"),
    (500, "ErrorCannotOpenFileAttachment"),
    (500, "ErrorInvalidRecipients"),
    (400, "ErrorInvalidRecipients"),
    (500, "ErrorMimeContentConversionFailed"),
    (400, "ErrorMimeContentInvalid"),
    # Mailbox-wide by their name, and given for one message only.
    (404, "MailboxNotEnabledForRESTAPI"),
    (404, "ErrorInvalidUser"),
    (404, "ResourceNotFound"),
    (404, "Request_ResourceNotFound"),
    (401, "InvalidAuthenticationToken"),
    (403, "ErrorAccessDenied"),
    # A folder's, or a cursor's, by their name.
    (404, "ErrorFolderNotFound"),
    (404, "ErrorItemNotFound"),  # though it is listed where it was
    (410, "SyncStateNotFound"),
    (410, "ResyncRequired"),
    (400, "SyncStateInvalid"),
    (400, "ErrorInvalidIdMalformed"),
    # By number alone.
    *((status, f"Odd{status}") for status in (400, 402, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416)),
    *((status, f"Odd{status}") for status in (421, 422, 423, 424, 426, 428, 431, 451, 499)),
    *((status, f"Odd{status}") for status in (500, 501, 502, 503, 504, 505, 507, 508, 511, 520)),
]


MAILBOXES = 6
"""So many share the codes: a mailbox for each would take long."""


def quarantined(desk: Office) -> dict[str, FailureRecord]:
    """What is on record of the mailbox's quarantine, by the server's ids."""
    with desk.shelf.open() as mailstore:
        store = mailstore.mailbox(NAME)
        book = FailureBook(store.database)
        found = [(store.find(number), book.get(number)) for number in book.placements()]
        return {listed.ref.id: record for listed, record in found if listed and record}


@pytest.mark.parametrize(
    "codes", [CODES[first::MAILBOXES] for first in range(MAILBOXES)], ids=lambda codes: codes[0][1]
)
def test_a_message_that_is_refused_stops_no_other(tmp_path: Path, codes: list[tuple[int, str]]) -> None:
    with office(tmp_path) as desk:
        bad = {desk.alice.deliver("inbox", plain(number)).immutable_id: each for number, each in enumerate(codes)}
        for number in range(3):
            desk.alice.deliver("inbox", plain(100 + number))
        for name, (status, code) in bad.items():
            desk.server.faults.add(Answer(status, code, "It cannot be given."), path=rf"{name}/\$value", times=EVER)
        report = desk.sync()
        assert (report.error, report.folder_errors) == (None, [])
        assert (report.counts.stored, report.counts.quarantined, report.unaccepted) == (3, len(bad), len(bad))
        failed = quarantined(desk)
        assert {name: record.attempts for name, record in failed.items()} == dict.fromkeys(bad, 1)
        for name, (status, code) in bad.items():
            assert f"message {name} in INBOX: Graph answers {status} {code}: " in failed[name].reason
            assert "(request-id " in failed[name].reason
        assert desk.unbalanced() == []
        report = desk.sync()
        assert (report.error, report.counts.seen, report.full_passes) == (None, 0, 0)
        assert {record.attempts for record in quarantined(desk).values()} == {2}
        desk.server.faults.clear()
        assert desk.sync().counts.recovered == 0, "it is not their turn"
        desk.shelf.now += PAUSES[1]
        report = desk.sync()
        assert (report.ok, report.counts.recovered) == (True, len(bad))
        assert desk.held() == desk.there()


def test_a_message_for_which_a_pause_is_asked_each_time(tmp_path: Path) -> None:
    """Nobody can tell at once whether it is the mailbox. Pauses are waited for, and then the inbox is asked first."""
    with office(tmp_path) as desk:
        names = [desk.alice.deliver("inbox", plain(number)).immutable_id for number in range(6)]
        for name in names[1:3]:
            desk.server.faults.add(Answer(503, retry_after=20), path=rf"{name}/\$value", times=EVER)
        report = desk.sync()
        assert (report.error, report.counts.stored, report.counts.quarantined) == (None, 4, 2)
        assert {(name, record.code) for name, record in quarantined(desk).items()} == {
            (name, ItemBusy.__name__) for name in names[1:3]
        }
        assert report.throttled_seconds >= 2 * 20
        assert desk.server.log.early() == []
        assert max(len(desk.server.log.entries(path=f"{name}/$value")) for name in names) == STRIKES


WHOLE = [
    (401, "InvalidAuthenticationToken"),
    (403, "ErrorAccessDenied"),
    (404, "MailboxNotEnabledForRESTAPI"),
    (404, "ErrorInvalidUser"),
    (429, "ApplicationThrottled"),
    (500, "ErrorInternalServerError"),
    (503, "ErrorServerBusy"),
]


@pytest.mark.parametrize(("status", "code"), WHOLE)
def test_what_is_wrong_with_the_mailbox_is_no_messages_own(tmp_path: Path, status: int, code: str) -> None:
    """Its door shuts while bodies are read: nothing is quarantined, and all is read when it is open again."""
    with office(tmp_path) as desk:
        for number in range(9):
            desk.alice.deliver("inbox", plain(number))
        shut = Act(lambda: desk.server.tenant_data.deny(ALICE, Refused(status, code, "It is shut.")))
        desk.server.faults.add(shut, path=r"\$value", after=4)
        report = desk.sync()
        assert report.error is not None
        assert code in report.error.message
        assert (report.counts.quarantined, quarantined(desk)) == (0, {})
        desk.server.tenant_data.allow(ALICE)
        desk.server.clock.advance(100)
        assert desk.sync().ok
        assert desk.held() == desk.there()
