"""Promises about passes: pages tile, cursors resume, nothing that happens meanwhile is lost."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from connectors.model import Gone, Page, Seen
from connectors.protocols import Source
from connectors.testing.driver import Driver, Path
from connectors.testing.promises.bookkeeping import (
    ARRIVAL,
    NO_FLAGS,
    SEEN,
    Copy,
    Truth,
    assert_agree,
    checked,
    find_folder,
    numbered,
)

INBOX: Path = ("INBOX",)


class ChangePromises:
    """What `changes` promises. `many` messages need more than two pages of the source that the driver opens."""

    many = 7

    def test_a_full_pass_lists_every_message_once(self, driver: Driver) -> None:
        pages = self._full(driver, Truth(driver, INBOX))
        refs = [change.ref for page in pages for change in page.changes]
        assert len(pages) > 2, "the driver's pages are not small enough for `many`"
        assert len(refs) == len(set(refs)) == self.many

    def test_an_empty_folder_gives_one_empty_page(self, driver: Driver) -> None:
        source = driver.open()
        (page,) = checked(source.changes(find_folder(source, INBOX), None))
        assert page.changes == ()

    def test_a_row_says_when_and_how_large(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post()
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.catch_up(source)
        (seen,) = copy.rows.values()
        assert int(seen.arrived_at.timestamp()) == int(ARRIVAL.timestamp()) + 1
        if source.capabilities.exact_sizes:
            assert seen.size == len(driver.raw(INBOX, truth.names[1]))

    def test_an_unchanged_folder_gives_the_cursor_it_was_asked_with(self, driver: Driver) -> None:
        """Or one that goes on like it, and nothing that was not told before, if the source renews cursors."""
        source, copy, truth = self._settled(driver)
        before = dict(copy.rows)
        for session in (source, driver.open(), source):
            assert copy.cursor is not None
            pages = list(checked(session.changes(copy.folder, copy.cursor)))
            if not source.capabilities.renews_cursors:
                assert pages == [Page((), copy.cursor, last=True)]
            copy.take(*pages)
            assert copy.rows == before
        truth.post()
        self._check_caught_up(source, copy, truth)

    def test_every_cursor_of_a_full_pass_resumes(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        self._check_resumes(driver, truth, Copy(find_folder(driver.open(), INBOX)), self._full(driver, truth))

    def test_every_cursor_of_a_delta_resumes(self, driver: Driver) -> None:
        source, copy, truth = self._settled(driver)
        truth.post(self.many)
        self._check_resumes(driver, truth, copy, list(checked(source.changes(copy.folder, copy.cursor))))

    def test_what_happens_during_a_full_pass_comes_with_the_next(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(self.many)
        source = driver.open()
        self._check_disturbed(source, Copy(find_folder(source, INBOX)), truth)

    def test_what_happens_during_a_delta_comes_with_the_next(self, driver: Driver) -> None:
        source, copy, truth = self._settled(driver)
        truth.post(self.many)
        self._check_disturbed(source, copy, truth)

    def test_what_happens_between_all_pages_comes_in_the_end(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(self.many)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        for number, page in enumerate(checked(source.changes(copy.folder, None)), start=1):
            assert number <= 10 * self.many, "a pass never ends while mail arrives"
            copy.take(page)
            truth.post()
            if number in truth.flags and number < 5:
                truth.drop(number)
        self._check_caught_up(driver.open(), copy, truth)

    def test_what_happens_between_sessions_comes_to_a_resumed_full_pass(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(self.many)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.take(next(source.changes(copy.folder, None)))
        source.close()
        fresh = driver.open()
        self._disturb(fresh, copy, truth)
        copy.catch_up(fresh)
        self._check_caught_up(driver.open(), copy, truth)

    def test_a_new_message_is_reported(self, driver: Driver) -> None:
        source, copy, truth = self._settled(driver)
        (number,) = truth.post()
        before = set(copy.rows)
        copy.catch_up(source)
        assert list(numbered(source, set(copy.rows) - before)) == [number]

    def test_a_removed_message_is_reported(self, driver: Driver) -> None:
        source, copy, truth = self._settled(driver)
        ref = numbered(source, list(copy.rows))[2]
        truth.drop(2)
        changes = [change for page in checked(source.changes(copy.folder, copy.cursor)) for change in page.changes]
        assert (Gone(ref) in changes) is source.capabilities.reports_removals
        assert ref not in set(source.inventory(copy.folder))

    def test_new_flags_are_reported_with_a_new_version(self, driver: Driver) -> None:
        source, copy, truth = self._settled(driver)
        ref = numbered(source, list(copy.rows))[2]
        before = copy.rows[ref]
        if not source.capabilities.reports_flags:
            assert before.flags == NO_FLAGS
            return
        for flags in (SEEN, SEEN | {"\\Flagged"}, NO_FLAGS):
            truth.flag(2, flags)
            copy.catch_up(source)
            assert_agree(source, copy, truth)
            assert before.version == "" or copy.rows[ref].version != before.version
            before = copy.rows[ref]

    def test_a_moved_message_leaves_one_folder_and_comes_to_the_other(self, driver: Driver) -> None:
        driver.create_folder(("other",))
        source, copy, truth = self._settled(driver)
        there = Copy(find_folder(source, ("other",)))
        there.catch_up(source)
        driver.move(INBOX, truth.names.pop(3), ("other",))
        del truth.flags[3]
        there.catch_up(source)
        assert list(numbered(source, list(there.rows))) == [3]
        self._check_caught_up(source, copy, truth)

    def _full(self, driver: Driver, truth: Truth) -> list[Page]:
        truth.post(self.many)
        source = driver.open()
        return list(checked(source.changes(find_folder(source, INBOX), None)))

    def _settled(self, driver: Driver) -> tuple[Source, Copy, Truth]:
        """A folder of three messages, and a copy that has them all."""
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.catch_up(source)
        return source, copy, truth

    def _check_resumes(self, driver: Driver, truth: Truth, copy: Copy, pages: list[Page]) -> None:
        """The first pages of a broken pass and the rest of it in a new session are all that there is."""
        assert len(pages) > 2, "the driver's pages are not small enough for `many`"
        rows = dict(copy.rows)
        for kept in sorted({1, 2, len(pages) // 2, len(pages) - 1, len(pages)}):
            copy.rows = dict(rows)
            copy.take(*pages[:kept])
            source = driver.open()
            copy.catch_up(source)
            assert_agree(source, copy, truth)
            source.close()

    def _check_disturbed(self, source: Source, copy: Copy, truth: Truth) -> None:
        pages = checked(source.changes(copy.folder, copy.cursor))
        copy.take(next(pages))
        self._disturb(source, copy, truth)
        copy.take(*pages)
        self._check_caught_up(source, copy, truth)

    def _disturb(self, source: Source, copy: Copy, truth: Truth) -> None:
        """New mail; and of what the copy has, and of what it has not yet, one is flagged and one removed."""
        listed = sorted(numbered(source, list(copy.rows)))
        unlisted = sorted(set(truth.flags) - set(listed))
        truth.post(2)
        for number in (listed[0], unlisted[0]):
            if source.capabilities.reports_flags:
                truth.flag(number)
        for number in {listed[-1], unlisted[-1]} - {listed[0], unlisted[0]}:
            truth.drop(number)

    def _check_caught_up(self, source: Source, copy: Copy, truth: Truth) -> None:
        copy.catch_up(source)
        copy.prune(source)
        assert_agree(source, copy, truth)
        assert all(isinstance(seen, Seen) for seen in copy.rows.values())
