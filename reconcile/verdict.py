"""Are two copies the same message? The tiers of docs/fingerprints.md, and nothing else, decide.

SAME suppresses a write, so it is said only where everything that makes a message is equal. A wrong SAME loses mail, a
wrong DISTINCT leaves a visible duplicate; REVIEW keeps both and asks someone. No likeness is ever counted.
"""

from dataclasses import dataclass
from enum import Enum

from reconcile.boilerplate import SHIPPED, Boilerplate
from reconcile.evidence import Evidence, Link, Named, Titled, gather
from reconcile.fingerprint import Fingerprint, read
from reconcile.reasons import agreements, differences
from reconcile.wording import ReadTexts, Wording

_ADDED = (Wording.FRAMED, Wording.CONTAINED, Wording.RELINKED)
SHORT = 40
"""Bytes of text, without white space, that a message without id must have to be known by its text."""


class Outcome(Enum):
    """What is to be done with two copies."""

    SAME = "same"
    REVIEW = "review"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tier` is the rule that decided; `reasons` say in words why."""

    outcome: Outcome
    tier: str
    reasons: tuple[str, ...]


def compare(a: bytes, b: bytes, boilerplate: Boilerplate = SHIPPED) -> Verdict:
    """Of two messages at hand."""
    one, other = read(a), read(b)
    return judge(one.fingerprint, other.fingerprint, lambda: (one.texts, other.texts), boilerplate)


def judge(
    a: Fingerprint, b: Fingerprint, texts: ReadTexts | None = None, boilerplate: Boilerplate = SHIPPED
) -> Verdict:
    """Of two fingerprints. Without `texts`, a copy that gained a footer is REVIEW even where the footer is known.

    The order of the two makes no difference. Raises ValueError for fingerprints of two versions.
    """
    if a.version != b.version:
        raise ValueError(f"fingerprints of versions {a.version} and {b.version} cannot be compared: take them anew")
    if a.raw == b.raw:
        return Verdict(Outcome.SAME, "T0", ("the bytes are equal",))
    evidence = gather(a, b, texts, boilerplate)
    if evidence.link is Link.SAME:
        return _judge_same_id(evidence)
    if evidence.link is Link.UNRELATED:
        return _judge_two_ids(evidence)
    return _judge_without_id(evidence, has_body=(_has_body(a) and _has_body(b)) or _one_delivery(a, b))


def _has_body(found: Fingerprint) -> bool:
    return found.body.length >= SHORT or found.body.attachment_count > 0


def _one_delivery(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether both began their way in one transaction, which the server that took it in gave a number."""
    return a.heading.origin == b.heading.origin and " id " in a.heading.origin


def _judge_same_id(evidence: Evidence) -> Verdict:
    """T1: all else is equal. T2: text was added or changed. M: the id was used for another message."""
    named = evidence.recipients is Named.EQUAL or (evidence.recipients is Named.FEWER and not evidence.draft)
    headed = evidence.sender is not False and evidence.date is not False and evidence.resent and named
    headed = headed and evidence.subject is not Titled.OTHER
    if evidence.content:
        return _same("T1", evidence) if headed else _review("T1r", evidence)
    if evidence.wording is Wording.FRAMED and evidence.attachments and evidence.events and not evidence.cut:
        known = headed and evidence.date is True and not evidence.draft
        return _same("T2", evidence) if known else _review("T2d" if evidence.draft else "T2h", evidence)
    if evidence.core:
        return _review(_edited_tier(evidence), evidence)
    related = evidence.wording is not Wording.DIFFERENT or evidence.opaque
    return _review(_edited_tier(evidence), evidence) if related else _distinct("M", evidence)


def _edited_tier(evidence: Evidence) -> str:
    if evidence.draft:
        return "T2d"
    if evidence.opaque:
        return "T2x"
    if evidence.cut:
        return "T2c"
    if not evidence.attachments:
        return "T2a"
    if evidence.subject is Titled.OTHER:
        return "T2h"
    return "T2u" if evidence.wording is Wording.CONTAINED else "T2r"


def _judge_without_id(evidence: Evidence, *, has_body: bool) -> Verdict:
    """T3: an id is missing, or one copy names the other's. Then all of the rest must speak for it."""
    linked = evidence.link is Link.ALIAS or (evidence.date is True and evidence.wording is not Wording.DIFFERENT)
    if evidence.sender is False or evidence.subject is Titled.OTHER or evidence.date is False:
        return _review("T3r", evidence) if linked else _distinct("-", evidence)
    if evidence.content:
        equal = (
            evidence.recipients is Named.EQUAL
            and evidence.subject is not Titled.RETAGGED
            and evidence.resent
            and evidence.marks
            and evidence.origin
        )
        if not equal:
            return _review("T3r", evidence)
        if evidence.date is None or evidence.sender is None:
            return _review("T3d", evidence)
        return _same("T3", evidence) if has_body else _review("T3s", evidence)
    related = evidence.wording in _ADDED or linked or evidence.opaque
    return _review("T3u", evidence) if related else _distinct("-", evidence)


def _judge_two_ids(evidence: Evidence) -> Verdict:
    """Two ids are two messages. Where all else is equal, someone may know better."""
    related = evidence.wording in (Wording.EQUAL, *_ADDED) and evidence.attachments
    if evidence.core and evidence.subject is not Titled.OTHER and related:
        return _review("T3x", evidence)
    return _distinct("-", evidence)


def _same(tier: str, evidence: Evidence) -> Verdict:
    return Verdict(Outcome.SAME, tier, tuple(agreements(evidence)))


def _review(tier: str, evidence: Evidence) -> Verdict:
    return Verdict(Outcome.REVIEW, tier, tuple(differences(evidence)))


def _distinct(tier: str, evidence: Evidence) -> Verdict:
    return Verdict(Outcome.DISTINCT, tier, tuple(differences(evidence)))
