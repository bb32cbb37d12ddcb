"""Learning what lists and gateways add, from pairs of copies of which one has it."""

from collections.abc import Iterable, Iterator

from reconcile.boilerplate import Addition, Boilerplate, additions, learned
from reconcile.evidence import Link, gather
from reconcile.fingerprint import Reading, Trait
from reconcile.wording import Wording


def taught(known: Boilerplate, pairs: Iterable[tuple[Reading, Reading]], at_least: int = 3) -> Boilerplate:
    """What is known, and what was added in the pairs to `at_least` messages of as many senders.

    Pairs teach that are one message but for added text: id, sender, date and attachments are equal. Drafts do not.
    """
    found = learned((addition for a, b in pairs for addition in _added(a, b, known)), at_least)
    return Boilerplate(known.texts | found.texts)


def _added(a: Reading, b: Reading, known: Boilerplate) -> Iterator[Addition]:
    texts = a.texts, b.texts
    if texts[0] is None or texts[1] is None:
        return
    evidence = gather(a.fingerprint, b.fingerprint, lambda: texts, known)
    draft = Trait.DRAFT in a.fingerprint.traits | b.fingerprint.traits
    if evidence.link is not Link.SAME or not evidence.core or not evidence.attachments or draft:
        return
    if evidence.wording is not Wording.CONTAINED:
        return
    heading = a.fingerprint.heading
    for one, other in ((texts[0].rich, texts[1].rich), (texts[0].plain, texts[1].plain)):
        bare, other_bare = known.stripped(one), known.stripped(other)
        for text in (additions(bare, other_bare) if bare and other_bare else None) or ():
            yield Addition(text, heading.message_id or "", heading.sender)
