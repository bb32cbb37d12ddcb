"""Header blocks through the wrappers of a source: paced, counted, asked for again, and left out."""

from random import Random

import pytest

from connectors.errors import Disconnected, LoginRefused
from connectors.memory import INBOX, MemoryMailbox, MemorySource
from connectors.metered import Metered
from connectors.model import Ref
from connectors.protocols import Heading, Source
from connectors.retrying import Pauses, Retrying
from connectors.testing.faulty import EACH, Faults, Raise
from connectors.throttled import Bucket, Throttled

HEAD = b"Subject: x\r\n"
REFS = [Ref("f1", f"1:{uid}") for uid in (1, 2, 3)]


@pytest.fixture
def mailbox() -> MemoryMailbox:
    mailbox = MemoryMailbox()
    for _ in REFS:
        mailbox.append(INBOX, HEAD + b"\r\nbody\r\n")
    return mailbox


def retrying(mailbox: MemoryMailbox, faults: Faults) -> Retrying:
    return Retrying(faults.opening(lambda: MemorySource(mailbox)), Pauses(attempts=3), lambda _: None, Random(1))


def test_they_are_paced_and_counted(mailbox: MemoryMailbox) -> None:
    slept: list[float] = []
    bucket = Bucket(1, 2, lambda: 0.0, slept.append)
    source = Metered(Throttled(MemorySource(mailbox), bucket, Bucket(1e9, 1e9, lambda: 0.0, slept.append)))
    assert isinstance(source, Heading)
    assert dict(source.headers(REFS)) == dict.fromkeys(REFS, HEAD)
    assert (source.bytes, slept) == (3 * len(HEAD), [1.0])


def test_a_source_without_them_leaves_them_all_out(mailbox: MemoryMailbox) -> None:
    def bare() -> Source:
        return Bare(MemorySource(mailbox))

    for source in (
        Metered(bare()),
        Throttled(bare(), *[Bucket(1, 1, lambda: 0.0, lambda _: None)] * 2),
        Retrying(bare, Pauses(), lambda _: None, Random(1)),
    ):
        assert list(source.headers(REFS)) == []


class Bare:
    """Nothing but what every source has."""

    def __init__(self, source: MemorySource) -> None:
        self.folders, self.changes, self.fetch = source.folders, source.changes, source.fetch
        self.inventory, self.count, self.close = source.inventory, source.count, source.close
        self.capabilities = source.capabilities


def test_a_cut_is_made_good_once_and_what_came_is_not_asked_for_again(mailbox: MemoryMailbox) -> None:
    with Faults(Raise("headers", Disconnected("cut"), after=1)) as faults:
        assert [ref for ref, _ in retrying(mailbox, faults).headers(REFS)] == REFS


def test_sessions_that_die_of_it_are_no_error(mailbox: MemoryMailbox) -> None:
    with Faults(Raise("headers", Disconnected("cut"), call=EACH)) as faults:
        source = retrying(mailbox, faults)
        assert list(source.headers(REFS)) == []
        assert len(list(source.fetch(REFS))) == 3


def test_a_refused_login_is_an_error(mailbox: MemoryMailbox) -> None:
    with Faults(Raise("open", LoginRefused("wrong"))) as faults, pytest.raises(LoginRefused):
        list(retrying(mailbox, faults).headers(REFS))
