"""Promises about folders: made once, whole, under exactly that name, or refused; renamed with all that is in them."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

import pytest

from connectors.errors import FolderGone, FolderRefused
from connectors.model import BEGINNING, Ref, Role
from connectors.protocols import Target
from connectors.testing.corpus import plain
from connectors.testing.driver import NotTaken, Path
from connectors.testing.promises.bookkeeping import NO_FLAGS
from connectors.testing.promises.writing import (
    INBOX,
    RECEIVED,
    any_message,
    folder_of,
    if_can,
    letter,
    look,
    paths,
    put,
)
from connectors.testing.target_driver import TargetDriver

NAMES: tuple[Path, ...] = (
    ("Archiv", "2024", "März"),
    ("Entwürfe",),
    ("保管 \N{HOT BEVERAGE}",),
    ("R&D",),
    ('say "what"',),
    ("back\\slash",),
    ("per cent %s 100%",),
    ("star*",),
    ("~tilde", "#hash"),
    ("a.b", "c"),
    ("a/b",),
    ("two  spaces",),
    ("NIL",),
    ("e\N{COMBINING ACUTE ACCENT}",),
    ("INBOX", "below"),
    ("a\nb",),
    ("a\0b",),
    ("\ud800",),
    ("",),
    ("x", ""),
    ("..",),
    ("y" * 300,),
)


class MakingPromises:
    """What `ensure_folder` and `rename_folder` promise."""

    def test_a_folder_is_made_under_exactly_that_name_or_refused(self, driver: TargetDriver) -> None:
        target, before = driver.open_target(), paths(driver)
        made, refused = {}, set()
        for path in NAMES:
            try:
                made[path] = target.ensure_folder(path)
            except FolderRefused:
                refused.add(path)
        stand = paths(driver)
        assert made.keys() <= stand
        assert not stand & refused
        assert stand - before <= {path[:depth] for path in NAMES for depth in range(1, len(path) + 1)}
        assert len(made) > len(NAMES) // 3, f"these were refused: {refused}"
        for path, folder in made.items():
            assert folder.path == path
            assert folder_of(driver, path).id == folder.id
            put(target, folder, letter(1))
        assert [len(target.find(folder, BEGINNING, any_message)) for folder in made.values()] == [1] * len(made)

    def test_a_folder_that_stands_is_left_as_it_is(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        folder = target.ensure_folder(("a", "b"))
        ref = put(target, folder, letter(1))
        again = target.ensure_folder(("a", "b"))
        assert (again.id, again.path) == (folder.id, folder.path)
        assert list(look(driver, again)) == [ref]
        assert driver.open_target().ensure_folder(INBOX).id == folder_of(driver, INBOX).id

    def test_a_folder_that_someone_else_made_is_found(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        target.ensure_folder(("mine",))
        if_can(lambda: driver.create_folder(("theirs",)))
        driver.append(("theirs",), plain(1), NO_FLAGS, RECEIVED)
        assert len(look(driver, target.ensure_folder(("theirs",)))) == 1

    def test_a_deleted_folder_is_made_anew(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        put(target, target.ensure_folder(("back",)), letter(1))
        driver.delete_folder(("back",))
        again = target.ensure_folder(("back",))
        assert look(driver, again) == {}
        put(target, again, letter(2))

    @pytest.mark.parametrize("role", [Role.ARCHIVE, Role.JUNK, Role.SENT])
    def test_a_role_is_set_or_not_claimed(self, driver: TargetDriver, role: Role) -> None:
        folder = driver.open_target().ensure_folder(("for a purpose",), role)
        assert folder.role in (role, Role.NONE)
        assert folder_of(driver, ("for a purpose",)).role == folder.role

    def test_a_renamed_folder_keeps_its_messages_and_what_is_below(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        put(target, target.ensure_folder(("old",)), letter(1))
        put(target, target.ensure_folder(("old", "below")), letter(2))
        renamed = target.rename_folder(folder_of(driver, ("old",)), ("renamed", "Größe"))
        assert renamed.path == ("renamed", "Größe")
        assert folder_of(driver, renamed.path).id == renamed.id
        assert len(look(driver, renamed)) == 1
        assert len(look(driver, folder_of(driver, ("renamed", "Größe", "below")))) == 1
        assert not {("old",), ("old", "below")} & paths(driver)
        put(target, renamed, letter(3))
        assert len(target.find(renamed, target.mark(renamed), any_message)) == 0

    def test_a_rename_does_not_replace_another_folder(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        refs = _filled(target, ("one",)) + _filled(target, ("two",))
        with pytest.raises(FolderRefused):
            target.rename_folder(folder_of(driver, ("one",)), ("two",))
        assert [*look(driver, folder_of(driver, ("one",))), *look(driver, folder_of(driver, ("two",)))] == refs

    def test_a_folder_that_is_gone_is_not_renamed(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        folder = target.ensure_folder(("doomed",))
        driver.delete_folder(("doomed",))
        with pytest.raises(FolderGone):
            target.rename_folder(folder, ("elsewhere",))
        assert ("elsewhere",) not in paths(driver)

    def test_the_inbox_is_not_renamed(self, driver: TargetDriver) -> None:
        """IMAP would move its messages and leave it (RFC 3501 6.3.5)."""
        target, folder = driver.open_target(), folder_of(driver, INBOX)
        ref = put(target, folder, letter(1))
        with pytest.raises(FolderRefused):
            target.rename_folder(folder, ("elsewhere",))
        assert list(look(driver, folder)) == [ref]
        assert ("elsewhere",) not in paths(driver)

    def test_a_folder_that_cannot_be_opened_takes_nothing(self, driver: TargetDriver) -> None:
        target = driver.open_target()
        folder = target.ensure_folder(("locked",))
        try:
            driver.lock_folder(("locked",))
        except NotTaken:
            pytest.skip("the mail system has no such folders, or the user that runs this may do all")
        fresh = driver.open_target()
        with pytest.raises(FolderRefused):
            fresh.append(folder, letter(1), "op")
        put(fresh, folder_of(driver, INBOX), letter(1))


def _filled(target: Target, path: Path) -> list[Ref]:
    return [put(target, target.ensure_folder(path), letter(1))]
