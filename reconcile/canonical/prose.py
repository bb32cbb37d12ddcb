"""Text in the form in which it is compared: white space gone, compatible characters made one, links unwrapped.

Letters, digits and punctuation stay: a decimal point that moved is another amount.
"""

import re
import unicodedata

from reconcile.canonical.links import unwrapped_text


def prose(text: str) -> str:
    """The text as it is compared, but for its white space."""
    text = unwrapped_text(text).replace("\xa0", " ")
    return text if is_canonical(text) else normalized(text)


def is_canonical(text: str) -> bool:
    """Whether `normalized` certainly gives the same. It is told fast, and holds for most texts."""
    return text.isascii() or not _ODD.search(text)


def normalized(text: str) -> str:
    """NFC, and what conversions between charsets take one for another. NFKC would make `102` of `10\u00b2`."""
    text = unicodedata.normalize("NFC", _unstacked(text))
    text = _INVISIBLE.sub("", text)
    return _WIDE.sub(_narrowed, text)


def _unstacked(text: str) -> str:
    """With a joiner, which is dropped later, in long runs of combining marks: sorting these takes quadratic time."""
    if len(text) < _STACK_SHORT or not _MAYBE_STACK.search(text):
        return text
    marks = "".join(sorted(c for c in set(text) if unicodedata.combining(unicodedata.normalize("NFD", c)[0])))
    return re.sub(f"[{marks}]{{{_STACK_MAX}}}", "\\g<0>\u034f", text) if marks else text


_STACK_MAX = 30
"""Marks on one character (UAX 15, stream-safe text)."""
_STACK_SHORT = 2000
# The first stands alone, for then the search is three times as fast.
_MAYBE_STACK = re.compile(f"[^\\x00-\u02ff][^\\x00-\u02ff]{{{_STACK_MAX}}}")


def _narrowed(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0].translate(_TWINS))


def plain_prose(text: str) -> str:
    """Of a text/plain. The `>` that mbox files put before a line that starts with `From ` is taken off."""
    return prose(_MBOX_FROM.sub("From ", text) if _MAYBE_FROM.search(text) else text)


def page_prose(text: str) -> str:
    """Of the text of an HTML body, of which one cannot tell where its lines began."""
    return prose(text.replace(">From ", "From ") if ">From " in text else text)


def squeezed(text: str) -> bytes:
    """As UTF-8 without white space and control characters: lines are broken anew at every hop.

    Between two digits a mark is left of it, so that `1 11` is not `11 1`.
    """
    data = text.encode("utf-8", "surrogatepass")
    kinds = data.translate(_KINDS)
    if _GAP_KINDS.search(kinds):  # many times as fast as looking for a gap at once
        is_table = kinds.count(b"1 1") > _GAPS_FEW
        data = _GAPS.sub(b"\xff", data) if is_table else _GAP.sub(lambda gap: gap[0][:1] + b"\xff", data)
    return data.translate(None, _BLANK)


def joined(text: str) -> str:
    """The same of words with one space between them, as text."""
    if _SPACE_DIGIT.search(text):
        text = _SPACE.sub("\\1\uffff", text)
    return text.replace(" ", "")


def spaced(text: str) -> str:
    """Words with one space between them, for finding boilerplate by."""
    text = " ".join(text.split())
    return text if text.isprintable() else " ".join(text.translate(_CONTROL).split())


_MAYBE_FROM = re.compile(">From ")  # faster than `in`, which slows down at common letters
_MBOX_FROM = re.compile(r"^>+From ", re.MULTILINE)
# Soft hyphens, joiners, direction marks, variation selectors, which some clients drop, and all spaces but the common.
_INVISIBLE = re.compile(
    "[\x80-\x9f\xad\u034f\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff\ufffc]"
)
# All but what most text is made of, which is canonical: letters of Latin and Cyrillic, dashes, quotes, bullets, two
# signs, kana, Han, Hangul.
_ODD = re.compile(
    "[^\x00-\x7f\xa1-\xac\xae-\u02ff\u0400-\u0482\u048a-\u052f\u2010-\u2015\u2017-\u2027\u20ac\u2122"
    "\u3001-\u300f\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"
)
# Half and full width, and the signs of which Japanese charsets have two: wave dash, minus, double bar.
_WIDE = re.compile("[\u2016\u2212\u301c\uff00-\uffef][\u2016\u2212\u301c\uff00-\uffef]*+")
_TWINS = {0x2016: "\u2225", 0x2212: "-", 0x301C: "~"}
_BLANK = bytes([*range(0x21), 0x7F])
_GAP = re.compile(rb"[0-9][\x00-\x20\x7f]++(?=[0-9])")
# The same; it finds slowly and replaces fast, where the other does the opposite.
_GAPS = re.compile(rb"(?<=[0-9])[\x00-\x20\x7f]++(?=[0-9])")
_GAPS_FEW = 1000
_GAP_KINDS = re.compile(rb"1 ++1")
_KINDS = bytes(0x31 if chr(c).isdigit() and c < 0x80 else 0x20 if c in _BLANK else 0x61 for c in range(256))
_SPACE_DIGIT = re.compile(" [0-9]")
_SPACE = re.compile("([0-9]) (?=[0-9])")
_CONTROL = {c: None if c < 9 or c == 0x7F else " " for c in _BLANK}


def same_words(plain: str, page: str) -> bool:
    """Whether a plain text is what a client made of the page, or the page what one made of the text.

    Clients add links, bullets, emphasis and rules, each in its own way; what is left of both is compared letter by
    letter and number by number.
    """
    return _essence(plain) == _essence(page)


def is_placeholder(plain: str, page: str) -> bool:
    """Whether a plain text is no rendering of the page, nor an edited one, but tells the reader to look at the page.

    It is short, and it has no run of letters in common with the page, or is a small piece of it.
    """
    (words, _), (other, _) = _essence(plain), _essence(page)
    if len(words) > _PLACEHOLDER_MAX:
        return False
    runs = (words[at : at + _RUN] for at in range(max(1, len(words) - _RUN + 1)))
    is_foreign = not any(run in other for run in runs if run)
    return is_foreign or (len(words) * 4 < len(other) and words in other)


_PLACEHOLDER_MAX = 300
_RUN = 16


def _essence(text: str) -> tuple[bytes, list[bytes]]:
    data = _RENDERED.sub(" ", text).encode("utf-8", "surrogatepass")
    return data.translate(None, _PUNCTUATION), _NUMBER.findall(data)


_RENDERED = re.compile(
    r"<(?:https?|mailto|tel|ftp):[^<>]*>|\[(?:cid|image|http)[^\[\]]*\]|(?:https?://|mailto:)[^\s<>\"']+|[•◦▪·\u2010-\u2027]",
    re.IGNORECASE,
)
_NUMBER = re.compile(rb"[0-9][0-9]*+(?:[.,:/][0-9]++)*+")
_PUNCTUATION = bytes(c for c in range(128) if not chr(c).isalnum())
