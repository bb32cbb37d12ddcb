"""Promises about changes of what stands: exactly this message, only if it still is as it was seen."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from dataclasses import replace

import pytest

from connectors.errors import FolderGone, ItemGone
from connectors.model import Gone, Stale
from connectors.testing.driver import Path
from connectors.testing.promises.writing import (
    AWAY,
    INBOX,
    SYSTEM,
    any_message,
    assert_kept,
    changed,
    folder_of,
    held,
    if_can,
    letter,
    look,
    made,
    moved,
    put,
)
from connectors.testing.target_driver import TargetDriver

NONE: frozenset[str] = frozenset()
SEEN = frozenset({"\\Seen"})
FLAGGED = frozenset({"\\Flagged"})
DELETED = frozenset({"\\Deleted"})
LATER: Path = ("later",)


class EditPromises:
    """What `set_flags`, `move` and `remove` promise."""

    def test_flags_are_added_and_removed_and_others_left(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        _need_flags(driver)
        ref, other = put(target, folder, letter(1, SEEN)), put(target, folder, letter(2, SEEN))
        version = changed(target.set_flags(ref, FLAGGED, NONE))
        assert version.flags == SEEN | FLAGGED
        assert held(driver, folder, ref).version == version
        answered = target.keeps(folder, frozenset({"\\Answered"}))
        version = changed(target.set_flags(ref, frozenset({"\\Answered"}), SEEN))
        assert held(driver, folder, ref).version == version
        assert version.flags == FLAGGED | answered
        assert held(driver, folder, other).flags == SEEN

    def test_what_is_so_already_is_no_error(self, driver: TargetDriver) -> None:
        _need_flags(driver)
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1, SEEN))
        for _ in range(2):
            assert changed(target.set_flags(ref, SEEN, FLAGGED)).flags == SEEN
            assert changed(target.set_flags(ref, NONE, NONE)).flags == SEEN

    def test_keywords_that_are_kept_can_be_set(self, driver: TargetDriver) -> None:
        _need_flags(driver)
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1))
        wanted = frozenset({"$Forwarded", "another-one"})
        kept = target.keeps(folder, wanted)
        assert changed(target.set_flags(ref, wanted | SEEN, NONE)).flags == kept | SEEN
        assert held(driver, folder, ref).flags == kept | SEEN
        assert changed(target.set_flags(ref, NONE, wanted)).flags == SEEN

    def test_flags_of_someone_else_stay(self, driver: TargetDriver) -> None:
        _need_flags(driver)
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1))
        driver.set_flags(INBOX, ref.native, FLAGGED)
        assert changed(target.set_flags(ref, SEEN, NONE)).flags == SEEN | FLAGGED

    @pytest.mark.parametrize("tagged", [True, False], ids=["by tag", "by flags"])
    def test_a_condition_that_holds_lets_the_change_through(self, driver: TargetDriver, *, tagged: bool) -> None:
        _need_flags(driver)
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1, SEEN))
        seen = held(driver, folder, ref).version
        version = changed(target.set_flags(ref, FLAGGED, NONE, seen if tagged else replace(seen, tag="")))
        assert version.flags == SEEN | FLAGGED
        again = changed(target.set_flags(ref, NONE, SEEN, version if tagged else replace(version, tag="")))
        assert again.flags == FLAGGED
        assert held(driver, folder, ref).version == again

    @pytest.mark.parametrize("tagged", [True, False], ids=["by tag", "by flags"])
    def test_a_message_that_someone_changed_is_left_as_it_is(self, driver: TargetDriver, *, tagged: bool) -> None:
        _need_flags(driver)
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        ref = put(target, folder, letter(1))
        seen = held(driver, folder, ref).version
        seen = seen if tagged else replace(seen, tag="")
        driver.set_flags(INBOX, ref.native, SEEN)
        now = held(driver, folder, ref).version
        for answer in (
            target.set_flags(ref, FLAGGED, NONE, seen),
            target.move(ref, there, seen),
            target.remove(ref, seen),
        ):
            assert answer == Stale(now)
        assert {each: found.version for each, found in look(driver, folder).items()} == {ref: now}
        assert look(driver, there) == {}

    def test_a_removed_message_is_gone_and_only_that(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        refs = [put(target, folder, letter(1)) for _ in range(3)]
        assert target.remove(refs[1]) == Gone(refs[1])
        assert list(look(driver, folder)) == [refs[0], refs[2]]

    def test_removing_takes_no_other_that_is_marked_as_deleted(self, driver: TargetDriver) -> None:
        _need_flags(driver)
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        there = made(driver, AWAY)
        refs = [put(target, folder, letter(number)) for number in range(3)]
        if_can(lambda: driver.set_flags(INBOX, refs[0].native, DELETED))
        target.remove(refs[1])
        moved(target.move(refs[2], there))
        target.mark(there)
        target.find(there, target.mark(there), any_message)
        target.close()
        assert list(look(driver, folder)) == [refs[0]]
        assert held(driver, folder, refs[0]).flags == DELETED

    def test_a_condition_lets_a_removal_through(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1))
        assert target.remove(ref, held(driver, folder, ref).version) == Gone(ref)
        assert look(driver, folder) == {}

    @pytest.mark.parametrize("mine", [True, False], ids=["by the target", "by someone else"])
    def test_what_has_left_can_be_changed_no_more(self, driver: TargetDriver, *, mine: bool) -> None:
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        ref, other = put(target, folder, letter(1)), put(target, folder, letter(2))
        seen = held(driver, folder, ref).version
        if mine:
            target.remove(ref)
        else:
            driver.expunge(INBOX, ref.native)
        for condition in (None, seen, replace(seen, tag="")):
            with pytest.raises(ItemGone):
                target.set_flags(ref, SEEN, NONE, condition)
            with pytest.raises(ItemGone):
                target.remove(ref, condition)
            with pytest.raises(ItemGone):
                target.move(ref, there, condition)
        assert list(look(driver, folder)) == [other]
        assert look(driver, there) == {}

    def test_a_moved_message_is_the_same_elsewhere(self, driver: TargetDriver) -> None:
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        message = letter(1, target.keeps(folder, SYSTEM))
        put(target, there, letter(9))
        ref, other = put(target, folder, message), put(target, folder, letter(2))
        mark = target.mark(there)
        new = moved(target.move(ref, there))
        assert list(look(driver, folder)) == [other]
        assert_kept(target, held(driver, there, new), message)
        assert target.find(there, mark, any_message) == [new]

    def test_a_message_moves_there_and_back(self, driver: TargetDriver) -> None:
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        message = letter(1, target.keeps(folder, SYSTEM))
        ref = put(target, folder, message)
        seen = held(driver, folder, ref).version
        back = moved(target.move(moved(target.move(ref, there, seen)), folder))
        assert list(look(driver, folder)) == [back]
        assert_kept(target, held(driver, folder, back), message)
        assert look(driver, there) == {}

    def test_one_of_several_twins_is_moved(self, driver: TargetDriver) -> None:
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        twins = [put(target, folder, letter(1)) for _ in range(3)]
        put(target, there, letter(1))
        new = moved(target.move(twins[1], there))
        assert list(look(driver, folder)) == [twins[0], twins[2]]
        assert list(look(driver, there))[-1] == new
        assert len(look(driver, there)) == 2

    def test_nothing_moves_into_a_folder_that_is_gone(self, driver: TargetDriver) -> None:
        target, folder, there = driver.open_target(), folder_of(driver, INBOX), made(driver, AWAY)
        ref = put(target, folder, letter(1))
        driver.delete_folder(AWAY)
        with pytest.raises(FolderGone):
            target.move(ref, there)
        assert list(look(driver, folder)) == [ref]

    def test_changes_may_go_to_and_fro_between_folders(self, driver: TargetDriver) -> None:
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        folders = [folder, made(driver, AWAY), made(driver, LATER)]
        refs = [put(target, folders[number % 3], letter(number)) for number in range(9)]
        for ref in refs[:6]:
            target.set_flags(ref, target.keeps(folder, FLAGGED), NONE)
        for ref in refs[3:6]:
            target.remove(ref)
        found = {ref: each.flags for place in folders for ref, each in look(driver, place).items()}
        assert found == dict.fromkeys(refs[:3], target.keeps(folder, FLAGGED)) | dict.fromkeys(refs[6:], NONE)


def _need_flags(driver: TargetDriver) -> None:
    if not driver.open_target().capabilities.keeps_flags:
        pytest.skip("the mail system has no flags")
