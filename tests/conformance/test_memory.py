"""The reference keeps every promise in each of its forms, and the suite notices when it breaks one."""

import json
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import replace

import pytest

from connectors.errors import ItemGone
from connectors.memory import FULL, MemoryMailbox, MemorySource
from connectors.memory.source import Place
from connectors.model import Cursor, Failure, Folder, Message, Page, Ref
from connectors.testing.suite import SourceSuite


class MemoryDriver(MemoryMailbox):
    """A mailbox in memory that opens itself."""

    def __init__(self, make: Callable[["MemoryDriver"], MemorySource]) -> None:
        super().__init__()
        self._make = make

    def open(self) -> MemorySource:
        return self._make(self)

    def __deepcopy__(self, memo: dict[int, object]) -> MemoryMailbox:
        copy = MemoryMailbox()
        copy.kept = deepcopy(self.kept, memo)
        return copy


class TestMemory(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, page_changes=2))


class TestMemoryWithLess(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        less = replace(FULL, reports_removals=False, exact_sizes=False, stable_folder_ids=False)
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, less, stamps=False, page_changes=2))


class TestMemoryWithoutFlags(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        flagless = replace(FULL, reports_flags=False)
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, flagless, page_changes=1))


class TestMemoryThatAnswersOutOfOrder(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, page_changes=3, ahead=4))


class TestMemoryWithIdentities(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, replace(FULL, identities=True), page_changes=2))


class TestMemoryWithEdits(SourceSuite):
    @pytest.fixture
    def driver(self) -> MemoryDriver:
        return MemoryDriver(lambda mailbox: MemorySource(mailbox, replace(FULL, edits=True), page_changes=2))


class CursorAtTheEnd(MemorySource):
    """A full pass whose cursor is taken at its end."""

    def settle(self, kept, start):
        return Place(kept.validity, kept.highest)


class CursorTooSoon(MemorySource):
    """Each page's cursor covers the page after it."""

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        pages = list(super().changes(folder, since))
        for page, following in zip(pages, [*pages[1:], pages[-1]], strict=True):
            yield replace(page, cursor=following.cursor)


class CursorThatWanders(MemorySource):
    """An unchanged folder gives another cursor."""

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        for page in super().changes(folder, since):
            yield replace(page, cursor=Cursor(json.dumps(json.loads(page.cursor), indent=len(since or ""))))


class NoLastPage(MemorySource):
    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        return (replace(page, last=False) for page in super().changes(folder, since))


class StampThatSleeps(MemorySource):
    def stamp(self, kept):
        return "always"


class StampTooNew(MemorySource):
    """Passes see the mailbox as it was when the session was opened, stamps see it as it is."""

    def __init__(self, mailbox: MemoryMailbox, **options: int) -> None:
        super().__init__(mailbox, **options)
        self._then = MemorySource(deepcopy(mailbox), **options)

    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        return self._then.changes(folder, since)


class RefsAtOnce(MemorySource):
    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        return super().fetch(list(refs))


class AnswersTwice(MemorySource):
    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        for answer in super().fetch(refs):
            yield answer
            yield answer


class AnswersNotIfGone(MemorySource):
    def fetch(self, refs: Iterable[Ref]) -> Iterator[Message | Failure]:
        return (each for each in super().fetch(refs) if isinstance(each, Message))


class TidiesLineEnds(MemorySource):
    def _body(self, raw):
        return (raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),)


class CountsWhatItListed(MemorySource):
    def __init__(self, mailbox: MemoryMailbox, **options: int) -> None:
        super().__init__(mailbox, **options)
        self._counts: dict[str, int] = {}

    def count(self, folder: Folder) -> int:
        return self._counts.setdefault(folder.id, super().count(folder))


class ForgetsRemovals(MemorySource):
    def _since(self, kept, modseq):
        return [each for each in super()._since(kept, modseq) if hasattr(each[0], "version")]


class TrustsItsCursor(MemorySource):
    def changes(self, folder: Folder, since: Cursor | None) -> Iterator[Page]:
        try:
            Place.parse(since or Cursor(""))
        except Exception:  # noqa: BLE001 - the bug
            since = None
        return super().changes(folder, since)


class GuessesBodies(MemorySource):
    def answer(self, ref: Ref) -> Message | Failure:
        answer = super().answer(ref)
        gone = isinstance(answer, Failure) and isinstance(answer.error, ItemGone)
        return Message(ref, (b"Subject: conformance 0002\r\n\r\n",)) if gone else answer


class HeadersOfTheNext(MemorySource):
    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        blocks = list(super().headers(refs))
        return zip([ref for ref, _ in blocks], [block for _, block in blocks[1:] + blocks[:1]], strict=True)


class HeadersOfOthers(MemorySource):
    def headers(self, refs: Iterable[Ref]) -> Iterator[tuple[Ref, bytes]]:
        return ((replace(ref, id="9:9"), block) for ref, block in super().headers(refs))


class Naming(MemorySource):
    """Promises identities."""

    def __init__(self, mailbox: MemoryMailbox, **options: int) -> None:
        super().__init__(mailbox, replace(FULL, identities=True), **options)


class OneIdentityForAll(Naming):
    def _seen(self, kept, message):
        return replace(super()._seen(kept, message), identity="same")


class IdentityOfTheFolder(Naming):
    def _seen(self, kept, message):
        return replace(super()._seen(kept, message), identity=f"{kept.id}:{message.uid}")


class SilentIdentity(Naming):
    def _seen(self, kept, message):
        return replace(super()._seen(kept, message), identity="")


MUTANTS: list[tuple[type[MemorySource], str]] = [
    (CursorAtTheEnd, "test_what_happens_during_a_full_pass_comes_with_the_next"),
    (CursorAtTheEnd, "test_what_happens_between_sessions_comes_to_a_resumed_full_pass"),
    (CursorTooSoon, "test_every_cursor_of_a_full_pass_resumes"),
    (CursorTooSoon, "test_every_cursor_of_a_delta_resumes"),
    (CursorThatWanders, "test_an_unchanged_folder_gives_the_cursor_it_was_asked_with"),
    (NoLastPage, "test_an_empty_folder_gives_one_empty_page"),
    (StampThatSleeps, "test_a_stamp_tells_every_change"),
    (StampTooNew, "test_a_stamp_is_no_newer_than_the_pass_of_its_session"),
    (RefsAtOnce, "test_refs_are_taken_as_they_are_needed"),
    (AnswersTwice, "test_each_ref_is_answered_once"),
    (AnswersNotIfGone, "test_a_message_that_left_is_answered_by_item_gone"),
    (TidiesLineEnds, "test_ugly_mail_comes_as_the_server_serves_it"),
    (TidiesLineEnds, "test_a_large_message_is_streamed"),
    (CountsWhatItListed, "test_count_and_inventory_are_of_now"),
    (ForgetsRemovals, "test_a_removed_message_is_reported"),
    (ForgetsRemovals, "test_what_happens_during_a_delta_comes_with_the_next"),
    (TrustsItsCursor, "test_a_cursor_that_cannot_be_used_is_refused"),
    (GuessesBodies, "test_a_message_that_left_is_answered_by_item_gone"),
    (HeadersOfTheNext, "test_a_header_block_is_what_the_message_begins_with"),
    (HeadersOfOthers, "test_a_header_block_is_what_the_message_begins_with"),
    (HeadersOfOthers, "test_header_blocks_may_be_asked_for_while_bodies_are_under_way"),
    (HeadersOfOthers, "test_what_has_left_has_no_header_block"),
    (OneIdentityForAll, "test_an_identity_stays_with_a_message_that_moves_and_is_no_one_elses"),
    (IdentityOfTheFolder, "test_an_identity_stays_with_a_message_that_moves_and_is_no_one_elses"),
    (SilentIdentity, "test_an_identity_stays_with_a_message_that_moves_and_is_no_one_elses"),
]


PARAMETERS = {
    "test_a_cursor_that_cannot_be_used_is_refused": ("nonsense",),
    "test_a_stamp_is_no_newer_than_the_pass_of_its_session": (True,),
}


@pytest.mark.parametrize(("mutant", "test"), MUTANTS)
def test_the_suite_notices(mutant: type[MemorySource], test: str) -> None:
    driver = MemoryDriver(lambda mailbox: mutant(mailbox, page_changes=2))
    extra = PARAMETERS.get(test, ())
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(SourceSuite(), test)(driver, *extra)
