"""The pairs of mail hold what their labels promise, as the standard library reads them."""

import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from itertools import islice
from random import Random

import pytest

from fixtures.copies import ALLOWED, ROWS, Label, Pair, pairs
from fixtures.copies.originals import KINDS, originals

SEED = 11
ROUNDS = 5
READ_AS = {"iso-8859-1": "cp1252", "latin1": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
OTHER_ID = {"redirected_by_rule", "message_id_added", "date_added", "id_replaced_by_google"}
OTHER_FILES = {"inner_message_rebuilt"}
OTHER_PLAIN = {"rebuilt_text_from_html"}
OTHER_EVENT = {"calendar_rebuilt", "calendar_in_utc", "calendar_zone_renamed"}
LINK = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody sees of a message; white space taken out, links taken apart from text."""

    plain: str
    page: str
    links: tuple[str, ...]
    pictures: tuple[str, ...]
    files: tuple[str, ...]
    events: tuple[str, ...]
    who: tuple[str, frozenset[str]]
    when: float
    subject: str
    id: str


class Page(HTMLParser):
    """The text of a page, and where its links lead and its pictures come from."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self._hidden = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "title")
        found = [value or "" for name, value in attrs if name in ("href", "src")]
        self.links += [value for value in found if not value.startswith("cid:")]
        self.pictures += [value[4:] for value in found if value.startswith("cid:")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)


def read(raw: bytes) -> Reading:
    mail = message_from_bytes(raw)
    plain, pages, links, files, events, shown, named = [], [], [], [], [], [], {}
    for part in leaves(mail):
        kind, data = part.get_content_type(), content(part)
        if part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            coded = str(part["Content-Transfer-Encoding"]).lower() in ("base64", "quoted-printable")
            bare = data if coded and not kind.startswith("text/") else data.replace(b"\r\n", b"\n")
            files.append(hashlib.sha256(bare).hexdigest())
            named[str(part["Content-ID"]).strip(" <>")] = files[-1]
        elif kind == "text/plain":
            plain.append(LINK.sub("", decode(part, data)))
            links += LINK.findall(decode(part, data))
        elif kind == "text/html":
            page = Page(decode(part, data))
            pages.append(LINK.sub("", "".join(page.said)))
            links += page.links
            shown += page.pictures
        else:
            events.append(decode(part, data).replace("\r\n", "\n"))
    return Reading(
        "".join("".join(plain).split()),
        "".join("".join(pages).split()),
        tuple(links),
        tuple(named.get(one, "") for one in shown),
        tuple(sorted(files)),
        tuple(events),
        people(mail),
        parsedate_to_datetime(mail["Date"]).timestamp() if mail["Date"] else 0,
        "".join(words(mail, "Subject").split()),
        "".join(str(mail["Message-ID"] or "").split()),
    )


def leaves(part: Message) -> Iterator[Message]:
    if part.get_content_maintype() == "message":
        yield part
    elif part.is_multipart() and isinstance(part.get_payload(), list):
        for inner in part.get_payload():
            yield from leaves(inner)
    else:
        yield part


def content(part: Message) -> bytes:
    """Decoded; the library wants no blanks around the name of the transfer encoding, which a field may have."""
    if part.get_content_maintype() == "message":
        return part.as_bytes().partition(b"\n\n")[2]
    if "Content-Transfer-Encoding" in part:
        part.replace_header("Content-Transfer-Encoding", str(part["Content-Transfer-Encoding"]).strip())
    return part.get_payload(decode=True) or b""


def decode(part: Message, data: bytes) -> str:
    charset = (part.get_content_charset() or "utf-8").lower()
    return data.decode(READ_AS.get(charset, charset), "replace")


def words(mail: Message, name: str) -> str:
    value = next(iter(values(mail, name)), "")
    return str(make_header(decode_header(value))) if "=?" in value else value


def values(mail: Message, *names: str) -> list[str]:
    """Unfolded, with raw utf-8 read as such."""
    low = {name.lower() for name in names}
    found = (value for name, value in mail.raw_items() if name.lower() in low)
    return [re.sub(r"\r?\n(?=[ \t])", "", one).encode("utf-8", "surrogateescape").decode() for one in found]


def people(mail: Message) -> tuple[str, frozenset[str]]:
    author, *_ = getaddresses(values(mail, "From")) or [("", "")]
    others = getaddresses(values(mail, "To", "Cc"))
    return author[1].lower(), frozenset(box.lower() for _, box in others if "@" in box)


@pytest.fixture(scope="module")
def made() -> list[Pair]:
    return list(pairs(SEED, len(ROWS) * ROUNDS))


def test_the_same_seed_makes_the_same_pairs() -> None:
    some = list(pairs(3, 120))
    assert some == list(pairs(3, 120))
    assert some[:20] != list(pairs(4, 20))


def test_more_pairs_begin_with_the_same_ones() -> None:
    assert list(islice(pairs(5, 10_000_000), 60)) == list(pairs(5, 60))


def test_every_row_occurs_equally_often(made: list[Pair]) -> None:
    assert Counter(pair.main for pair in made) == dict.fromkeys(ROWS, ROUNDS)


def test_most_true_copy_transforms_are_laid_over_others(made: list[Pair]) -> None:
    over = {name for pair in made for name in pair.kind.split(" + ")[1:]}
    assert over <= {row.name for row in ROWS.values() if row.composes}
    assert len(over) > 40


def test_every_kind_of_original_is_read_without_defects() -> None:
    for raw in originals(Random(SEED), len(KINDS) * 4):
        mail = message_from_bytes(raw)
        assert not [defect for part in mail.walk() for defect in part.defects], raw[:2000]


def test_true_copies_say_the_same(made: list[Pair]) -> None:
    for pair in made:
        if pair.label is Label.SAME:
            a, b, names = read(pair.a), read(pair.b), set(pair.kind.split(" + "))
            assert differences(a, b, names) == [], (pair.kind, a, b)


def differences(a: Reading, b: Reading, names: set[str]) -> list[str]:
    """Names of what differs between two copies, but for what these transforms are there to change."""
    found = [name for name in ("pictures", "who") if getattr(a, name) != getattr(b, name)]
    found += ["files"] if a.files != b.files and not names & OTHER_FILES else []
    found += ["page"] if a.page and b.page and unquoted(a.page) != unquoted(b.page) else []
    if a.plain and b.plain and not names & OTHER_PLAIN:
        found += ["plain"] if unquoted(a.plain) != unquoted(b.plain) else []
    found += ["nothing in common"] if (a.plain or a.page or b.plain or b.page) and not in_common(a, b) else []
    if not names & OTHER_ID:
        found += [name for name in ("id", "when") if getattr(a, name) != getattr(b, name)]
    found += ["events"] if a.events != b.events and not names & OTHER_EVENT else []
    found += ["subject"] if not (a.subject.endswith(tail(b)) and b.subject.endswith(tail(a))) else []
    return found


def unquoted(text: str) -> str:
    return text.replace(">From", "From")


def in_common(a: Reading, b: Reading) -> bool:
    return bool(a.plain and b.plain) or bool(a.page and b.page)


def tail(reading: Reading) -> str:
    """The subject without what tags and answers put before it."""
    return re.sub(r"^(?:(?:Re|AW|Fwd):|\[[^\]]*\]|\**SPAM\**|\{Spam\?\}|EXTERNAL:|Bug#\d+:)*", "", reading.subject)


def test_lookalikes_differ_in_what_is_seen_or_in_what_they_are(made: list[Pair]) -> None:
    for pair in made:
        if pair.label is Label.NOT_SAME:
            a, b = (bare(read(raw), pair.main) for raw in (pair.a, pair.b))
            assert a != b or trace(pair.a) != trace(pair.b), pair.kind


def bare(reading: Reading, main: str) -> Reading:
    """Without links and events where what was laid over the pair may have changed them, and the row itself did not."""
    links = reading.links if "link" in main or "source" in main else ()
    return replace(reading, links=links, events=reading.events if main.startswith("event") else ())


def trace(raw: bytes) -> list[str | None]:
    """What tells apart messages that read alike: the first relay's line, counters, who sent it again."""
    mail = message_from_bytes(raw)
    names = ("X-Alert-Id", "X-Sequence", "X-Job", "Resent-Message-ID")
    return [mail.get_all("Received", [""])[-1], *(mail[name] for name in names)]


def test_lookalikes_without_overlays_differ_in_one_thing_at_most_three(made: list[Pair]) -> None:
    """A look-alike that differs in everything proves nothing."""
    for pair in made:
        if pair.label is Label.NOT_SAME and pair.kind == pair.main and pair.main not in ("answered", "next_issue"):
            a, b = read(pair.a), read(pair.b)
            assert sum(getattr(a, name) != getattr(b, name) for name in Reading.__slots__) <= 3, pair.kind


def test_banners_only_add(made: list[Pair]) -> None:
    for pair in made:
        if pair.kind == pair.main and pair.main.startswith(("banner", "disclaimer", "list_")):
            short, long = sorted((read(pair.a), read(pair.b)), key=lambda it: len(it.plain) + len(it.page))
            assert short.plain in long.plain or not short.plain, pair.kind
            assert short.page in long.page or not short.page, pair.kind
            assert short.files == long.files, pair.kind


def test_cut_copies_have_lost_something(made: list[Pair]) -> None:
    for pair in made:
        if pair.label is Label.REVIEW and pair.main not in ("message_id_added_to_short", "truncated"):
            a, b = read(pair.a), read(pair.b)
            assert (a.plain, a.page, a.files, a.links) != (b.plain, b.page, b.files, b.links), pair.kind


def test_a_pair_bears_the_label_of_its_row(made: list[Pair]) -> None:
    assert all(pair.label is ROWS[pair.main].label for pair in made)


def test_each_row_tells_its_actor_and_its_reason() -> None:
    assert all(row.actor and row.why and row.name for row in ROWS.values())


def test_a_label_allows_what_it_says() -> None:
    assert Label.SAME.allows("same")
    assert not Label.SAME.allows("review")
    assert not any(label.allows("same") for label in (Label.REVIEW, Label.NOT_SAME))
    assert set(ALLOWED) == set(Label)


@pytest.mark.parametrize("wrapper", ["safe_links", "url_defense_v1", "url_defense_v2", "url_defense_v3"])
def test_links_are_rewritten_in_a_form_that_holds_the_old_one(wrapper: str) -> None:
    rng = Random(7)
    old = "https://www.example.com/a_b-c/~d?x=1&y=a%20b#e"
    raw = f"Subject: x\r\n\r\nsee {old} today\r\n".encode()
    copy = ROWS[wrapper].apply(raw, rng)
    assert copy is not None
    assert html.unescape(LINK.findall(copy.decode())[0]) != old
    assert re.search(FORMS[wrapper], copy.decode()), copy.decode()


FORMS = {
    "safe_links": r"/\?url=https%3A%2F%2Fwww\.example\.com%2Fa_b-c%2F~d%3Fx%3D1%26y%3Da%2520b%23e&data=",
    "url_defense_v1": r"/v1/url\?u=https://www\.example\.com/a_b-c/~d%3Fx%3D1%26y%3Da%2520b%23e&k=",
    "url_defense_v2": r"/v2/url\?u=https-3A__www\.example\.com_a-5Fb-2Dc_-7Ed-3Fx-3D1-26y-3Da-2520b-23e&d=",
    "url_defense_v3": r"/v3/__https://www\.example\.com/a_b-c/\*d\?x=1&y=a\*20b\*e__;fiUj!!",
}
