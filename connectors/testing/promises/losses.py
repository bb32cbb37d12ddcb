"""Promises about lost answers: whether a write happened can be found out, and then it is done once."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

import pytest

from connectors.errors import Disconnected, ItemGone
from connectors.model import Folder, Message, Ref, Unknown
from connectors.protocols import Target
from connectors.testing.corpus import plain
from connectors.testing.promises.writing import (
    AWAY,
    INBOX,
    NOWHERE,
    RECEIVED,
    Pieces,
    any_message,
    changed,
    folder_of,
    held,
    if_can,
    is_number,
    letter,
    look,
    made,
    put,
)
from connectors.testing.target_driver import TargetDriver, Write

FLAGGED = frozenset({"\\Flagged"})
NONE: frozenset[str] = frozenset()
HAPPENED = pytest.mark.parametrize("happened", [True, False], ids=["it happened", "it did not happen"])


class LossPromises:
    """What is promised of a session that dies in the middle of a write."""

    @HAPPENED
    def test_an_append_of_unknown_outcome_is_found_out(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "append", happened=happened)
        driver.append(INBOX, plain(1), frozenset(), RECEIVED)
        mark = losing.mark(folder)
        _assert_lost(losing.append(folder, letter(1), "op"))
        driver.append(INBOX, plain(2), frozenset(), RECEIVED)
        found = driver.open_target().find(folder, mark, is_number(1))
        assert len(found) == happened
        assert len(look(driver, folder)) == 2 + happened

    @HAPPENED
    def test_looked_for_first_an_append_happens_once(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "append", happened=happened)
        mark = losing.mark(folder)
        _assert_lost(losing.append(folder, letter(1), "op"))
        target = driver.open_target()
        found = target.find(folder, mark, is_number(1))
        ref = found[0] if found else put(target, folder, letter(1))
        assert list(look(driver, folder)) == [ref]
        assert target.find(folder, mark, is_number(1)) == [ref]

    @HAPPENED
    def test_a_large_append_of_unknown_outcome_is_found_out(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "append", happened=happened)
        mark = losing.mark(folder)
        _assert_lost(losing.append(folder, Message(NOWHERE, Pieces(plain(1), 3 << 20)), "op"))
        assert len(driver.open_target().find(folder, mark, any_message)) == happened

    @HAPPENED
    def test_a_session_that_died_does_nothing_more(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "append", happened=happened)
        ref = put(driver.open_target(), folder, letter(0))
        _assert_lost(losing.append(folder, letter(1), "op"))
        _assert_lost(losing.append(folder, letter(2), "op"))
        _assert_lost(losing.move(ref, folder))
        for act in (lambda: losing.mark(folder), lambda: losing.remove(ref), lambda: losing.ensure_folder(AWAY)):
            with pytest.raises(Disconnected):
                act()
        losing.close()
        assert len(look(driver, folder)) == 1 + happened

    @HAPPENED
    def test_a_lost_change_of_flags_can_be_repeated(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "set_flags", happened=happened)
        ref = put(losing, folder, letter(1))
        with pytest.raises(Disconnected):
            losing.set_flags(ref, FLAGGED, NONE)
        target = driver.open_target()
        kept = target.keeps(folder, FLAGGED)
        assert held(driver, folder, ref).flags == (kept if happened else NONE)
        assert changed(target.set_flags(ref, FLAGGED, NONE)).flags == kept

    @HAPPENED
    def test_a_lost_removal_can_be_repeated(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "remove", happened=happened)
        ref, other = put(losing, folder, letter(1)), put(losing, folder, letter(1))
        with pytest.raises(Disconnected):
            losing.remove(ref)
        target = driver.open_target()
        if happened:
            with pytest.raises(ItemGone):
                target.remove(ref)
        else:
            target.remove(ref)
        assert list(look(driver, folder)) == [other]

    @HAPPENED
    def test_a_move_of_unknown_outcome_is_found_out(self, driver: TargetDriver, *, happened: bool) -> None:
        folder, losing = _losing(driver, "move", happened=happened)
        there = made(driver, AWAY)
        put(losing, there, letter(1))
        ref = put(losing, folder, letter(1))
        mark = losing.mark(there)
        _assert_lost(losing.move(ref, there))
        target = driver.open_target()
        assert len(target.find(there, mark, is_number(1))) == happened
        assert len(look(driver, there)) == 1 + happened
        assert (ref in look(driver, folder)) != happened


def _losing(driver: TargetDriver, write: Write, *, happened: bool) -> tuple[Folder, Target]:
    return folder_of(driver, INBOX), if_can(lambda: driver.open_losing(write, happened=happened))


def _assert_lost(answer: Ref | Unknown | object) -> None:
    assert isinstance(answer, Unknown), f"{answer} instead of Unknown"
    assert isinstance(answer.error, Disconnected)
    assert not answer.written
