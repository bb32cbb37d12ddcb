"""Promises about appends: exact bytes, flags, dates, order; a refusal leaves nothing behind."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import inf

import pytest

from connectors.errors import Disconnected, FolderGone, ItemError, ItemTooLarge, QuotaExceeded
from connectors.model import Message
from connectors.testing.corpus import UGLY, plain
from connectors.testing.driver import NotTaken
from connectors.testing.promises.writing import (
    AWAY,
    INBOX,
    KATHMANDU,
    NOWHERE,
    RECEIVED,
    SYSTEM,
    Pieces,
    assert_kept,
    folder_of,
    held,
    if_can,
    instant,
    letter,
    look,
    made,
    put,
)
from connectors.testing.target_driver import TargetDriver

DATES = (
    datetime(2023, 2, 3, 4, 5, 6, tzinfo=KATHMANDU),
    datetime(2024, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-11, minutes=-30))),
    datetime(2024, 2, 29, 0, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=14))),
    datetime(1999, 6, 7, 8, 9, 10, tzinfo=timezone(timedelta(hours=1, minutes=19, seconds=32))),
)
MADE = 64 << 20
CUSTOM = frozenset({"$Forwarded", "NonJunk", "custom-keyword"})


class Trouble(Exception):
    """Of the caller's own, while a message's bytes are read."""


class Fickle:
    """Bytes that are others each time they are read."""

    def __init__(self, *readings: bytes) -> None:
        self._readings = iter(readings)

    def __iter__(self) -> Iterator[bytes]:
        yield next(self._readings)


class Broken:
    """Bytes that cannot be read to the end once they have been read so many times."""

    def __init__(self, trouble: Exception, good: int) -> None:
        self._trouble, self.good = trouble, good

    def __iter__(self) -> Iterator[bytes]:
        yield plain(1)
        self.good -= 1
        if self.good < 0:
            raise self._trouble


class AppendPromises:
    """What `append`, `keeps` and `quota` promise. A message of `large` bytes is read in pieces."""

    large = 17 << 20

    def test_a_message_stands_as_it_was_appended(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        message = letter(1, target.keeps(folder, SYSTEM))
        ref = put(target, folder, message)
        assert list(look(driver, folder)) == [ref], "the Source does not know the ref"
        assert_kept(target, held(driver, folder, ref), message)

    def test_ugly_mail_is_kept_or_refused(self, driver: TargetDriver) -> None:
        """What is refused leaves nothing, and nothing is refused that is regular and has headers."""
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        taken, refused = {}, set()
        for sample in UGLY:
            message = Message(NOWHERE, (sample.raw,), received_at=RECEIVED)
            try:
                taken[put(target, folder, message)] = message
            except ItemError:
                refused.add(sample.name)
        stand = look(driver, folder)
        assert list(stand) == list(taken), "not what was taken stands there"
        for ref, message in taken.items():
            assert_kept(target, stand[ref], message)
        assert len(taken) > len(UGLY) * 3 // 4, f"these were refused: {refused}"

    def test_dates_of_any_offset_keep_their_moment(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        messages = [letter(number, received_at=date) for number, date in enumerate(DATES)]
        refs = [put(target, folder, message) for message in messages]
        stand = look(driver, folder)
        for ref, message in zip(refs, messages, strict=True):
            assert_kept(target, stand[ref], message)

    def test_a_message_without_a_date_arrives_now(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, replace(letter(1), received_at=None))
        assert instant(held(driver, folder, ref).seen.arrived_at) > instant(datetime(2023, 12, 31, tzinfo=UTC))

    def test_what_is_said_to_be_kept_is_kept_and_the_rest_is_left_out(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        wanted = SYSTEM | CUSTOM
        kept = target.keeps(folder, wanted)
        assert kept <= wanted
        assert kept or not target.capabilities.keeps_flags
        ref = put(target, folder, letter(1, wanted))
        assert held(driver, folder, ref).flags == kept

    def test_a_session_mark_is_not_kept(self, driver: TargetDriver) -> None:
        """\\Recent is the server's alone (RFC 3501 2.3.2), and a message that came with it is taken."""
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        assert target.keeps(folder, frozenset({"\\Recent"})) == frozenset()
        put(target, folder, letter(1, frozenset({"\\Recent"})))

    def test_two_equal_messages_are_two(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        refs = [put(target, folder, letter(1)) for _ in range(2)]
        assert len(set(refs)) == 2
        assert look(driver, folder).keys() == set(refs)

    def test_messages_stand_in_the_order_of_their_appends(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        mark = target.mark(folder)
        dates = [RECEIVED - timedelta(days=number) for number in range(12)]
        refs = [put(target, folder, letter(number, received_at=date)) for number, date in enumerate(dates)]
        assert target.find(folder, mark, lambda _: True) == refs

    def test_a_large_message_is_kept_exactly(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        message = Message(NOWHERE, Pieces(plain(1), self.large), received_at=RECEIVED)
        assert_kept(target, held(driver, folder, put(target, folder, message)), message)

    def test_a_message_in_many_small_pieces_is_kept_exactly(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        raw = plain(1, b"a\r\nb\r\n" * 500)
        message = Message(NOWHERE, tuple(raw[at : at + 7] for at in range(0, len(raw), 7)), received_at=RECEIVED)
        assert_kept(target, held(driver, folder, put(target, folder, message)), message)

    @pytest.mark.parametrize("good", [0, 1], ids=["at once", "when it is read again"])
    def test_trouble_in_reading_the_message_passes_through_and_leaves_nothing(
        self, driver: TargetDriver, good: int
    ) -> None:
        folder, taken = folder_of(driver, INBOX), 0
        for trouble in (Trouble(), Disconnected("of where the bytes come from", "open that again")):
            broken, raised = Broken(trouble, good), None
            try:
                put(driver.open_target(), folder, Message(NOWHERE, broken))
                taken += 1
            except (Trouble, Disconnected) as error:
                raised = error
            assert raised is (trouble if broken.good < 0 else None), "it did not come through as it was"
        assert len(look(driver, folder)) == taken

    @pytest.mark.parametrize("second", [b"", plain(1)[:-1], plain(1) + b"\r\n"], ids=["nothing", "shorter", "longer"])
    def test_bytes_that_change_while_they_are_read_are_not_written(self, driver: TargetDriver, second: bytes) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        try:
            put(target, folder, Message(NOWHERE, Fickle(plain(1), second), received_at=RECEIVED))
        except ValueError:
            assert look(driver, folder) == {}
        else:  # they were read only once
            assert len(look(driver, folder)) == 1

    def test_bytes_that_can_be_read_once_only_are_no_message(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        try:
            put(target, folder, Message(NOWHERE, iter([plain(1)]), received_at=RECEIVED))
        except ValueError:
            assert look(driver, folder) == {}
        else:
            assert len(look(driver, folder)) == 1

    def test_a_message_goes_into_any_folder(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        first, second = folder_of(driver, INBOX), target.ensure_folder(("Aktenschränke 保管",))
        for number, folder in enumerate((first, second, first, second)):
            put(target, folder, letter(number))
        assert [len(look(driver, folder)) for folder in (first, second)] == [2, 2]

    def test_a_folder_that_is_gone_takes_nothing(self, driver: TargetDriver) -> None:
        folder = made(driver, AWAY)
        target = driver.open_target()
        put(target, folder, letter(1))
        driver.delete_folder(AWAY)
        with pytest.raises(FolderGone):
            target.append(folder, letter(2), "op")
        put(target, folder_of(driver, INBOX), letter(3))

    def test_a_full_mailbox_takes_nothing_and_the_session_goes_on(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        try:
            driver.fill()
        except NotTaken as error:
            pytest.skip(f"the mailbox cannot be filled: {error}")
        before = set(look(driver, folder))
        with pytest.raises(QuotaExceeded):
            target.append(folder, Message(NOWHERE, Pieces(plain(1), 1 << 20)), "op")
        assert set(look(driver, folder)) == before
        assert target.find(folder, target.mark(folder), lambda _: True) == []

    def test_what_is_larger_than_the_largest_is_refused(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        largest = target.quota().largest
        if largest > MADE:
            pytest.skip("the largest message is too large to be made here, or there is none")
        with pytest.raises(ItemTooLarge):
            target.append(folder, Message(NOWHERE, Pieces(plain(1), int(largest) + 100)), "op")
        assert look(driver, folder) == {}

    def test_a_quota_that_is_told_counts_what_is_appended(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        before = target.quota()
        put(target, folder, Message(NOWHERE, Pieces(plain(1), 100_000), received_at=RECEIVED))
        after = target.quota()
        if before.told and before.limit != inf:
            assert 90_000 < after.used - before.used < 200_000
        assert after.told == before.told

    def test_closing_twice_does_no_harm(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        target.close()
        target.close()

    def test_nothing_is_refused_by_the_driver_for_no_reason(self, driver: TargetDriver) -> None:
        """The suite means something only if the other hand can write at all."""
        folder = folder_of(driver, INBOX)
        if_can(lambda: driver.append(INBOX, plain(1), frozenset(), RECEIVED))
        assert len(look(driver, folder)) == 1
