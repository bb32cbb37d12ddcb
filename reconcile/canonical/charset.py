"""Bytes to text, for any charset label and any bytes (RFC 2045, 2978; the aliases of the WHATWG Encoding Standard)."""

import codecs
import encodings
import pkgutil
import re
from encodings.aliases import aliases
from functools import lru_cache

_ALIASES = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "ascii",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "windows-949": "cp949",
    "windows-936": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "windows-874": "cp874",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "x-mac-roman": "mac-roman",
    "dos-866": "cp866",
    "unicode-2-0-utf-8": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "ascii",
    "unknown-8bit": "ascii",
}
"""Labels that in mail mean more than they say, or that Python knows by another name."""

_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Codecs of Python that are no charsets. Some take quadratic time."""
_LABEL_MAX = 64


def decoded(data: bytes, charset: str) -> str:
    """The text. What does not fit its label is read as UTF-8 if it is that, else as Windows-1252. Never raises."""
    if not charset:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace")
    codec = _codec(charset[:_LABEL_MAX])  # what is remembered is short
    for name in (codec, "utf-8"):
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            continue
    # A multi-byte text with one bad byte is still best read as what it says it is; such a byte may swallow a CR.
    return data.replace(b"\r\n", b"\n").decode(codec if codec in _MULTIBYTE else "cp1252", "replace")


def as_utf8(data: bytes, charset: str) -> bytes:
    """The text in UTF-8, whatever it was in; lone surrogates as CESU-8 has them."""
    if data.isascii() and _codec(charset[:_LABEL_MAX]) in _OVER_ASCII:
        return data
    return decoded(data, charset).encode("utf-8", "surrogatepass")


_OVER_ASCII = frozenset({"ascii", "utf-8", "cp1252"})
_MULTIBYTE = frozenset({"gb18030", "cp949", "cp932", "big5", "big5hkscs", "euc_jp", "iso2022_jp"})


@lru_cache(maxsize=512)
def _codec(charset: str) -> str:
    """The name of the codec; ASCII where the label says nothing that we know."""
    label = _JUNK.sub("", charset.lower()) or "ascii"
    label = _ALIASES.get(label, label)
    if encodings.normalize_encoding(label).replace(".", "_") not in _KNOWN:
        return "ascii"
    try:
        found = codecs.lookup(label)
        "".encode(found.name)  # refuses what is no text encoding, such as zlib
    except (LookupError, UnicodeError, ValueError):
        return "ascii"
    if found.name.replace("-", "_") in _REFUSED:
        return "ascii"
    return _ALIASES.get(found.name.replace("iso8859", "iso-8859"), found.name)


_JUNK = re.compile(r"[^a-z0-9._:+-]")
_KNOWN = frozenset({*aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__))})
"""Python looks for a module by each label that it does not know, and remembers them all."""
