"""Copies are paired one to one: two equal messages in a folder are two messages."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random

from reconcile.boilerplate import SHIPPED
from reconcile.fingerprint import read
from reconcile.pairing import Copy, Pairing, pair_off
from reconcile.teaching import taught
from reconcile.verdict import Outcome
from tests.linear import assert_in_proportion

TEXT = "The pump arrived on Monday and pieces were counted in the north hall, {} of them.\r\n"


def mail(number: int = 1, *, text: str = TEXT, more: str = "", id_: str | None = "<{}@x>", sender: str = "a") -> bytes:
    own = f"Message-ID: {id_.format(number)}\r\n" if id_ else ""
    head = f"{more}{own}Date: Tue, 24 Nov 2026 07:23:36 +0000\r\nFrom: {sender}@x\r\nSubject: pump\r\n"
    return (head + "\r\n" + text.format(number)).encode()


def copies(*raws: bytes) -> list[Copy]:
    found = [read(raw) for raw in raws]
    return [Copy(each.fingerprint, lambda each=each: each.texts) for each in found]


def numbers(pairing: Pairing) -> list[tuple[int, int]]:
    return [(pair.left, pair.right) for pair in pairing.same]


HOP = "Received: by y\r\n"


def test_the_kth_with_the_kth_and_the_surplus_alone() -> None:
    pairing = pair_off(copies(mail(), mail(), mail()), copies(mail(), mail(more=HOP)))
    assert numbers(pairing) == [(0, 0), (1, 1)]
    assert (pairing.left_alone, pairing.right_alone, pairing.review) == ((2,), (), ())


def test_exact_twins_go_first() -> None:
    pairing = pair_off(copies(mail(more=HOP), mail()), copies(mail(), mail(more=HOP)))
    assert numbers(pairing) == [(0, 1), (1, 0)]
    assert {pair.verdict.tier for pair in pairing.same} == {"T0"}


def test_a_review_takes_no_copy_from_one_that_is_the_same() -> None:
    edited, tagged = mail(text=TEXT + "PS"), mail().replace(b"Subject: ", b"Subject: [EXT] ")
    pairing = pair_off(copies(edited, mail()), copies(tagged))
    assert numbers(pairing) == [(1, 0)]
    assert pairing.left_alone == (0,)


def test_a_review_is_between_one_and_one() -> None:
    pairing = pair_off(copies(mail(text="a"), mail(text="b")), copies(mail(text="c")))
    assert [(pair.left, pair.right) for pair in pairing.review] == [(0, 0)]
    assert (numbers(pairing), pairing.left_alone) == ([], (1,))


def test_what_has_no_counterpart_stands_alone() -> None:
    pairing = pair_off(copies(mail(1), mail(2)), copies(mail(3, sender="b")))
    assert pairing == Pairing((), (), (0, 1), (0,))


def test_every_copy_is_in_one_place_whatever_the_mix() -> None:
    rng = Random(7)
    kinds = [mail(n, more=more, id_=id_) for n in range(6) for more in ("", HOP) for id_ in ("<{}@x>", None)]
    for _ in range(20):
        lefts, rights = rng.choices(kinds, k=30), rng.choices(kinds, k=30)
        pairing = pair_off(copies(*lefts), copies(*rights))
        for side, alone in (("left", pairing.left_alone), ("right", pairing.right_alone)):
            placed = [getattr(pair, side) for pair in (*pairing.same, *pairing.review)] + list(alone)
            assert Counter(placed) == Counter(range(30))
        assert all(pair.verdict.outcome is Outcome.SAME for pair in pairing.same)
        assert all(pair.verdict.outcome is Outcome.REVIEW for pair in pairing.review)


def test_thousands_of_equal_alarms_without_id() -> None:
    def pairing(count: int) -> Callable[[], Pairing]:
        lefts, rights = copies(mail(id_=None)) * count, copies(mail(id_=None, more=HOP)) * count
        return lambda: pair_off(lefts, rights)

    assert numbers(pairing(2000)()) == [(n, n) for n in range(2000)]
    assert_in_proportion(pairing(250), pairing(2000), 8 * 4, 0.02)


def test_thousands_of_messages_under_one_id_take_bounded_time() -> None:
    lefts = copies(*(mail(text=f"text {n}", id_="<same@x>") for n in range(1000)))
    rights = copies(*(mail(text=f"other {n}", id_="<same@x>") for n in range(1000)))
    pairing = pair_off(lefts, rights)
    assert numbers(pairing) == []
    assert all(before.left < after.left for before, after in pairwise(pairing.review))


FOOTER = "Pumps Ltd., registered in Leeds, number 4711. Please do not print this message."


def test_what_was_added_to_three_messages_of_three_senders_is_learned() -> None:
    pairs = [(read(mail(n, sender=f"s{n}")), read(mail(n, sender=f"s{n}", text=TEXT + FOOTER))) for n in range(3)]
    assert taught(SHIPPED, pairs[:2]).texts == frozenset()
    known = taught(SHIPPED, pairs)
    assert known.texts == {FOOTER.replace(" ", "")}
    pairing = pair_off(copies(mail(9)), copies(mail(9, text=TEXT + FOOTER)), known)
    assert [pair.verdict.tier for pair in pairing.same] == ["T2"]


def test_what_one_sender_adds_teaches_nothing_and_drafts_neither() -> None:
    def both(number: int, sender: str, more: str = "") -> tuple[object, object]:
        plain = mail(number, sender=sender, more=more)
        return read(plain), read(mail(number, sender=sender, more=more, text=TEXT + FOOTER))

    assert not taught(SHIPPED, [both(n, "s") for n in range(9)]).texts
    assert not taught(SHIPPED, [both(n, f"s{n}", "X-Unsent: 1\r\n") for n in range(9)]).texts
