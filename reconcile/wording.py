"""How the texts of two copies relate: equal, equal but for boilerplate, one inside the other, or different."""

from collections.abc import Callable
from enum import Enum

from reconcile.body import BodyPrint, Texts
from reconcile.boilerplate import Boilerplate, additions
from reconcile.canonical.prose import is_placeholder, joined

ReadTexts = Callable[[], tuple[Texts | None, Texts | None]]
"""Gives the texts of the two copies; called only where their digests do not decide."""


class Wording(Enum):
    """EQUAL: nothing that a reader sees differs. FRAMED: nothing but known boilerplate around it. CONTAINED: one has
    more than the other, in one piece before it and one after it. RELINKED: the text is equal, links in it lead
    elsewhere. DIFFERENT: anything else."""

    EQUAL = "equal"
    FRAMED = "framed"
    CONTAINED = "contained"
    RELINKED = "relinked"
    DIFFERENT = "different"


def compare_wording(a: BodyPrint, b: BodyPrint, texts: ReadTexts | None, boilerplate: Boilerplate) -> Wording:
    """By digests, and where these differ by the texts, if they can be had."""
    if _same_text(a, b):
        return Wording.EQUAL if _same_links(a, b) else Wording.RELINKED
    one, other = texts() if texts else (None, None)
    if one is None or other is None:
        return Wording.DIFFERENT
    if a.rich == b.rich and a.agrees != b.agrees:
        original = other if a.agrees else one
        if is_placeholder(original.plain, original.rich):  # which was dropped, or made anew from the HTML
            return Wording.EQUAL if _same_links(a, b) else Wording.RELINKED
    if _is_framed(one, other, boilerplate, both_agree=a.agrees and b.agrees):
        return Wording.FRAMED
    is_contained = _is_contained(one.rich, other.rich) and _is_contained(one.plain, other.plain)
    return Wording.CONTAINED if is_contained else Wording.DIFFERENT


def _same_text(a: BodyPrint, b: BodyPrint) -> bool:
    """Both renderings are equal, or one was dropped or made anew on the way and said the same as the other."""
    if a.rich == b.rich:
        return a.plain == b.plain or (a.agrees and b.agrees)
    if a.plain != b.plain or a.has_choice == b.has_choice:
        return False
    return a.agrees if a.has_choice else b.agrees  # the HTML was dropped


def _same_links(a: BodyPrint, b: BodyPrint) -> bool:
    return a.links == b.links or not (a.links and b.links)


def _is_framed(one: Texts, other: Texts, boilerplate: Boilerplate, *, both_agree: bool) -> bool:
    rich, plain = boilerplate.stripped(one.rich), boilerplate.stripped(one.plain)
    other_rich, other_plain = boilerplate.stripped(other.rich), boilerplate.stripped(other.plain)
    if rich != other_rich or not (_is_run(one.links, other.links) or _is_run(other.links, one.links)):
        return False
    return plain == other_plain or both_agree


def _is_contained(one: str, other: str) -> bool:
    return additions(joined(one), joined(other)) is not None


def _is_run(shorter: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Whether the shorter stands in the longer in one piece. No link has a line end in it."""
    return "\n".join(["", *shorter, ""]) in "\n".join(["", *longer, ""])
