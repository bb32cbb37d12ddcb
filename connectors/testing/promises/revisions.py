"""Promises about content that changes under its id."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from connectors.model import Message, Seen
from connectors.testing.corpus import plain
from connectors.testing.driver import Driver, Editing, Path
from connectors.testing.promises.bookkeeping import Copy, Truth, find_folder

INBOX: Path = ("INBOX",)


class RevisionPromises:
    """What `Seen.revision` promises, where messages may be edited."""

    def test_an_edited_message_comes_again_with_another_revision(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        copy = Copy(find_folder(source, INBOX))
        copy.catch_up(source)
        before = dict(copy.rows)
        assert all(bool(seen.revision) == source.capabilities.edits for seen in before.values()), "all, or none has one"
        if not source.capabilities.edits:
            return
        assert isinstance(driver, Editing)
        driver.edit(INBOX, truth.names[2], plain(77))
        source = driver.open()
        copy.catch_up(source)
        changed = {ref for ref, seen in copy.rows.items() if seen.revision != before[ref].revision}
        assert len(copy.rows) == 3
        (answer,) = source.fetch(changed)
        assert isinstance(answer, Message)
        assert b"77" in b"".join(answer.raw)

    def test_a_full_pass_tells_the_revision_that_a_delta_told(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(3)
        rows: list[dict[str, Seen]] = []
        for _ in range(2):
            source = driver.open()
            copy = Copy(find_folder(source, INBOX))
            copy.catch_up(source)
            rows.append({ref.id: seen for ref, seen in copy.rows.items()})
        assert rows[0] == rows[1]
