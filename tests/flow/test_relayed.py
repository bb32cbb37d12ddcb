"""Mail that four servers relayed is recognised as what it was, and look-alikes stay two, whichever way they went."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

import pytest

from fixtures.copies.originals import originals
from fixtures.servers.cyrus import Cyrus
from fixtures.servers.dovecot_lmtp import DovecotLmtp
from fixtures.servers.exim import Exim
from fixtures.servers.postfix import Postfix
from fixtures.servers.submission import Relayed
from reconcile.verdict import Outcome, Verdict, compare

COUNT, LOOK_ALIKES, SEED = 160, 40, 20
MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*<([^>]*)>", re.IGNORECASE | re.MULTILINE)
DATE = re.compile(rb"^Date:", re.IGNORECASE | re.MULTILINE)
ENCODED = re.compile(rb"^Content-(?:Type:\s*multipart|Transfer-Encoding:\s*(?:base64|quoted))", re.I | re.MULTILINE)
ROUTES = ("postfix", "exim", "cyrus by LMTP", "cyrus by APPEND", "dovecot by LMTP", "dovecot by APPEND")
LAST_DIGIT = re.compile(rb"\d(?=\D*\Z)")


@dataclass(frozen=True, slots=True)
class Route:
    """One way through one server, and what the server does to the evidence."""

    relay: Callable[[Sequence[bytes]], list[Relayed]]
    mends: bool = False  # gives a Message-ID and a Date to mail that comes without
    crosses_out: bool = False  # writes X for each 8-bit byte of a header


@dataclass(frozen=True, slots=True)
class Copies:
    """A message and how it came out of each route that took it."""

    original: bytes
    relayed: Mapping[str, bytes]
    mended: frozenset[str]
    cut: frozenset[str]

    @property
    def head(self) -> bytes:
        return split(self.original)[0]

    def pairs(self) -> Iterator[tuple[str, str, bytes, bytes]]:
        """The original with each copy, and the copies crosswise."""
        all_copies = {"original": self.original, **self.relayed}
        for (name, one), (other_name, other) in itertools.combinations(all_copies.items(), 2):
            yield name, other_name, one, other


@dataclass(frozen=True, slots=True)
class Judged:
    """What the product says of two of the copies."""

    of: Copies
    routes: set[str]
    verdict: Verdict

    @property
    def is_complete(self) -> bool:
        """Nothing had to be made up and nothing was crossed out."""
        crossed_out = not self.of.head.isascii() and self.routes & self.of.cut
        return bool(MESSAGE_ID.search(self.of.head) and DATE.search(self.of.head) and not crossed_out)

    @property
    def is_decidable(self) -> bool:
        """Two servers made up two Dates for mail without: nobody can tell that from two messages."""
        return bool(DATE.search(self.of.head)) or not self.routes <= self.of.mended


def split(raw: bytes) -> tuple[bytes, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return head, body


@pytest.fixture(scope="module")
def routes() -> Iterator[dict[str, Route]]:
    """All started once; what each is marked with is shown in `test_relays`."""
    with ExitStack() as stack:
        postfix, exim = stack.enter_context(Postfix()), stack.enter_context(Exim())
        cyrus, dovecot = stack.enter_context(Cyrus()), stack.enter_context(DovecotLmtp(fsync="never"))
        yield {
            "postfix": Route(postfix.relay, mends=True),
            "exim": Route(exim.relay),
            "cyrus by LMTP": Route(cyrus.relay, mends=True, crosses_out=True),
            "cyrus by APPEND": Route(cyrus.append, crosses_out=True),
            "dovecot by LMTP": Route(dovecot.relay),
            "dovecot by APPEND": Route(dovecot.append),
        }


@pytest.fixture(scope="module")
def copies(routes: dict[str, Route]) -> list[Copies]:
    return send(list(originals(Random(f"relayed {SEED}"), COUNT)), routes)


@pytest.fixture(scope="module")
def judged(copies: list[Copies]) -> list[Judged]:
    return [Judged(one, {name, other}, compare(a, b)) for one in copies for name, other, a, b in one.pairs()]


def send(mail: Sequence[bytes], routes: Mapping[str, Route]) -> list[Copies]:
    results = {name: route.relay(mail) for name, route in routes.items()}
    mended = frozenset(name for name, route in routes.items() if route.mends)
    cut = frozenset(name for name, route in routes.items() if route.crosses_out)
    made = []
    for at, original in enumerate(mail):
        outcomes = {name: result[at] for name, result in results.items()}
        taken = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, bytes)}
        made.append(Copies(original, taken, mended, cut))
    return made


def test_nearly_all_is_taken(copies: list[Copies]) -> None:
    """Only the mail that needs SMTPUTF8 comes back, where the next server is an old one."""
    missing = [(one, name) for one in copies for name in ROUTES if name not in one.relayed]
    assert len(missing) <= COUNT // 20
    assert all(name == "postfix" and not one.head.isascii() for one, name in missing)


def test_servers_really_change_mail(copies: list[Copies]) -> None:
    changed = Counter(name for one in copies for name, raw in one.relayed.items() if raw != one.original)
    often = {name for name, count in changed.items() if count > COUNT * 0.9}
    assert often == {"postfix", "exim", "cyrus by LMTP", "dovecot by LMTP"}
    pairs = [(one.original, one.relayed["postfix"]) for one in copies if "postfix" in one.relayed]
    assert any(b"quoted-printable" in after and b"quoted-printable" not in before for before, after in pairs)


def test_true_copies_are_the_same(judged: list[Judged]) -> None:
    complete = [one for one in judged if one.is_complete]
    missed = [(one.routes, one.verdict) for one in complete if one.verdict.outcome is not Outcome.SAME]
    assert len(complete) > COUNT * 15
    assert len(missed) <= len(complete) * 0.005, missed


def test_no_copy_is_ever_another_message(judged: list[Judged]) -> None:
    lacking = [one for one in judged if one.is_decidable and not one.is_complete]
    distinct = [
        (one.routes, one.verdict) for one in judged if one.is_decidable and one.verdict.outcome is Outcome.DISTINCT
    ]
    assert len(lacking) > COUNT
    assert distinct == []


def digit_changed(raw: bytes) -> bytes:
    head, body = split(raw)
    return head + b"\r\n\r\n" + LAST_DIGIT.sub(lambda found: b"%d" % (9 - int(found[0])), body)


def renamed(raw: bytes) -> bytes:
    return MESSAGE_ID.sub(rb"Message-ID: <other.\1>", raw, count=1)


@pytest.mark.parametrize("change", [digit_changed, renamed])
def test_look_alikes_are_never_the_same(routes: dict[str, Route], change: Callable[[bytes], bytes]) -> None:
    """Of two messages that differ in a digit of the text, or in the Message-ID alone, no two copies are one."""
    plenty = originals(Random(f"look-alikes {SEED}"), LOOK_ALIKES * 20)
    plain = (raw for raw in plenty if not ENCODED.search(raw) and LAST_DIGIT.search(split(raw)[1]))
    chosen = list(itertools.islice((raw for raw in plain if MESSAGE_ID.search(split(raw)[0])), LOOK_ALIKES))
    assert len(chosen) == LOOK_ALIKES
    verdicts = [
        (a, b, compare(one, other))
        for here, there in zip(send(chosen, routes), send([change(raw) for raw in chosen], routes), strict=True)
        for (a, one), (b, other) in itertools.product(here.relayed.items(), there.relayed.items())
    ]
    assert len(verdicts) > LOOK_ALIKES * 30
    assert [verdict for verdict in verdicts if verdict[2].outcome is Outcome.SAME] == []
