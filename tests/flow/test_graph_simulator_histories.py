"""Random histories: a client that believes every row of delta, in order, ends with what is there, whatever the quirks.

But for the two ways of Graph that lose things, which are switched off here: no client could know.
"""

from random import Random

import pytest

from connectors.testing.corpus import plain
from fixtures.exchange import Mailbox
from fixtures.graph import GraphServer, Quirks
from fixtures.graph.client import IMMUTABLE, Client

PLACES = ("inbox", "archive", "sentitems")
STEPS = 60


class Replica:
    """What a client makes of the rows of some folders."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._links = {place: f"mailFolders/{place}/messages/delta?$select=isRead,changeKey" for place in PLACES}
        self.held: dict[str, dict[str, bool]] = {place: {} for place in PLACES}

    def pull(self, place: str) -> None:
        """One round. A row without isRead says that it has not changed."""
        _, rows, self._links[place] = self._client.round(self._links[place])
        held = self.held[place]
        for row in rows:
            if "@removed" in row:
                held.pop(row["id"], None)
            else:
                held[row["id"]] = row["isRead"] if "isRead" in row else held[row["id"]]


def step(rng: Random, mailbox: Mailbox, number: int) -> None:
    """Something that a user does."""
    items = [item for place in PLACES for item in mailbox.items(place)]
    if not items or rng.random() < 0.3:
        mailbox.deliver(rng.choice(PLACES), plain(number))
        return
    name = rng.choice(items).immutable_id
    match rng.randrange(5):
        case 0:
            mailbox.set_flags(name, read=rng.random() < 0.5)
        case 1:
            mailbox.set_flags(name, categories=(f"c{number}",))
        case 2:
            mailbox.delete(name, hard=rng.random() < 0.5)
        case _:
            mailbox.move(name, rng.choice(PLACES))


def live(seed: int, *, immutable: bool) -> None:
    quirks = Quirks.wild()
    quirks.loses_returns = False
    rng = Random(seed)
    with GraphServer(seed=seed, quirks=quirks) as server, Client(server, "alice@corp.example") as client:
        alice, replica = server.mailbox("alice@corp.example"), Replica(client)
        client.prefer = f"{IMMUTABLE}, odata.maxpagesize=3" if immutable else "odata.maxpagesize=3"
        for number in range(STEPS):
            step(rng, alice, number)
            if rng.random() < 0.3:
                replica.pull(rng.choice(PLACES))
        for place in PLACES:
            replica.pull(place)
            there = {(item.immutable_id if immutable else item.id): item.flags.read for item in alice.items(place)}
            assert replica.held[place] == there, (seed, place)


@pytest.mark.parametrize("immutable", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_replica_follows(seed: int, immutable: bool) -> None:
    live(seed, immutable=immutable)


@pytest.mark.proof
@pytest.mark.parametrize("immutable", [True, False])
def test_many_replicas_follow(immutable: bool) -> None:
    for seed in range(100, 300):
        live(seed, immutable=immutable)
