"""Links as their sender wrote them: the wrappers that mail gateways put around them are undone.

Each gateway keeps the target inside its link, so that it can be read back without asking anyone. Sources: Microsoft
("Safe Links in Microsoft Defender for Office 365"), Proofpoint (its URL Defense decoder), and what Barracuda, Cisco,
Trend Micro, Sophos, Symantec, Trustwave and FireEye links carry. Mimecast's and others' tokens tell nothing and stay.
"""

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

_URL = re.compile(r"https?://[^\s<>\"'\u00a0]+", re.IGNORECASE)
_BARE = re.compile(r"(https?://[^\s<>\"'/?#()\[\]]+)/(?=[\s<>\"')\],]|$)", re.IGNORECASE)
_CANONICAL = re.compile(r"https?://[a-z0-9.-]+/[^%\s]+\Z")
_MARK = re.compile(r"(?<=urldefense)\..*|(?<=safelinks)\..*")
_ROUNDS = 5
_URL_MAX = 1 << 14
"""Characters of a link that is unwrapped. The standard library remembers the links that it has split."""


def unwrapped_text(text: str) -> str:
    """The text with its links unwrapped, and without the slash that gateways add after a bare host name."""
    if "://" not in text:
        return text
    if has_wrapped(text):
        text = _URL.sub(lambda url: unwrapped(url[0]), text)
    return _BARE.sub(r"\1", text)


def has_wrapped(text: str) -> bool:
    """Whether the text may have such links."""
    return any(mark in text for mark in _MARKS)


def unwrapped(url: str) -> str:
    """The link inside, however often it was wrapped; the link itself if it was not."""
    for _ in range(_ROUNDS):
        target = _target(url)
        if target is None or target == url:
            return url
        url = target
    return url


def canonical_link(url: str) -> str:
    """For comparing: without white space and escapes, scheme and host in lower case, no slash after a bare host."""
    if _CANONICAL.match(url):
        return url
    url = unquote("".join(url.split())) if "%" in url else "".join(url.split())
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url[:7].lower() + url[7:] if url[:7].lower() == "mailto:" else url
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash if path else ''}{path}"


def _target(url: str) -> str | None:
    if len(url) > _URL_MAX:
        return None
    try:
        parts = urlsplit(url)
        host = f".{parts.hostname or ''}".lower()
        for suffix, read in _WRAPPERS:
            if host.endswith(f".{suffix.removeprefix('.')}"):
                return read(url)
    except ValueError:  # no link at all; as are the errors of the decoders below
        return None
    return None


def _parameter(name: str) -> Callable[[str], str | None]:
    """Reads a link that stands percent-encoded in a query parameter."""

    def read(url: str) -> str | None:
        found = parse_qs(urlsplit(url.replace("&amp;", "&")).query, max_num_fields=50).get(name)
        return _link(found[0]) if found else None

    return read


def _link(text: str) -> str | None:
    return text if re.match(r"(?:https?|mailto|ftp|tel):", text, re.IGNORECASE) else None


def _proofpoint(url: str) -> str | None:
    """Versions 1 to 3 of URL Defense."""
    path = urlsplit(url).path
    if path.startswith("/v1/"):
        return _parameter("u")(url)
    if path.startswith("/v2/"):
        found = parse_qs(urlsplit(url.replace("&amp;", "&")).query, max_num_fields=50).get("u")
        return _link(unquote(found[0].translate({45: "%", 95: "/"}))) if found else None
    match = _V3.match(url)
    return _link(_proofpoint_filled(match[1], match[2])) if match else None


_V3 = re.compile(r"[a-z]{1,10}://[^/]*/v3/__(.+?)__;([A-Za-z0-9_-]*={0,2})!", re.IGNORECASE)
_V3_HOLE = re.compile(r"\*(?:\*(.))?")
_V3_RUNS = {c: n for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 2)}


def _proofpoint_filled(text: str, encoded: str) -> str:
    """Each asterisk stands for one character of the encoded rest, `**x` for a run whose length is x.

    No percent sign is left in the text, so that one which stands there was put there on the way.
    """
    rest = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8", "replace")
    # The scheme's second slash is dropped by some clients.
    text = unquote(re.sub(r"^(\w+):/(?!/)", r"\1://", text))
    at = 0

    def fill(hole: re.Match[str]) -> str:
        nonlocal at
        size = 1 if hole[1] is None else _V3_RUNS.get(hole[1], 0)
        at += size
        return rest[at - size : at]

    return _V3_HOLE.sub(fill, text)


def _sophos(url: str) -> str | None:
    found = parse_qs(urlsplit(url.replace("&amp;", "&")).query, max_num_fields=50).get("u")
    if not found:
        return None
    try:
        return _link(base64.b64decode(found[0] + "=" * (-len(found[0]) % 4)).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return None


def _cisco(url: str) -> str | None:
    """`https://secure-web.cisco.com/TOKEN/TARGET`, the target percent-encoded."""
    return _link(unquote(urlsplit(url).path.rpartition("/")[2]))


_WRAPPERS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    (".safelinks.protection.outlook.com", _parameter("url")),
    (".safelinks.office365.us", _parameter("url")),
    ("urldefense.proofpoint.com", _proofpoint),
    ("urldefense.com", _proofpoint),
    ("urldefense.us", _proofpoint),
    ("linkprotect.cudasvc.com", _parameter("a")),
    ("secure-web.cisco.com", _cisco),
    (".trendmicro.com", _parameter("url")),
    (".protection.sophos.com", _sophos),
    ("clicktime.symantec.com", _parameter("u")),
    ("scanmail.trustwave.com", _parameter("u")),
    (".fireeye.com", _parameter("u")),
)
_MARKS = tuple(dict.fromkeys(_MARK.sub("", suffix) for suffix, _ in _WRAPPERS))
"""What to look for in a text: of hosts that differ in the end, what they have in common."""
