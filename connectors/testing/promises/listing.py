"""Promises about folders: how they are listed, what their stamps say, how many messages they hold."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from collections.abc import Callable

import pytest

from connectors.errors import CursorExpired, FolderGone, FolderRefused, ReplicationError
from connectors.model import Cursor, Role
from connectors.testing.driver import Driver, NotTaken, Path
from connectors.testing.promises.bookkeeping import Copy, Truth, assert_agree, find_folder, present

INBOX: Path = ("INBOX",)
NAMES = (
    "Entwürfe & Büro",
    "日本語",
    "100% sure",
    "two  blanks",
    "~tilde",
    "&",
    "a&-b",
    "'quotes\"",
    "[x]*{y}",
    "-",
    "cafe\N{COMBINING ACUTE ACCENT}",
)


class ListingPromises:
    """What `folders`, `count`, `inventory` and `close` promise."""

    def test_inbox_is_listed_with_its_role(self, driver: Driver) -> None:
        assert find_folder(driver.open(), INBOX).role is Role.INBOX

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_given_as_it_was_made(self, driver: Driver, name: str) -> None:
        try:
            driver.create_folder((name,))
        except NotTaken:
            pytest.skip("the mail system has no such names")
        Truth(driver, (name,)).post()
        source = driver.open()
        assert source.count(find_folder(source, (name,))) == 1

    def test_parents_come_before_children(self, driver: Driver) -> None:
        made: list[Path] = [("b",), ("b", "a"), ("b", "a", "c"), ("a",), ("a", "z")]
        for path in made:
            driver.create_folder(path)
        listed = [folder.path for folder in driver.open().folders()]
        assert set(made) <= set(listed)
        for path in made:
            assert path[:-1] in [(), *listed[: listed.index(path)]]

    def test_ids_differ_and_stay(self, driver: Driver) -> None:
        driver.create_folder(("a",))
        driver.create_folder(("a", "b"))
        ids = {folder.path: folder.id for folder in driver.open().folders()}
        assert len(set(ids.values())) == len(ids)
        assert {folder.path: folder.id for folder in driver.open().folders()} == ids

    def test_an_id_outlives_a_rename(self, driver: Driver) -> None:
        driver.create_folder(("old",))
        truth = Truth(driver, ("old",))
        truth.post(2)
        source = driver.open()
        copy = Copy(find_folder(source, ("old",)))
        copy.catch_up(source)
        if source.capabilities.stable_folder_ids:
            driver.rename_folder(("old",), ("new",))
            source = driver.open()
            assert find_folder(source, ("new",)).id == copy.folder.id
            copy.folder = find_folder(source, ("new",))
            copy.catch_up(source)
            assert_agree(source, copy, truth)

    def test_a_stamp_tells_every_change(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(2)
        changes: list[Callable[[], object]] = [truth.post, lambda: truth.drop(1)]
        if driver.open().capabilities.reports_flags:
            changes += [lambda: truth.flag(2)]
        for change in changes:
            stamp = find_folder(driver.open(), INBOX).stamp
            change()
            assert stamp == "" or find_folder(driver.open(), INBOX).stamp != stamp

    @pytest.mark.parametrize("early", [True, False])
    def test_a_stamp_is_no_newer_than_the_pass_of_its_session(self, driver: Driver, early: bool) -> None:  # noqa: FBT001
        """What the pass did not see, because it came after the session opened, the stamp must not cover."""
        truth = Truth(driver, INBOX)
        truth.post(2)
        source = driver.open()
        truth.post(early)
        copy = Copy(find_folder(source, INBOX))
        truth.post(not early)
        copy.catch_up(source)
        fresh = driver.open()
        if len(copy.rows) < len(truth.flags):
            assert copy.folder.stamp == "" or find_folder(fresh, INBOX).stamp != copy.folder.stamp
        copy.catch_up(fresh)
        assert_agree(fresh, copy, truth)

    def test_count_and_inventory_are_of_now(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        source = driver.open()
        folder = find_folder(source, INBOX)
        assert (source.count(folder), list(source.inventory(folder))) == (0, [])
        truth.post(3)
        assert (source.count(folder), len(set(source.inventory(folder)))) == (3, 3)
        truth.drop(2)
        assert (source.count(folder), len(set(source.inventory(folder)))) == (2, 2)

    def test_inventory_and_changes_name_messages_alike(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(3)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.catch_up(source)
        assert set(source.inventory(copy.folder)) == set(copy.rows)
        assert set(driver.open().inventory(copy.folder)) == set(copy.rows), "ids do not outlive the session"

    def test_a_deleted_folder_is_gone(self, driver: Driver) -> None:
        driver.create_folder(("doomed",))
        folder = find_folder(driver.open(), ("doomed",))
        driver.delete_folder(("doomed",))
        source = driver.open()
        assert ("doomed",) not in [each.path for each in source.folders()]
        for ask in (lambda: next(source.changes(folder, None)), lambda: list(source.inventory(folder))):
            with pytest.raises(FolderGone):
                ask()
        with pytest.raises(FolderGone):
            source.count(folder)
        assert source.count(find_folder(source, INBOX)) == 0, "the session did not outlive the error"

    def test_a_folder_that_cannot_be_read_is_refused_and_not_gone(self, driver: Driver) -> None:
        """Whether or not the listing knows it (`selectable`): out of reach is not deleted."""
        driver.create_folder(("locked",))
        Truth(driver, ("locked",)).post()
        folder = find_folder(driver.open(), ("locked",))
        assert folder.selectable
        try:
            driver.lock_folder(("locked",))
        except NotTaken:
            pytest.skip("the mail system has no such folders, or the user that runs this may read all")
        source = driver.open()
        for each in (folder, find_folder(source, ("locked",))):
            for ask in (lambda each=each: next(source.changes(each, None)), lambda each=each: source.count(each)):
                with pytest.raises(FolderRefused):
                    ask()
        assert source.count(find_folder(source, INBOX)) == 0, "the session did not outlive the error"

    def test_a_folder_that_can_be_read_is_selectable(self, driver: Driver) -> None:
        driver.create_folder(("a",))
        source = driver.open()
        assert find_folder(source, ("a",)).selectable
        assert find_folder(source, INBOX).selectable

    @pytest.mark.parametrize("cursor", ["", "nonsense", "{}", "[]", '{"v": 999}', "null", "0", '{"v": 1}'])
    def test_a_cursor_that_cannot_be_used_is_refused(self, driver: Driver, cursor: str) -> None:
        Truth(driver, INBOX).post()
        source = driver.open()
        folder = find_folder(source, INBOX)
        with pytest.raises(CursorExpired):
            next(source.changes(folder, Cursor(cursor)))
        (page,) = source.changes(folder, None)
        assert len(page.changes) == 1, "the full pass that answers it cannot be had"

    def test_closing_twice_does_no_harm(self, driver: Driver) -> None:
        source = driver.open()
        list(source.folders())
        source.close()
        source.close()

    def test_closing_in_the_middle_ends_what_is_under_way(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(3)
        source = driver.open()
        folder = find_folder(source, INBOX)
        refs = present(source, folder)
        answers = source.fetch(iter(refs))
        next(answers)
        source.close()
        with pytest.raises(ReplicationError):
            list(answers)
        with pytest.raises(ReplicationError):
            source.count(folder)
