"""Which copy on one side is which on the other: two multisets, paired one to one.

Two copies within one folder are two messages, however equal. So the k-th of a kind is paired with the k-th, and what is
left over on either side stands alone.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from reconcile.body import Texts
from reconcile.boilerplate import SHIPPED, Boilerplate
from reconcile.fingerprint import Fingerprint
from reconcile.verdict import Outcome, Verdict, judge

CANDIDATES_MAX = 256
"""Copies with one key that are looked at for one. Beyond them a pair may be missed, which leaves both standing."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One placement of a message. `texts` reads them when they are needed, and gives None if they cannot be had."""

    fingerprint: Fingerprint
    texts: Callable[[], Texts | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """By their numbers in the two sequences."""

    left: int
    right: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Pairing:
    """Each copy stands in exactly one of these, once. `same` and `review` are in the order of the left side."""

    same: tuple[Pair, ...]
    review: tuple[Pair, ...]
    left_alone: tuple[int, ...]
    right_alone: tuple[int, ...]


def pair_off(lefts: Sequence[Copy], rights: Sequence[Copy], boilerplate: Boilerplate = SHIPPED) -> Pairing:
    """Pairs copies in their order, which should be that of arrival: equal ones first, then those judged to be the same.

    A review is between one copy and one other, neither of which has the same elsewhere.
    """
    matcher = _Matcher(lefts, rights, boilerplate)
    matcher.pair_twins(lambda copy: copy.fingerprint.raw)
    matcher.pair_twins(lambda copy: (copy.fingerprint.heading, copy.fingerprint.body))
    matcher.pair_related()
    return matcher.result()


class _Matcher:
    def __init__(self, lefts: Sequence[Copy], rights: Sequence[Copy], boilerplate: Boilerplate) -> None:
        self._lefts, self._rights, self._boilerplate = lefts, rights, boilerplate
        self._left_free = dict.fromkeys(range(len(lefts)))  # dicts, since they keep their order
        self._right_free = dict.fromkeys(range(len(rights)))
        self._groups: dict[int, dict[int, None]] = {}  # of each key the copies of the right side that are free
        self._found: dict[Outcome, list[Pair]] = {Outcome.SAME: [], Outcome.REVIEW: []}

    def pair_twins(self, kind: Callable[[Copy], Hashable]) -> None:
        """The k-th of each kind with the k-th, in time that grows with their number only."""
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for right in self._right_free:
            waiting[kind(self._rights[right])].append(right)
        for left in list(self._left_free):
            twins = waiting.get(kind(self._lefts[left]))
            if twins:
                verdict = self._judge(left, twins[0])
                if verdict.outcome is Outcome.SAME:
                    self._pair(left, twins.popleft(), verdict)

    def pair_related(self) -> None:
        """What is left: first whatever is the same, so that no review takes a copy away from it."""
        self._groups = self._grouped()
        reviews: list[Pair] = []
        for left in list(self._left_free):
            for right in self._candidates(left):
                verdict = self._judge(left, right)
                if verdict.outcome is Outcome.SAME:
                    self._pair(left, right, verdict)
                    break
                if verdict.outcome is Outcome.REVIEW:
                    reviews.append(Pair(left, right, verdict))
        for pair in reviews:
            if pair.left in self._left_free and pair.right in self._right_free:
                self._pair(pair.left, pair.right, pair.verdict)

    def _grouped(self) -> dict[int, dict[int, None]]:
        groups: dict[int, dict[int, None]] = defaultdict(dict)
        for right in self._right_free:
            for key in self._rights[right].fingerprint.keys:
                groups[key][right] = None
        return groups

    def _candidates(self, left: int) -> Iterator[int]:
        """Free copies of the right side that share a key, each once."""
        seen: set[int] = set()
        for key in self._lefts[left].fingerprint.keys:
            group = self._groups.get(key, {})
            for right in list(islice(group, CANDIDATES_MAX)):
                if right not in seen:
                    seen.add(right)
                    yield right

    def _judge(self, left: int, right: int) -> Verdict:
        one, other = self._lefts[left], self._rights[right]
        return judge(one.fingerprint, other.fingerprint, lambda: (one.texts(), other.texts()), self._boilerplate)

    def _pair(self, left: int, right: int, verdict: Verdict) -> None:
        self._found[verdict.outcome].append(Pair(left, right, verdict))
        del self._left_free[left], self._right_free[right]
        for key in self._rights[right].fingerprint.keys:
            self._groups.get(key, {}).pop(right, None)

    def result(self) -> Pairing:
        """What was found."""
        same, review = (tuple(sorted(found, key=lambda pair: pair.left)) for found in self._found.values())
        return Pairing(same, review, tuple(self._left_free), tuple(self._right_free))
