"""What an HTML body says: its text and its links. Reads any text, in time that grows with its length only."""

import hashlib
import html
import re
from typing import NamedTuple

from reconcile.canonical.links import canonical_link, has_wrapped, unwrapped


class Page(NamedTuple):
    """What a page says, tags being white space.

    `visible` is `text` without the hidden previews of newsletters. `links` are the targets of links and pictures, in
    their order, canonical. A picture inside the message is `cid:` and its Content-ID, one that is written into the
    page is `data:` and a digest.
    """

    text: str
    visible: str
    links: tuple[str, ...]


def read_page(source: str) -> Page:
    """What follows an unclosed comment, tag, style or script is part of it, as in a browser."""
    if _ORDERED.search(source):
        source = _numbered(source)
    text = visible = _text(source)
    if ("isplay" in source or "ISPLAY" in source) and _NO_DISPLAY.search(source):
        visible = _text(_HIDDEN.sub(lambda found: "" if _NO_DISPLAY.search(found[2]) else found[0], source))
    return Page(text, visible, tuple(_links(source)))


def _text(source: str) -> str:
    return _unescaped(_MARKUP.sub(" ", source))


# A search that ignores case is ten times as slow as these, which are what is written.
_ORDERED = re.compile("<[oO][lL]")
_NO_DISPLAY = re.compile(r"[dD](?i:isplay\s*:\s*none)")
_HIDDEN = re.compile(r"<(div|span|p|td|center)\b([^<>]*+)>[^<]*+</\1\s*+>", re.IGNORECASE)


def _numbered(source: str) -> str:
    """The items of ordered lists with their numbers, which a browser shows and every plain rendering has."""
    lists: list[int | None] = []  # of each open list the next number, None for bullets

    def step(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name == "li":
            number = lists[-1] if lists and not tag[1] else None
            if number is None:
                return tag[0]
            lists[-1] = number + 1
            return f"{tag[0]} {number}. "
        if tag[1]:
            del lists[-1:]
        elif len(lists) < _LISTS_MAX:
            start = _START.search(tag[3])
            lists.append((int(start[1]) if start else 1) if name == "ol" else None)
        return tag[0]

    return _LIST_TAG.sub(step, source)


_LISTS_MAX = 64
_LIST_TAG = re.compile(r"<(/?)(ol|ul|li)\b([^>]*+)(?:>|\Z)", re.IGNORECASE)
_START = re.compile(r"\bstart\s*=\s*[\"']?([0-9]{1,6})\b", re.IGNORECASE)
# Most tags first; that order changes nothing but speed.
_MARKUP = re.compile(
    r"<(?:(?:[a-ru-z/]|t(?!itle[\s/>])|s(?!(?:tyle|cript)[\s/>]))[^>]*+(?:>|\Z)"
    r"|!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))"
    r"|(style|script|title)(?=[\s/>])(?:[^<]++|<(?!/\1\b))*+(?:</\1\b[^>]*+(?:>|\Z)|\Z)|[!?][^>]*+(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)
# The first group is the target of most links, canonical as it stands; the second is the attributes of the others.
_ANCHOR = re.compile(
    r"<(?=[aAiI!])(?:!--(?:-?>|.*?(?:--!?>|\Z))|a href=\"(?-i:(https?://[a-z0-9.-]+/[^\"<>%&\s]+))\"[^<>\"']*+>"
    r"|(?:a|area|img)[\s/]((?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"'])*+)(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"([^\s\"'=/>]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"']++)))?+|\"[^\"]*+\"|'[^']*+'"
)
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}+;?")


def _links(source: str) -> list[str]:
    found = [
        (plain, plain or _target(attributes)) for plain, attributes in _ANCHOR.findall(source) if plain or attributes
    ]
    links = [(plain, link) for plain, link in found if link is not None]
    if has_wrapped("\n".join([link for _, link in links])):
        links = [("", unwrapped(link)) for _, link in links]
    return [plain or _canonical(link) for plain, link in links]


def _canonical(link: str) -> str:
    return _digested(link) if link[:5].lower() == "data:" else canonical_link(link)


def _target(attributes: str) -> str | None:
    """The first that leads somewhere; None if none does. What is like one inside the value of another is none."""
    target = _value(attributes)
    return None if target is None else _unescaped(target)


def _value(attributes: str) -> str | None:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1] and found[1].lower() in ("href", "src") and found.lastindex != 1:  # it has a value
            return found[2] or found[3] or found[4] or ""
    return None


def _digested(link: str) -> str:
    return "data:" + hashlib.sha256("".join(link.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    # No character has such a number, and Python refuses to read those of thousands of digits.
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))
