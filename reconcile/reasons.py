"""Evidence in words that a mail administrator understands."""

from reconcile.evidence import Evidence, Link, Named, Titled
from reconcile.wording import Wording

_LINKS = {
    Link.SAME: "the Message-ID is the same",
    Link.ALIAS: "one copy names the other's Message-ID as that of its original",
    Link.MISSING: "a Message-ID is missing",
    Link.UNRELATED: "the Message-IDs are different and neither copy names the other's",
}
_WORDINGS = {
    Wording.EQUAL: "the text is the same",
    Wording.FRAMED: "the text is the same but for a banner or footer that is known",
    Wording.CONTAINED: "one copy has more text before or after the text that both have, and it is no known boilerplate",
    Wording.RELINKED: "the text is the same, but links in it lead elsewhere",
    Wording.DIFFERENT: "the text differs",
}
_TITLES = {
    Titled.EQUAL: "the subject is the same",
    Titled.TAGGED: "the subject is the same but for a tag that lists and gateways add",
    Titled.RETAGGED: "the subject is the same, but each copy has a tag that the other has not",
    Titled.LOSSY: "the subject is the same but for characters that a server could not keep",
    Titled.OTHER: "the subjects differ",
}


def differences(evidence: Evidence) -> list[str]:
    """How the ids relate, and what differs or keeps us from knowing."""
    found = [
        (True, _LINKS[evidence.link]),
        (evidence.sender is False, "the From addresses differ"),
        (evidence.sender is None, "a From address is missing or cannot be read"),
        (evidence.date is False, "the dates differ by more than two seconds"),
        (evidence.date is None, "a date is missing or cannot be read"),
        (evidence.subject in (Titled.OTHER, Titled.RETAGGED), _TITLES[evidence.subject]),
        (evidence.recipients is Named.OTHER, "each copy has recipients in To or Cc that the other has not"),
        (evidence.recipients is Named.FEWER, "one copy has recipients in To or Cc that the other has not"),
        (not evidence.resent, "one copy was resent (Resent- fields), or they were resent at different times"),
        (not evidence.marks, "a header field differs that no mail system is known to change"),
        (not evidence.origin, "their oldest Received fields tell of two deliveries to one server"),
        (evidence.wording is not Wording.EQUAL, _WORDINGS[evidence.wording]),
        (not evidence.attachments, "the attachments differ in content or number"),
        (not evidence.events, "the calendar entries differ in time, place, title or edition"),
        (evidence.opaque, "content is encrypted or in a winmail.dat (TNEF) and cannot be looked into"),
        (evidence.cut, "one copy ends before its last part does, and has less than the other"),
        (evidence.wrapped, "one is a journal report: the message inside it is what to compare"),
        (evidence.draft, "it is a draft, of which every state counts"),
    ]
    return [words for differs, words in found if differs]


def agreements(evidence: Evidence) -> list[str]:
    """What is the same, and what was let pass."""
    found = [
        (True, _LINKS[evidence.link]),
        (evidence.core, "sender and date are the same"),
        (evidence.sender is True and evidence.date is None, "the sender is the same, a date is missing"),
        (evidence.sender is None and evidence.date is True, "the date is the same, a sender is missing"),
        (True, _TITLES[evidence.subject]),
        (evidence.recipients is Named.FEWER, "one copy lists fewer recipients"),
        (True, _WORDINGS[evidence.wording]),
        (evidence.attachments, "the attachments, if any, have the same content"),
    ]
    return [words for agrees, words in found if agrees]
