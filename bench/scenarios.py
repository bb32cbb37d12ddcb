"""What is measured: the first pass, a pass without a change, and a pass after one per cent of changes of each kind."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bench.corpus import mixed
from bench.peers import Peer
from fixtures.footprint import Footprint, measure
from fixtures.postbox import Postbox
from fixtures.servers.dovecot import Dovecot
from fixtures.ugly import Ugly
from fixtures.witness import list_folders, quoted

SCENARIOS = ("initial", "no change", "1% changed")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one peer."""

    scenario: str
    peer: str
    turn: int
    wall: float
    cpu: float
    peak_bytes: int
    kept_bytes: int
    disk_bytes: int


def run_turn(peers: Sequence[Peer], turn: int, change: Callable[[], None]) -> Iterator[Measured]:
    """Each scenario by every peer before the next scenario; who goes first changes with the turn."""
    order = [*peers[turn % len(peers) :], *peers[: turn % len(peers)]]
    for peer in order:
        peer.reset()
        yield _run(peer, "initial", turn)
    for peer in order:
        yield _run(peer, "no change", turn)
    change()
    for peer in order:
        yield _run(peer, "1% changed", turn)


def _run(peer: Peer, scenario: str, turn: int) -> Measured:
    found: Footprint = measure(peer.start)
    if found.code != 0:
        raise SystemExit(f"{peer.name} failed in {scenario}: exit {found.code}\n{found.err[-3000:]}")
    kept, disk = weigh(peer.kept)
    return Measured(scenario, peer.name, turn, found.wall, found.cpu, found.peak_bytes, kept, disk)


def weigh(root: Path) -> tuple[int, int]:
    """Bytes in files, and bytes of disk that they take."""
    sizes = [path.stat() for path in root.rglob("*") if path.is_file()]
    return sum(size.st_size for size in sizes), sum(size.st_blocks * 512 for size in sizes)


def change_one_percent(server: Dovecot, user: str, seed: int, count: int) -> None:
    """1 % new messages, 1 % with other flags, 1 % expunged, over all folders."""
    rng, share = Random(f"change {seed}"), max(1, count // 100)
    fresh = [
        Ugly("mixed", mail.raw, frozenset(), datetime(2025, 6, 1, tzinfo=UTC)) for mail in mixed(seed + 1000, share)
    ]
    with server.client(user) as client:
        box, names = Postbox(client, server.separator), sorted(list_folders(client))
        for mail in fresh:
            box.append_to(quoted(rng.choice(names)), [mail])
        places = [(name, uid) for name in names for uid in box.uids(quoted(name))]
        chosen = rng.sample(places, min(len(places), 2 * share))
        for name, uid in sorted(chosen[:share]):
            box.do("select", quoted(name))
            box.do("uid", "STORE", uid, "FLAGS", "(\\Answered)")
        for name, uid in sorted(chosen[share:]):
            box.do("select", quoted(name))
            box.do("uid", "STORE", uid, "+FLAGS", "(\\Deleted)")
            box.do("uid", "EXPUNGE", uid)
