"""Known boilerplate is taken off the ends of a message, and no word of what someone wrote."""

from collections.abc import Callable

import pytest

from reconcile.boilerplate import SHIPPED, Addition, Boilerplate, additions, learned
from reconcile.canonical.markup import read_page
from reconcile.canonical.prose import prose, spaced
from tests.linear import assert_linear

LINE = "_" * 47
FOOTERS = {
    "Majordomo": (
        '-\nTo unsubscribe from this list: send the line "unsubscribe linux-kernel" in\n'
        "the body of a message to majordomo@vger.kernel.org\n"
        "More majordomo info at  http://vger.kernel.org/majordomo-info.html\n"
        "Please read the FAQ at  http://www.tux.org/lkml/\n"
    ),
    "Majordomo, later": (
        '--\nTo unsubscribe from this list: send the line "unsubscribe git" in\n'
        "the body of a message to majordomo@vger.kernel.org\n"
        "More majordomo info at https://vger.kernel.org/majordomo-info.html\n"
    ),
    "Mailman 2": (
        f"{LINE}\nTeam-list mailing list\nTeam-list@lists.example.org\n"
        "https://lists.example.org/mailman/listinfo/team-list\n"
    ),
    "Mailman 3": (
        f"{LINE}\nteam mailing list -- team@lists.example.org\n"
        "To unsubscribe send an email to team-leave@lists.example.org\n"
    ),
    "Mailman 3, with its archive": (
        f"{LINE}\nteam mailing list -- team@lists.example.org\n"
        "To unsubscribe send an email to team-leave@lists.example.org\n"
        "https://lists.example.org/postorius/lists/team.lists.example.org/\n"
    ),
    "Google Groups": (
        '-- \nYou received this message because you are subscribed to the Google Groups "The Team" group.\n'
        "To unsubscribe from this group and stop receiving emails from it, send an email to "
        "the-team+unsubscribe@googlegroups.com.\n"
        "To view this discussion on the web visit https://groups.google.com/d/msgid/the-team/abc%40example.com.\n"
    ),
    "Google Groups, of 2014": (
        '-- \nYou received this message because you are subscribed to the Google Groups "team" group.\n'
        "To unsubscribe from this group and stop receiving emails from it, send an email to "
        "team+unsubscribe@googlegroups.com.\n"
        "To post to this group, send email to team@googlegroups.com.\n"
        "Visit this group at http://groups.google.com/group/team.\n"
        "For more options, visit https://groups.google.com/d/optout.\n"
    ),
    "Debian": (
        "-- \nTo UNSUBSCRIBE, email to debian-user-REQUEST@lists.debian.org\n"
        'with a subject of "unsubscribe". Trouble? Contact listmaster@lists.debian.org\n'
        "Archive: https://lists.debian.org/20140315090000.GA1@example.org\n"
    ),
}
BANNERS = {
    "first contact": (
        "You don't often get email from a@example.com. Learn why this is important"
        "<https://aka.ms/LearnAboutSenderIdentification>\n"
    ),
    "first contact, in text": (
        "You don\u2019t often get email from a@example.com. Learn why this is important at "
        "https://aka.ms/LearnAboutSenderIdentification\n"
    ),
    "external": (
        "CAUTION: This email originated from outside of the organization. Do not click links or open attachments "
        "unless you recognize the sender and know the content is safe.\n"
    ),
    "external, short": "[EXTERNAL] Warning: This message came from an external source.\n",
    "external, British": (
        "Caution: This e-mail originated from outside your organisation. Please do not click on any links or open any "
        "attachments unless you trust the sender and know that the content is safe.\n"
    ),
}


def words(text: str) -> str:
    return spaced(prose(text))


def as_page(text: str) -> str:
    """The same in HTML, each line a paragraph, addresses and links in tags."""
    tokens = (
        f"<a>{word}</a>" if "@" in word or "://" in word else word for word in text.replace("\n", " <br> ").split(" ")
    )
    return words(
        read_page(" ".join(tokens).replace("<https", "&lt;https").replace("Identification>", "Identification&gt;")).text
    )


@pytest.mark.parametrize("name", FOOTERS)
@pytest.mark.parametrize("form", [words, as_page])
def test_a_footer_is_taken_off(name: str, form: Callable[[str], str]) -> None:
    assert SHIPPED.stripped(form("Hello you\n" + FOOTERS[name])) == "Helloyou"


@pytest.mark.parametrize("name", BANNERS)
@pytest.mark.parametrize("form", [words, as_page])
def test_a_banner_is_taken_off(name: str, form: Callable[[str], str]) -> None:
    assert SHIPPED.stripped(form(BANNERS[name] + "Hello you")) == "Helloyou"


@pytest.mark.parametrize("name", FOOTERS)
@pytest.mark.parametrize("form", [words, as_page])
def test_a_sentence_after_a_footer_keeps_it_all(name: str, form: Callable[[str], str]) -> None:
    text = form("Hello you\n" + FOOTERS[name] + "Pay 500 to the new account.")
    assert SHIPPED.stripped(text) == text.replace(" ", "")


@pytest.mark.parametrize("name", FOOTERS)
def test_a_sentence_before_a_footer_stays(name: str) -> None:
    text = words("Hello you\nPay 500 to the new account.\n" + FOOTERS[name])
    assert SHIPPED.stripped(text) == "HelloyouPay500tothenewaccount."


@pytest.mark.parametrize("name", FOOTERS)
def test_a_sentence_inside_a_footer_keeps_it_all(name: str) -> None:
    first, _, rest = FOOTERS[name].partition("\n")
    text = words(f"Hello you\n{first}\nPay 500 now.\n{rest}")
    assert "Pay500now" in SHIPPED.stripped(text)


@pytest.mark.parametrize("name", BANNERS)
def test_a_sentence_around_a_banner_stays(name: str) -> None:
    assert SHIPPED.stripped(words(BANNERS[name] + "Pay 500 now. Hello")) == "Pay500now.Hello"
    kept = SHIPPED.stripped(words("Pay 500 now.\n" + BANNERS[name] + "Hello"))
    assert kept.startswith("Pay500now.")
    assert len(kept) > len(words(BANNERS[name]).replace(" ", ""))


def test_several_are_taken_off_one_after_the_other() -> None:
    text = words(BANNERS["external"] + BANNERS["first contact"] + "Hello\n" + FOOTERS["Mailman 2"] + FOOTERS["Debian"])
    assert SHIPPED.stripped(text) == "Hello"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "To unsubscribe from this list: write to me",
        "This message came from outside.",
        "Caution: the floor is wet. This message came from outside.",
        "Warning: this message is urgent.",
        "You don't often get email from me. Learn why!",
        "_" * 100,
    ],
)
def test_what_is_like_boilerplate_stays(text: str) -> None:
    assert SHIPPED.stripped(words(text)) == words(text).replace(" ", "")


LEGAL = "This message is for its addressee only. If you are not that, delete it."


def test_an_administrator_gives_texts() -> None:
    known = SHIPPED.adding([LEGAL, " short "])
    assert known.stripped(words(f"Hello\n{LEGAL}")) == "Hello"
    assert known.stripped(words(f"{LEGAL}\nHello")) == "Hello"
    assert known.stripped(words(f"Hello\n{LEGAL}\n{FOOTERS['Mailman 2']}")) == "Hello"
    assert known.stripped(words(f"Hello {LEGAL} Bye")) == words(f"Hello {LEGAL} Bye").replace(" ", "")
    assert known.stripped("Hello short") == "Helloshort"
    assert SHIPPED.stripped(words(LEGAL)) == words(LEGAL).replace(" ", "")


def test_the_longest_known_text_is_taken_off() -> None:
    known = Boilerplate().adding([LEGAL, f"Regards. {LEGAL}"])
    assert known.stripped(words(f"Hello Regards. {LEGAL}")) == "Hello"


BARE = LEGAL.replace(" ", "")


def seen(*pairs: tuple[str, str]) -> list[Addition]:
    return [Addition(BARE, message, sender) for message, sender in pairs]


def test_three_messages_of_three_senders_teach() -> None:
    assert learned(seen(("1", "a"), ("2", "b"), ("3", "c"))).texts == {BARE}


@pytest.mark.parametrize(
    "found",
    [
        [],
        seen(("1", "a"), ("2", "b")),
        seen(("1", "a"), ("2", "a"), ("3", "a")),  # what one person keeps writing
        seen(("1", "a"), ("2", "b"), ("3", "b")),
        seen(("1", "a"), ("1", "b"), ("1", "c")),  # one message
        seen(("1", "a"), ("1", "b"), ("2", "c")),
        [Addition(BARE + sender, sender, sender) for sender in "abc"],  # not word for word
        [Addition("ok", sender, sender) for sender in "abc"],  # too short to be known
    ],
)
def test_less_teaches_nothing(found: list[Addition]) -> None:
    assert learned(found).texts == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "added"),
    [
        ("b", "abc", ("a", "c")),
        ("abc", "b", ("a", "c")),
        ("abc", "abc", ("", "")),
        ("ab", "abc", ("", "c")),
        ("ac", "abc", None),
        ("abd", "abc", None),
    ],
)
def test_additions(one: str, other: str, added: tuple[str, str] | None) -> None:
    assert additions(one, other) == added


UNITS = [
    "_",
    f"{LINE} a mailing list ",
    "-- ",
    'To unsubscribe from this list: send the line "unsubscribe a" ',
    "external ",
    "caution: ",
    "a@b ",
    "caution: this email came from outside the company. ",
    "[",
    "a",
    "@",
    "https://a/ ",
    'You received this message because you are subscribed to the Google Groups "a" group. ',
    "You don't often get email from ",
    "<mailto:a@b>",
]


@pytest.mark.parametrize("unit", [*UNITS, *FOOTERS.values(), *BANNERS.values()])
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    assert_linear(lambda text: SHIPPED.stripped(words(text)), unit)


@pytest.mark.parametrize("name", FOOTERS)
def test_a_footer_that_almost_ends_takes_little_time(name: str) -> None:
    start = words(FOOTERS[name])
    assert_linear(lambda text: SHIPPED.stripped(start + text[:4000]), "a")
    assert_linear(lambda text: SHIPPED.stripped(start + text[:4000]), "_")
