"""Connections that die anywhere: with `Retrying` around it, the source still gives everything, once and exactly."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from connectors.imap import ImapMailbox, ImapSettings
from connectors.imap.connection import connect
from connectors.imap.reading.source import ImapSource
from connectors.model import Folder, Message, Page, Ref
from connectors.retrying import Pauses, Retrying
from fixtures.servers.cutting import Cutting
from fixtures.servers.dovecot import Dovecot

INBOX = Folder("INBOX", ("INBOX",))
SMALL = [b"Subject: %d\r\n\r\n" % number + b"x" * (number * 37 % 5000) + b"\r\n" for number in range(300)]
LARGE = [
    b"Subject: large %d\r\n\r\n" % number + Random(number).randbytes(1_250_000).hex().encode() for number in range(3)
]
MAILS = [*SMALL[:100], LARGE[0], *SMALL[100:200], *LARGE[1:], *SMALL[200:]]


@pytest.fixture(scope="module", params=("qresync", "plain"))
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(capability=request.param) as server:
        server.deliver("alice", "INBOX", MAILS)
        yield server


@pytest.mark.parametrize("seed", [1, 2, pytest.param(range(3, 60), marks=pytest.mark.proof)])
def test_everything_comes_once_whatever_is_cut(server: Dovecot, seed: int | range) -> None:
    for each in [seed] if isinstance(seed, int) else seed:
        pull_through_cuts(server, Random(each))


def pull_through_cuts(server: Dovecot, rng: Random) -> None:
    # The first connections die during login and listing, the others somewhere in the bodies.
    cuts = [rng.randint(1, 2000), rng.randint(500, 30_000), *(rng.randint(20_000, 1_200_000) for _ in range(6))]
    paused: list[float] = []
    with Cutting(server.port, cuts) as proxy:
        settings = ImapSettings(server.host, proxy.port, tls="off", timeout=20)

        def open_source() -> ImapSource:
            return ImapSource(connect(settings, ImapMailbox("alice", lambda: server.password)), window=50)

        source = Retrying(open_source, Pauses(attempts=20), paused.append, rng)
        pages: list[Page] = []

        def refs() -> Iterator[Ref]:
            for page in source.changes(INBOX, None):
                pages.append(page)
                yield from (change.ref for change in page.changes)

        answered: Counter[str] = Counter()
        bodies = []
        for answer in source.fetch(refs()):
            assert isinstance(answer, Message)
            answered[answer.ref.id] += 1
            bodies.append(b"".join(answer.raw))
        assert source.count(INBOX) == len(MAILS)
        source.close()
    assert paused, "no connection was lost"
    assert set(answered.values()) == {1}
    assert sorted(bodies) == sorted(MAILS)
    assert sum(page.last for page in pages) == 1
