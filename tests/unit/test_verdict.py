"""Each tier of docs/fingerprints.md, shown on the smallest pair of messages that falls into it."""

from dataclasses import dataclass, replace

import pytest

from reconcile.boilerplate import SHIPPED
from reconcile.fingerprint import VERSION, fingerprint
from reconcile.verdict import Outcome, compare, judge

LONG = "The pump arrived on Monday and 120 pieces were counted in the north hall.\r\n"
MAILMAN = (
    "_______________________________________________\r\nPumps mailing list\r\npumps@lists.example.org\r\n"
    "https://lists.example.org/mailman/listinfo/pumps\r\n"
)


@dataclass(frozen=True)
class Mail:
    """A message by what matters of it."""

    id: str = "<1@example.org>"
    date: str = "Tue, 24 Nov 2026 07:23:36 +0000"
    sender: str = "Ann <ann@example.org>"
    to: str = "bob@example.org"
    subject: str = "The pump"
    more: str = ""
    text: str = LONG
    page: str = ""
    attachment: str = ""

    def bytes(self) -> bytes:
        fields = {"Message-ID": self.id, "Date": self.date, "From": self.sender, "To": self.to, "Subject": self.subject}
        head = self.more + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        body = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{self.text}"
        if self.page:
            page = f"Content-Type: text/html; charset=utf-8\r\n\r\n{self.page}"
            body = f"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n{body}\r\n--a\r\n{page}\r\n--a--\r\n"
        if self.attachment:
            file = f"Content-Type: application/pdf; name=a.pdf\r\n\r\n{self.attachment}"
            body = f"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n{body}\r\n--m\r\n{file}\r\n--m--\r\n"
        return f"{head}MIME-Version: 1.0\r\n{body}".encode()


ONE = Mail()
NO_ID = Mail(id="", more="Received: from a by mx.example.org id 77; Tue, 24 Nov 2026 07:23:37 +0000\r\n")
PAGE = (
    "<html><body><p>The pump arrived on Monday and 120 pieces were counted in the <b>north</b> hall.</p></body></html>"
)
BOTH = Mail(page=PAGE)
TNEF = "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n{}"

TIERS: dict[str, tuple[Mail, Mail, Outcome, str]] = {
    "the same bytes": (ONE, ONE, Outcome.SAME, "T0"),
    "one more hop": (ONE, replace(ONE, more="Received: from a by b; x\r\n"), Outcome.SAME, "T1"),
    "the date in another zone": (ONE, replace(ONE, date="Tue, 24 Nov 2026 08:23:37 +0100"), Outcome.SAME, "T1"),
    "no date on one side": (ONE, replace(ONE, date=""), Outcome.SAME, "T1"),
    "a tag in the subject": (ONE, replace(ONE, subject="[EXTERNAL] The pump"), Outcome.SAME, "T1"),
    "a subject that lost letters": (
        replace(ONE, subject="Die größte Pumpe"),
        replace(ONE, subject="Die gr??te Pumpe"),
        Outcome.SAME,
        "T1",
    ),
    "a list trimmed Cc": (replace(ONE, more="Cc: eve@example.org\r\n"), ONE, Outcome.SAME, "T1"),
    "the plain text dropped": (BOTH, Mail(text="", more="", page=PAGE), Outcome.SAME, "T1"),
    "a list's own resending": (
        ONE,
        replace(
            ONE,
            more="Resent-From: l@example.org\r\nResent-Sender: pumps-request@example.org\r\n"
            "Resent-Date: Tue, 24 Nov 2026 07:30:00 +0000\r\n",
        ),
        Outcome.SAME,
        "T1",
    ),
    "resent by someone": (
        ONE,
        replace(ONE, more="Resent-From: eve@example.org\r\nResent-Date: Wed, 25 Nov 2026 07:30:00 +0000\r\n"),
        Outcome.REVIEW,
        "T1r",
    ),
    "sent again at another time": (ONE, replace(ONE, date="Wed, 25 Nov 2026 07:23:36 +0000"), Outcome.REVIEW, "T1r"),
    "From rewritten": (ONE, replace(ONE, sender="Ann via Pumps <pumps@lists.example.org>"), Outcome.REVIEW, "T1r"),
    "another subject": (ONE, replace(ONE, subject="The other pump"), Outcome.REVIEW, "T1r"),
    "a revision in a tag": (
        replace(ONE, subject="[PATCH] The pump"),
        replace(ONE, subject="[PATCH v2] The pump"),
        Outcome.REVIEW,
        "T1r",
    ),
    "to others": (ONE, replace(ONE, to="eve@example.org"), Outcome.REVIEW, "T1r"),
    "a draft to more people": (
        replace(ONE, more="X-Unsent: 1\r\n"),
        replace(ONE, more="X-Unsent: 1\r\nCc: eve@example.org\r\n"),
        Outcome.REVIEW,
        "T1r",
    ),
    "a footer that is known": (ONE, replace(ONE, text=LONG + MAILMAN), Outcome.SAME, "T2"),
    "and one on both": (
        replace(ONE, text=LONG + MAILMAN.replace("umps", "ipes")),
        replace(ONE, text=LONG + MAILMAN),
        Outcome.SAME,
        "T2",
    ),
    "a known footer under another date": (
        ONE,
        replace(ONE, text=LONG + MAILMAN, date="Wed, 25 Nov 2026 07:23:36 +0000"),
        Outcome.REVIEW,
        "T2h",
    ),
    "a footer on a draft": (
        replace(ONE, more="X-Unsent: 1\r\n"),
        replace(ONE, text=LONG + MAILMAN, more="X-Unsent: 1\r\n"),
        Outcome.REVIEW,
        "T2d",
    ),
    "a footer that nobody knows": (
        ONE,
        replace(ONE, text=LONG + "This message is confidential.\r\n"),
        Outcome.REVIEW,
        "T2u",
    ),
    "that, and From rewritten": (
        ONE,
        replace(ONE, text=LONG + "Sent through a list.\r\n", sender="pumps@lists.example.org"),
        Outcome.REVIEW,
        "T2u",
    ),
    "an edited text": (ONE, replace(ONE, text=LONG.replace("120", "121")), Outcome.REVIEW, "T2r"),
    "a digit in the plain text only": (BOTH, replace(BOTH, text=LONG.replace("120", "121")), Outcome.REVIEW, "T2r"),
    "a digit in the HTML only": (BOTH, replace(BOTH, page=PAGE.replace("120", "121")), Outcome.REVIEW, "T2r"),
    "a link that leads elsewhere": (
        replace(BOTH, page=PAGE.replace("<b>", '<a href="https://example.org/1">')),
        replace(BOTH, page=PAGE.replace("<b>", '<a href="https://example.org/2">')),
        Outcome.REVIEW,
        "T2r",
    ),
    "an edited draft": (
        replace(ONE, more="X-Unsent: 1\r\n"),
        replace(ONE, more="X-Unsent: 1\r\n", text=LONG + "Yours\r\n"),
        Outcome.REVIEW,
        "T2d",
    ),
    "an attachment of equal size": (
        replace(ONE, attachment="%PDF 1"),
        replace(ONE, attachment="%PDF 2"),
        Outcome.REVIEW,
        "T2a",
    ),
    "an attachment less": (replace(ONE, attachment="%PDF"), ONE, Outcome.REVIEW, "T2a"),
    "another subject and text": (ONE, replace(ONE, subject="Another", text="Else\r\n"), Outcome.REVIEW, "T2h"),
    "the id used again": (
        ONE,
        replace(ONE, date="Wed, 25 Nov 2026 07:23:36 +0000", text="Something else.\r\n"),
        Outcome.DISTINCT,
        "M",
    ),
    "an id that a server added": (NO_ID, replace(NO_ID, id="<generated@mx.example.org>"), Outcome.SAME, "T3"),
    "no id": (NO_ID, replace(NO_ID, more="Delivered-To: bob\r\n" + NO_ID.more), Outcome.SAME, "T3"),
    "a redirect": (
        ONE,
        replace(ONE, id="<2@x>", more="X-MS-Exchange-Parent-Message-Id: <1@example.org>\r\n"),
        Outcome.SAME,
        "T3",
    ),
    "no id and little text": (
        replace(NO_ID, text="Disk full\r\n", more=""),
        replace(NO_ID, text="Disk full\r\n", more="X-Spam-Flag: NO\r\n"),
        Outcome.REVIEW,
        "T3s",
    ),
    "but one delivery": (
        replace(NO_ID, text="Disk full\r\n"),
        replace(NO_ID, text="Disk full\r\n", more="X-Spam-Flag: NO\r\n" + NO_ID.more),
        Outcome.SAME,
        "T3",
    ),
    "no id and no date": (
        replace(NO_ID, date=""),
        replace(NO_ID, date="", more="X-Spam-Flag: NO\r\n" + NO_ID.more),
        Outcome.REVIEW,
        "T3d",
    ),
    "alarms in one second that one server took in": (
        NO_ID,
        replace(NO_ID, more=NO_ID.more.replace("id 77", "id 78")),
        Outcome.REVIEW,
        "T3r",
    ),
    "alarms that number themselves": (
        replace(NO_ID, more="X-Alarm: 1\r\n"),
        replace(NO_ID, more="X-Alarm: 2\r\n"),
        Outcome.REVIEW,
        "T3r",
    ),
    "alarms in one second": (NO_ID, replace(NO_ID, text=LONG.replace("120", "121")), Outcome.DISTINCT, "-"),
    "alarms in two seconds": (
        NO_ID,
        replace(NO_ID, date="Tue, 24 Nov 2026 07:23:39 +0000"),
        Outcome.DISTINCT,
        "-",
    ),
    "no id and a footer": (NO_ID, replace(NO_ID, text=LONG + MAILMAN), Outcome.REVIEW, "T3u"),
    "two ids": (ONE, replace(ONE, id="<2@example.org>"), Outcome.REVIEW, "T3x"),
    "two ids and another text": (ONE, replace(ONE, id="<2@x>", text="Else.\r\n"), Outcome.DISTINCT, "-"),
}


@pytest.mark.parametrize("name", TIERS)
def test_tier(name: str) -> None:
    a, b, outcome, tier = TIERS[name]
    verdict = compare(a.bytes(), b.bytes())
    assert (verdict.outcome, verdict.tier) == (outcome, tier), verdict.reasons
    assert verdict.reasons
    assert compare(b.bytes(), a.bytes()) == verdict


def body(content_type: str, content: str) -> bytes:
    head, _, _ = Mail().bytes().partition(b"Content-Type:")
    return head + f"Content-Type: {content_type}\r\n\r\n{content}".encode()


def test_what_cannot_be_looked_into_is_reviewed_unless_it_is_equal() -> None:
    tnef = body("application/ms-tnef; name=winmail.dat", "abc")
    assert compare(Mail().bytes(), tnef).tier == "T2x"
    assert compare(b"Received: x\r\n" + tnef, tnef).outcome is Outcome.SAME
    encrypted = body("application/pkcs7-mime; smime-type=enveloped-data", "abc")
    again = body("application/pkcs7-mime; smime-type=enveloped-data", "abd")
    assert compare(encrypted, again).tier == "T2x"


def test_a_message_that_was_cut_off_is_not_the_whole() -> None:
    whole = BOTH.bytes()
    cut = whole[: whole.index(b"--a\r\nContent-Type: text/html") + 20]
    verdict = compare(whole, cut)
    assert (verdict.outcome, verdict.tier) == (Outcome.REVIEW, "T2c")
    assert "one copy ends before its last part does, and has less than the other" in verdict.reasons


def test_a_journal_report_is_another_message_than_the_one_inside() -> None:
    report = b"X-MS-Journal-Report:\r\n" + replace(ONE, id="<2@x>", text="Sender: ann").bytes()
    verdict = compare(ONE.bytes(), report)
    assert verdict.outcome is Outcome.DISTINCT
    assert "one is a journal report: the message inside it is what to compare" in verdict.reasons


def test_an_administrators_own_disclaimer() -> None:
    disclaimer = "This message is confidential.\nIf it is not for you, delete it."
    with_it = replace(ONE, text=LONG + disclaimer.replace("\n", "\r\n")).bytes()
    assert compare(ONE.bytes(), with_it).tier == "T2u"
    assert compare(ONE.bytes(), with_it, SHIPPED.adding([disclaimer])).tier == "T2"


def test_without_texts_a_known_footer_is_reviewed() -> None:
    a, b = fingerprint(ONE.bytes()), fingerprint(replace(ONE, text=LONG + MAILMAN).bytes())
    assert judge(a, b).tier == "T2r"


def test_texts_are_read_only_where_digests_do_not_decide() -> None:
    def refuse() -> tuple[None, None]:
        raise AssertionError("read")

    a, b = fingerprint(ONE.bytes()), fingerprint(replace(ONE, subject="[EXT] The pump").bytes())
    assert judge(a, b, refuse).outcome is Outcome.SAME


def test_two_versions_are_never_compared() -> None:
    a = fingerprint(ONE.bytes())
    with pytest.raises(ValueError, match="take them anew"):
        judge(a, replace(a, version=VERSION + 1))
