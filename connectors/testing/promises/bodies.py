"""Promises about fetching: each ref answered once, exact bytes, large ones in a stream, refs taken as needed."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from collections import Counter
from collections.abc import Iterator

import pytest

from connectors.errors import ItemGone
from connectors.model import Failure, Message, Ref
from connectors.protocols import Source
from connectors.testing.corpus import UGLY, large
from connectors.testing.driver import Driver, NotTaken, Path
from connectors.testing.promises.bookkeeping import (
    ARRIVAL,
    NO_FLAGS,
    SEEN,
    Copy,
    Truth,
    checked,
    find_folder,
    flags_of,
    number_of,
    numbered,
    present,
)

INBOX: Path = ("INBOX",)


class Stop(Exception):
    """Raised by refs, as a caller's own trouble would be."""


class BodyPromises:
    """What `fetch` promises. A message of `large` bytes must be streamed; fewer than `ahead` refs are taken ahead."""

    many = 7
    large = 17 << 20
    ahead = 1000

    def test_each_ref_is_answered_once(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(self.many)
        source = driver.open()
        refs = present(source, find_folder(source, INBOX))
        answered = Counter(answer.ref for answer in source.fetch(reversed(refs)))
        assert answered == Counter(refs)

    def test_no_refs_no_answers(self, driver: Driver) -> None:
        assert list(driver.open().fetch(iter(()))) == []

    def test_ugly_mail_comes_as_the_server_serves_it(self, driver: Driver) -> None:
        names = [name for name in (self._append(driver, sample.raw) for sample in UGLY) if name]
        assert len(names) > len(UGLY) // 2, "the mail system takes next to nothing"
        source = driver.open()
        refs = present(source, find_folder(source, INBOX))
        fetched = [b"".join(answer.raw) for answer in source.fetch(refs) if isinstance(answer, Message)]
        assert len(fetched) == len(names)
        if source.capabilities.exact_bytes:
            assert sorted(fetched) == sorted(driver.raw(INBOX, name) for name in names)

    def test_a_message_carries_its_flags_and_its_arrival(self, driver: Driver) -> None:
        source = driver.open()
        flags = SEEN if source.capabilities.reports_flags else NO_FLAGS
        driver.append(INBOX, UGLY[2].raw, flags, ARRIVAL)
        (answer,) = source.fetch(present(source, find_folder(source, INBOX)))
        assert isinstance(answer, Message)
        assert (flags_of(answer.flags), answer.envelope) == (flags, None)
        assert answer.received_at is not None
        assert int(answer.received_at.timestamp()) == int(ARRIVAL.timestamp())

    def test_a_message_that_left_is_answered_by_item_gone(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.catch_up(source)
        left = numbered(source, list(copy.rows))[2]
        truth.drop(2)
        answers = {answer.ref: answer for answer in source.fetch(list(copy.rows))}
        assert answers.keys() == copy.rows.keys()
        failures = [answer for answer in answers.values() if isinstance(answer, Failure)]
        assert [failure.ref for failure in failures] == [left]
        assert isinstance(failures[0].error, ItemGone)

    def test_a_large_message_is_streamed(self, driver: Driver) -> None:
        name = driver.append(INBOX, large(1, self.large), NO_FLAGS, ARRIVAL)
        source = driver.open()
        answers = self._fetch_all(source)
        answer = next(answers)
        assert isinstance(answer, Message)
        assert not isinstance(answer.raw, tuple | list | bytes)
        rebuilt = bytearray()
        for chunk in answer.raw:
            assert len(chunk) <= self.large // 4, "a chunk is most of the message"
            rebuilt += chunk
        if source.capabilities.exact_bytes:
            assert bytes(rebuilt) == driver.raw(INBOX, name)
        assert list(answers) == []

    @pytest.mark.parametrize("chunks", [0, 1, 2])
    def test_what_is_left_of_a_large_message_is_skipped(self, driver: Driver, chunks: int) -> None:
        driver.append(INBOX, large(1, self.large), NO_FLAGS, ARRIVAL)
        driver.append(INBOX, large(2, 100), NO_FLAGS, ARRIVAL)
        driver.append(INBOX, large(3, self.large), NO_FLAGS, ARRIVAL)
        driver.append(INBOX, large(4, 100), NO_FLAGS, ARRIVAL)
        numbers = set()
        for answer in self._fetch_all(driver.open()):
            assert isinstance(answer, Message)
            if isinstance(answer.raw, tuple):
                numbers.add(number_of(b"".join(answer.raw)))
            else:
                raw = iter(answer.raw)
                assert all(next(raw) for _ in range(chunks))
        assert numbers == {2, 4}

    def test_large_messages_end_their_page(self, driver: Driver) -> None:
        for number in (1, 2, 3):
            driver.append(INBOX, large(number, self.large), NO_FLAGS, ARRIVAL)
        source = driver.open()
        pages = list(checked(source.changes(find_folder(source, INBOX), None)))
        assert sum(len(page.changes) for page in pages) == 3

    def test_refs_are_taken_as_they_are_needed(self, driver: Driver) -> None:
        """They may be endless: here each is a message that is posted when the source asks for it."""
        truth = Truth(driver, INBOX)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))

        def refs() -> Iterator[Ref]:
            for _ in range(self.ahead):
                truth.post()
                known = set(copy.rows)
                copy.catch_up(source)
                yield from copy.rows.keys() - known
            raise AssertionError("fetch takes refs without end before it answers the first")

        answers = source.fetch(refs())
        fetched = [next(answers) for _ in range(3)]
        assert all(isinstance(answer, Message) for answer in fetched)
        assert len({answer.ref for answer in fetched}) == 3

    def test_pages_are_asked_for_while_messages_are_fetched(self, driver: Driver) -> None:
        """As the engine does: the refs of a fetch come from the pages of a pass, in the same session."""
        truth = Truth(driver, INBOX)
        truth.post(self.many)
        source = driver.open()
        folder = find_folder(source, INBOX)
        refs = (change.ref for page in checked(source.changes(folder, None)) for change in page.changes)
        assert sorted(numbered(source, refs)) == sorted(truth.flags)

    def test_an_abandoned_fetch_leaves_the_session_usable(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(self.many)
        driver.append(INBOX, large(0, self.large), NO_FLAGS, ARRIVAL)
        source = driver.open()
        folder = find_folder(source, INBOX)
        refs = present(source, folder)
        for order in (refs, refs[::-1]):
            answers = source.fetch(order)
            first = next(answers)
            assert isinstance(first, Message)
            next(iter(first.raw))
            del answers, first
            assert source.count(folder) == self.many + 1
        assert sorted(numbered(source, refs)) == [0, *sorted(truth.flags)]

    def test_an_error_of_the_refs_passes_through(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        refs = present(source, find_folder(source, INBOX))

        def failing() -> Iterator[Ref]:
            yield refs[0]
            raise Stop

        with pytest.raises(Stop):
            list(source.fetch(failing()))
        assert sorted(numbered(source, refs)) == sorted(truth.flags)

    def _fetch_all(self, source: Source) -> Iterator[Message | Failure]:
        return source.fetch(present(source, find_folder(source, INBOX)))

    def _append(self, driver: Driver, raw: bytes) -> str:
        try:
            return driver.append(INBOX, raw, NO_FLAGS, ARRIVAL)
        except NotTaken:
            return ""
