"""Appends to a real server whose answers are lost, while others write: each happens once, and memory stays small."""

import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import pytest

from connectors.imap import CONNECTOR, ImapMailbox, ImapSettings
from connectors.model import BEGINNING, Folder, Mark, Message, Ref, Unknown
from connectors.protocols import Target
from connectors.testing.corpus import plain
from connectors.testing.promises.writing import NOWHERE, RECEIVED, Pieces
from fixtures.servers.dovecot import Dovecot
from fixtures.servers.losing import Losing

INBOX = Folder("INBOX", ("INBOX",))


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot(users=[f"user{number}" for number in range(20)]) as server:
        yield server


def target_at(server: Dovecot, user: str, port: int = 0) -> Target:
    settings = ImapSettings(server.host, port or server.port, tls="off", timeout=60)
    return CONNECTOR.open_target(settings, ImapMailbox(user, lambda: server.password))


def digest(message: Message) -> bytes:
    found = sha256()
    for chunk in message.raw:
        found.update(chunk)
    return found.digest()


@dataclass(slots=True)
class Another:
    """Someone else who writes to the same folder all the while."""

    server: Dovecot
    user: str
    digests: list[bytes] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        with closing(target_at(self.server, self.user)) as target:
            while not self.done.is_set():
                message = Message(NOWHERE, (plain(len(self.digests), b"by another\r\n"),))
                assert isinstance(target.append(INBOX, message, "other"), Ref)
                self.digests.append(digest(message))


@dataclass(slots=True)
class Once:
    """Does what `apply` will do: a mark on record, an append, and after a loss a look before it is tried again."""

    server: Dovecot
    user: str
    chance: Random
    taken: set[Ref] = field(default_factory=set)
    losses: Counter[str] = field(default_factory=Counter)

    def append(self, message: Message) -> None:
        wanted = digest(message)
        with closing(target_at(self.server, self.user)) as target:
            mark = target.mark(INBOX)
        while not self._try(mark, message, wanted):
            with closing(target_at(self.server, self.user)) as target:
                found = target.find(INBOX, mark, lambda each: digest(each) == wanted)
            if found:
                self.taken.add(found[0])
                return

    def _try(self, mark: Mark, message: Message, wanted: bytes) -> bool:
        fate = self.chance.choice(["before", "in the middle", "after", "none"])
        self.losses[fate] += 1
        if fate == "none":
            with closing(target_at(self.server, self.user)) as target:
                answer = target.append(INBOX, message, "op")
                assert isinstance(answer, Ref)
                self.taken.add(answer)
                return True
        after = self.chance.randrange(60, 300) if fate == "in the middle" else 0
        proxy = Losing(self.server.port, rb"APPEND ", happened=fate == "after", after=after)
        with proxy, closing(target_at(self.server, self.user, proxy.port)) as target:
            assert isinstance(target.append(INBOX, message, "op"), Unknown)
        return False


def run_losses(server: Dovecot, user: str, count: int, seed: int) -> None:
    with closing(target_at(server, user)) as target:
        target.mark(INBOX)  # Dovecot makes INBOX for whoever opens it first, and two must not be the first
    another, once = Another(server, user), Once(server, user, Random(seed))
    writer = threading.Thread(target=another.write)
    writer.start()
    ours = []
    try:
        for number in range(count):
            message = Message(
                NOWHERE, (plain(number // 2, b"ours\r\n" * 20),), received_at=RECEIVED
            )  # each is there twice
            once.append(message)
            ours.append(digest(message))
    finally:
        another.done.set()
        writer.join()
    held: list[bytes] = []
    with closing(target_at(server, user)) as target:
        refs = target.find(INBOX, BEGINNING, lambda message: held.append(digest(message)) is None)
    assert Counter(held) == Counter(ours + another.digests), f"seed {seed}"
    assert once.taken <= set(refs)
    assert len(once.taken) == count
    assert len(once.losses) == 4, "the seed gave no loss of some kind"


def test_appends_that_are_lost_happen_once_while_another_writes(server: Dovecot) -> None:
    run_losses(server, "user0", 16, seed=7)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(5))
def test_many_appends_that_are_lost_happen_once(server: Dovecot, seed: int) -> None:
    run_losses(server, f"user{seed + 1}", 200, seed)


@pytest.mark.parametrize("after", [1, 100, 70_000, 1_000_000])
def test_a_literal_that_was_cut_leaves_nothing(server: Dovecot, after: int) -> None:
    proxy = Losing(server.port, rb"APPEND ", happened=False, after=after)
    with proxy, closing(target_at(server, "user18", proxy.port)) as target:
        mark = target.mark(INBOX)
        answer = target.append(INBOX, Message(NOWHERE, Pieces(plain(1), 4 << 20)), "op")
    assert isinstance(answer, Unknown)
    with closing(target_at(server, "user18")) as target:
        assert target.find(INBOX, mark, lambda _: True) == []


def append_large(server: Dovecot, size: int) -> int:
    """The most memory that was in use for it."""
    message = Message(NOWHERE, Pieces(plain(1), size), received_at=RECEIVED)
    with closing(target_at(server, "user19")) as target:
        mark = target.mark(INBOX)
        tracemalloc.start()
        try:
            ref = target.append(INBOX, message, "op")
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert isinstance(ref, Ref)
        wanted = digest(message)
        assert target.find(INBOX, mark, lambda each: digest(each) == wanted) == [ref]
        target.remove(ref)
    return most


def test_a_large_message_is_not_held_in_memory(server: Dovecot) -> None:
    assert append_large(server, 10 << 20) < 3 << 20


@pytest.mark.proof
def test_a_message_of_150_mb_is_not_held_in_memory(server: Dovecot) -> None:
    assert append_large(server, 150 << 20) < 3 << 20
