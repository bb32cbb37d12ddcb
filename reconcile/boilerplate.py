"""Text that lists, gateways and lawyers put around a message, and that is none of its own.

Only text that is known word for word counts, and only at the very start or end of a message; nothing is guessed from
likeness. What is known: the forms shipped here, the texts that an administrator gives, and what was seen to be added to
at least three messages of three senders (`learned`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.canonical.prose import joined, prose, spaced

EDGE = 4000
"""Characters at either end in which the shipped forms are looked for."""
ROUNDS = 8
"""How many of them may stand one after the other."""
SHORTEST = 20
"""Characters of a text that can be known. A shorter one would be found in messages that mean it."""


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """`texts` stand there without white space, in their canonical form."""

    texts: frozenset[str] = frozenset()

    def stripped(self, text: str) -> str:
        """A text (words with one space between them) without what is known at its ends, and without white space."""
        for _ in range(ROUNDS):
            shorter = _without_forms(text)
            if shorter == text:
                break
            text = shorter
        bare = joined(text)
        for _ in range(ROUNDS):
            shorter = self._without_texts(bare)
            if shorter == bare:
                break
            bare = shorter
        return bare

    def _without_texts(self, bare: str) -> str:
        for known in sorted(self.texts, key=len, reverse=True):
            if bare.startswith(known):
                return bare.removeprefix(known)
            if bare.endswith(known):
                return bare.removesuffix(known)
        return bare

    def adding(self, texts: Iterable[str]) -> "Boilerplate":
        """These too, as an administrator writes them. Those that are too short to be known are left out."""
        bare = (joined(spaced(prose(text))) for text in texts)
        return Boilerplate(self.texts | {text for text in bare if len(text) >= SHORTEST})


SHIPPED = Boilerplate()


@dataclass(frozen=True, slots=True)
class Addition:
    """Text that one copy of a message has before or after what the other has, without white space."""

    text: str
    message_id: str
    sender: str


def learned(additions: Iterable[Addition], at_least: int = 3) -> Boilerplate:
    """What was added, word for word, to `at_least` messages of as many senders.

    One sender's additions teach nothing: they may be what that person keeps writing under drafts.
    """
    messages: dict[str, set[str]] = defaultdict(set)
    senders: dict[str, set[str]] = defaultdict(set)
    for addition in additions:
        if len(addition.text) >= SHORTEST:
            messages[addition.text].add(addition.message_id)
            senders[addition.text].add(addition.sender)
    return Boilerplate(
        frozenset(text for text, ids in messages.items() if min(len(ids), len(senders[text])) >= at_least)
    )


def additions(one: str, other: str) -> tuple[str, str] | None:
    """What the longer text has before and after the shorter, both without white space; None if it is not all in it."""
    shorter, longer = sorted((one, other), key=len)
    at = longer.find(shorter)
    return None if at < 0 else (longer[:at], longer[at + len(shorter) :])


def _without_forms(text: str) -> str:
    start = _BANNER.match(text[:EDGE])
    if start:
        text = text[start.end() :]
    end = _FOOTER.search(text, max(0, len(text) - EDGE))
    return text[: end.start()] if end else text


def _form(*pieces: str) -> str:
    """White space is optional where HTML may have tags or none: around punctuation and between the pieces."""
    return " ?".join(pieces)


_NAME = r"[\w.+-]{1,64}"
_ADDRESS = r"[\w.+=-]{1,100}@[\w.-]{1,100}"
_LINK = r"<?https?://[^\s<>]{1,300}>?"
_MAILTO = rf"(?: ?<mailto:{_ADDRESS}>)?"

_FOOTERS = (
    # Majordomo at vger.kernel.org
    _form(
        r"-{0,2}",
        rf'To unsubscribe from this list: send the line "unsubscribe {_NAME}"',
        r"in the body of a message to majordomo@vger\.kernel\.org",
        r"More majordomo info at https?://vger\.kernel\.org/majordomo-info\.html",
        r"(?:Please read the FAQ at https?://www\.tux\.org/lkml/)?",
    ),
    # Mailman 2
    _form(rf"_{{20,60}} {_NAME} mailing list", _ADDRESS + _MAILTO, r"https?://[^\s<>]{1,200}/listinfo/[\w.+%-]{1,64}"),
    # Mailman 3
    _form(
        rf"_{{20,60}} {_NAME} mailing list -- {_ADDRESS}" + _MAILTO,
        rf"To unsubscribe send an email to {_NAME}-leave@[\w.-]{{1,100}}" + _MAILTO,
        rf"(?:{_LINK})?",
    ),
    # Google Groups
    _form(
        r"(?:--)?",
        r'You received this message because you are subscribed to the Google Groups "[^"]{1,100}" group\.',
        r"To unsubscribe from this group and stop receiving emails from it, send an email to",
        _ADDRESS + _MAILTO,
        r"\.",
        rf"(?:To post to this group, send email to {_ADDRESS}{_MAILTO} ?\. ?)?",
        rf"(?:Visit this group at {_LINK} ?\.? ?)?",
        rf"(?:To view this discussion (?:on the web )?visit {_LINK} ?\.? ?)?",
        rf"(?:For more options, visit {_LINK} ?\.?)?",
    ),
    # SmartList at lists.debian.org
    _form(
        r"--",
        rf'To UNSUBSCRIBE, email to {_NAME}-REQUEST@lists\.debian\.org with a subject of "unsubscribe"\.',
        r"Trouble\? Contact listmaster@lists\.debian\.org",
        rf"(?:Archive: {_LINK})?",
    ),
)
_BANNERS = (
    # The tip of Exchange Online Protection
    _form(
        rf"You don['\u2019]t often get e-?mail from {_ADDRESS}" + _MAILTO,
        r"\.",
        r"Learn why this is important",
        r"(?:at )?(?:<?https?://aka\.ms/LearnAboutSenderIdentification>?)?",
    ),
    # What Microsoft's documentation of mail flow rules proposes, and the variants that are in use
    _form(
        r"(?:\[?external(?: e-?mail| sender)?\]?)?",
        r"(?:caution|warning|attention|notice)",
        r"[:!]",
        r"(?:external (?:e-?mail|sender)[.:!]? ?)?this (?:e-?mail|message)",
        r"(?:originated|originates|came|comes|was sent) from",
        r"(?:an external (?:sender|source)|outside(?: of)?(?: (?:the|your|our) (?:organi[sz]ation|company))?)",
        r"\.",
        r"(?:(?:please )?do not click(?: on)?(?: any)? links or open(?: any)? attachments unless you",
        r"(?:recogni[sz]e|trust|know)(?: and trust)? the sender and know(?: that)? the content is safe",
        r"\.?)?",
    ),
)
_FOOTER = re.compile(rf" ?(?:{'|'.join(_FOOTERS)}) ?\Z", re.IGNORECASE)
_BANNER = re.compile(rf"(?:{'|'.join(_BANNERS)}) ?", re.IGNORECASE)
