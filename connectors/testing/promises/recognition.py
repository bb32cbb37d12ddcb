"""Promises by which a message is known again without its body: header blocks and identities."""

# ruff: noqa: D102 - the name of a test is the promise that it checks

from collections.abc import Iterator

from connectors.body import header_block
from connectors.model import Capabilities, Message, Ref, Seen
from connectors.protocols import Heading, Source
from connectors.testing.driver import Driver, Path
from connectors.testing.promises.bookkeeping import Copy, Truth, find_folder, present

INBOX: Path = ("INBOX",)
OTHER: Path = ("other",)


def rows(source: Source, path: Path) -> list[Seen]:
    """What a full pass lists."""
    copy = Copy(find_folder(source, path))
    copy.catch_up(source)
    return list(copy.rows.values())


class RecognitionPromises:
    """What `Heading` and `Seen.identity` promise, where a source has them."""

    def test_a_header_block_is_what_the_message_begins_with(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(5)
        source = driver.open()
        if isinstance(source, Heading):
            refs = present(source, find_folder(source, INBOX))
            blocks = dict(source.headers(refs))
            assert set(blocks) <= set(refs)
            for answer in source.fetch(refs):
                assert isinstance(answer, Message)
                if answer.ref in blocks:
                    raw = b"".join(answer.raw)
                    assert header_block(raw).rstrip(b"\r\n") == header_block(blocks[answer.ref]).rstrip(b"\r\n")

    def test_header_blocks_may_be_asked_for_while_bodies_are_under_way(self, driver: Driver) -> None:
        Truth(driver, INBOX).post(6)
        source = driver.open()
        if isinstance(source, Heading):
            refs = present(source, find_folder(source, INBOX))
            assert {answer.ref for answer in source.fetch(self._asking(source, refs))} == set(refs)

    def test_what_has_left_has_no_header_block(self, driver: Driver) -> None:
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        if isinstance(source, Heading):
            refs = present(source, find_folder(source, INBOX))
            truth.drop(2)
            source = driver.open()
            assert isinstance(source, Heading)
            left = set(present(source, find_folder(source, INBOX)))
            assert {ref for ref, _ in source.headers(refs)} <= left

    def test_an_identity_stays_with_a_message_that_moves_and_is_no_one_elses(self, driver: Driver) -> None:
        driver.create_folder(OTHER)
        truth = Truth(driver, INBOX)
        truth.post(3)
        source = driver.open()
        before = [seen.identity for seen in rows(source, INBOX)]
        capabilities: Capabilities = source.capabilities
        assert len(set(before)) == (3 if capabilities.identities else 1), "or none has one"
        assert all(before) == capabilities.identities
        driver.move(INBOX, truth.names[2], OTHER)
        source = driver.open()
        (moved,) = rows(source, OTHER)
        assert moved.identity in before
        assert moved.identity not in [seen.identity for seen in rows(source, INBOX) if seen.identity]

    def _asking(self, source: Heading, refs: list[Ref]) -> Iterator[Ref]:
        for ref in refs:
            assert {each for each, _ in source.headers([ref])} <= {ref}
            yield ref
