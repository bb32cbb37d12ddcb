"""`python -m bench [run|profile|fingerprints]`: measures us beside other programs, or says where our own time goes.

`run` replicates a mailbox, beside mbsync; `profile` does it once, sampled; `fingerprints` reads messages without a
server, beside mail-deduplicate and mail-parser.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.corpus import Mail, Totals, fill, mixed, tiny
from bench.fingerprints import compare
from bench.peers import Replicator, isync_version, make_peers
from bench.profile import profile
from bench.results import write_results
from bench.scenarios import Measured, change_one_percent, run_turn
from fixtures.servers.dovecot import Dovecot

USER = "alice"
CORPORA: dict[str, tuple[Callable[[int, int], Iterator[Mail]], int]] = {
    "s": (mixed, 2_000),
    "m": (mixed, 20_000),
    "l": (tiny, 20_000),
}


def main() -> None:
    """Builds the corpus, in a private Dovecot where one is needed, and measures."""
    options = _parse()
    if options.command == "fingerprints":
        print(compare(options))
        return
    make, count = CORPORA[options.size]
    count = options.count or count
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        Dovecot(users=(USER,), password="secret", plugins="zlib imap_zlib") as server,
    ):
        totals = fill(server, USER, make(options.seed, count))
        with server.client(USER) as client:  # indexes made, page cache warm
            client.select("INBOX", readonly=True)
        run = _profile if options.command == "profile" else _compare
        run(options, Path(place), server, totals)


def _compare(options: argparse.Namespace, place: Path, server: Dovecot, totals: Totals) -> None:
    peers, runs = make_peers(place, server, USER), list[Measured]()
    if not options.floor:
        peers = [peer for peer in peers if peer.name != "floor"]
    peers[-1].reset()
    for turn in range(options.rounds):
        for found in run_turn(peers, turn, lambda at=turn: change_one_percent(server, USER, at, totals.messages)):  # type: ignore[misc]
            runs.append(found)
            print(f"{found.scenario:12} {found.peer:18} {found.wall:8.2f} s  {found.cpu:8.2f} CPU s", flush=True)
    facts = {"messages": totals.messages, "bytes": totals.bytes, "seed": options.seed, "rounds": options.rounds}
    facts |= {"isync": isync_version()}
    print(write_results(options.output, f"{options.size}-{totals.messages}", facts, runs))


def _profile(options: argparse.Namespace, place: Path, server: Dovecot, totals: Totals) -> None:
    peer = Replicator(place / "replicator", server, USER, index=False)
    peer.reset()
    text = profile(peer, f"initial, {totals.messages} messages, {totals.bytes / 1e6:.1f} MB")
    text += "\n\n" + profile(peer, "no change") + "\n"
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"profile-{options.size}-{totals.messages}.txt").write_text(text)
    print(text)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "profile", "fingerprints"), default="run")
    parser.add_argument(
        "--size",
        choices=sorted(CORPORA),
        default="s",
        help="s, m: mixed mail; l: tiny mail; fingerprints: s, m, both mails",
    )
    parser.add_argument("--count", type=int, default=0, help="messages, instead of the size's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--floor", action=argparse.BooleanOptionalAction, default=True, help="measure the bare socket too"
    )
    parser.add_argument(
        "--deduplicate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fingerprints: measure mail-deduplicate too, which is installed into a directory that goes away",
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results"), help="where results go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
