"""Promises about marks: what `find` sees is what came after, whoever brought it, and nothing else."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

import pytest

from connectors.errors import FolderGone, Renumbered
from connectors.model import BEGINNING, Mark, Message
from connectors.testing.corpus import plain
from connectors.testing.promises.writing import (
    AWAY,
    INBOX,
    NOWHERE,
    RECEIVED,
    SYSTEM,
    Pieces,
    any_message,
    folder_of,
    if_can,
    instant,
    is_number,
    letter,
    look,
    made,
    put,
)
from connectors.testing.target_driver import TargetDriver


class MarkPromises:
    """What `mark` and `find` promise."""

    def test_nothing_comes_after_a_mark_that_was_just_taken(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        assert target.find(folder, target.mark(folder), any_message) == []
        put(target, folder, letter(1))
        assert target.find(folder, target.mark(folder), any_message) == []

    def test_what_is_appended_after_a_mark_is_found(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        put(target, folder, letter(1))
        mark = target.mark(folder)
        ref = put(target, folder, letter(2))
        assert target.find(folder, mark, is_number(2)) == [ref]
        assert target.find(folder, mark, is_number(1)) == []

    def test_an_equal_message_that_stood_there_before_is_not_found(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        driver.append(INBOX, plain(1), frozenset(), RECEIVED)
        put(target, folder, letter(1))
        mark = target.mark(folder)
        assert target.find(folder, mark, is_number(1)) == []
        ref = put(target, folder, letter(1))
        assert target.find(folder, mark, is_number(1)) == [ref]

    def test_a_mark_outlives_its_session(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        put(target, folder, letter(1))
        mark = target.mark(folder)
        ref = put(target, folder, letter(2))
        target.close()
        assert driver.open_target().find(folder, Mark(str(mark)), any_message) == [ref]

    def test_what_another_brings_meanwhile_is_found_too(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        mark = target.mark(folder)
        driver.append(INBOX, plain(7), frozenset(), RECEIVED)
        ours = put(target, folder, letter(8))
        driver.append(INBOX, plain(7), frozenset(), RECEIVED)
        assert target.find(folder, mark, is_number(8)) == [ours]
        assert target.find(folder, mark, is_number(7)) == [ref for ref in look(driver, folder) if ref != ours]
        assert len(target.find(folder, target.mark(folder), any_message)) == 0

    def test_a_mark_knows_what_another_brought_before(self, driver: TargetDriver) -> None:
        """Also when the session has had the folder open since before that."""
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        first = put(target, folder, letter(1))
        target.set_flags(first, frozenset(), frozenset())
        driver.append(INBOX, plain(2), frozenset(), RECEIVED)
        assert target.find(folder, target.mark(folder), any_message) == []

    def test_from_the_beginning_all_are_found_in_order(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        refs = [put(target, folder, letter(number)) for number in range(3)]
        assert target.find(folder, BEGINNING, any_message) == refs
        assert target.find(folder, BEGINNING, is_number(1)) == refs[1:2]

    def test_whoever_judges_sees_the_message_once_with_flags_and_date(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        mark = target.mark(folder)
        flags = target.keeps(folder, SYSTEM)
        refs = [put(target, folder, letter(number, flags)) for number in range(3)]
        seen: list[Message] = []

        def keep(message: Message) -> bool:
            seen.append(message)
            return True

        assert target.find(folder, mark, keep) == refs
        assert [message.ref for message in seen] == refs
        assert all(message.flags - {"\\Recent"} == flags for message in seen)
        if target.capabilities.keeps_dates:
            assert {instant(message.received_at) for message in seen} == {instant(RECEIVED)}

    def test_what_has_left_is_not_found(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        mark = target.mark(folder)
        first, second = (put(target, folder, letter(number)) for number in (1, 2))
        target.remove(second)
        assert target.find(folder, mark, any_message) == [first]
        target.remove(first)
        assert target.find(folder, mark, any_message) == []

    @pytest.mark.parametrize("pieces", [0, 1, 1000])
    def test_as_much_of_a_large_message_is_read_as_one_wants(self, driver: TargetDriver, pieces: int) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        mark = target.mark(folder)
        refs = [put(target, folder, Message(NOWHERE, Pieces(plain(number), 3 << 20))) for number in (1, 2)]
        refs.append(put(target, folder, letter(3)))

        def read(message: Message) -> bool:
            return all(chunk for _, chunk in zip(range(pieces), message.raw, strict=False))

        assert target.find(folder, mark, read) == refs

    def test_a_folder_made_anew_is_not_the_one_that_was_marked(self, driver: TargetDriver) -> None:
        old = made(driver, AWAY)
        target = driver.open_target()
        put(target, old, letter(1))
        mark = target.mark(old)
        driver.delete_folder(AWAY)
        new = made(driver, AWAY)
        fresh = driver.open_target()
        with pytest.raises(Renumbered):
            fresh.find(new, mark, any_message)
        assert fresh.find(new, BEGINNING, any_message) == []
        ref = put(fresh, new, letter(1))
        assert fresh.find(new, BEGINNING, is_number(1)) == [ref]

    def test_a_folder_numbered_anew_is_not_the_one_that_was_marked(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1))
        mark = target.mark(folder)
        target.close()
        if_can(lambda: driver.renumber(INBOX))
        fresh = driver.open_target()
        with pytest.raises(Renumbered):
            fresh.find(folder, mark, any_message)
        for write in (
            lambda: fresh.set_flags(ref, frozenset(), frozenset()),
            lambda: fresh.remove(ref),
            lambda: fresh.move(ref, folder),
        ):
            with pytest.raises(Renumbered):
                write()
        assert len(fresh.find(folder, BEGINNING, is_number(1))) == 1

    def test_a_mark_that_cannot_be_used_is_refused(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        put(target, folder, letter(1))
        for mark in ("nonsense", "{}", "[]", "null", "0", '{"v": 999}', '{"v": 1}'):
            with pytest.raises(Renumbered):
                target.find(folder, Mark(mark), any_message)
        assert len(target.find(folder, BEGINNING, any_message)) == 1

    def test_a_folder_that_is_gone_cannot_be_looked_through(self, driver: TargetDriver) -> None:
        folder = made(driver, AWAY)
        target = driver.open_target()
        mark = target.mark(folder)
        driver.delete_folder(AWAY)
        fresh = driver.open_target()
        with pytest.raises(FolderGone):
            fresh.find(folder, mark, any_message)
        with pytest.raises(FolderGone):
            fresh.mark(folder)
        fresh.mark(folder_of(driver, INBOX))
